package formats

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Outcome is what became of a case.
type Outcome struct {
	*Case
	// Refused is empty when everything in the file was read and compared; else what the errors say.
	Refused []Refusal
}

// Refusal is what an error says of a form that is not read.
type Refusal struct{ Met, Cure string }

// pagePath is docs/formats.md, from wherever a test runs.
func pagePath() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "docs", "formats.md")
}

// Check holds a part of docs/formats.md to the outcomes, or writes it anew.
func Check(t testing.TB, part string, outcomes []Outcome, update bool) {
	t.Helper()
	page, err := os.ReadFile(pagePath())
	if err != nil {
		t.Fatal(err)
	}
	now, err := replace(page, part, tables(outcomes))
	switch {
	case err != nil:
		t.Fatal(err)
	case bytes.Equal(now, page):
	case update:
		if err := os.WriteFile(pagePath(), now, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/formats.md is not what the readers do: `make formats` writes it anew, then read the diff.\nnow:\n%s", tables(outcomes))
	}
}

// replace puts text between the marks of a part.
func replace(page []byte, part, text string) ([]byte, error) {
	begin, end := fmt.Sprintf("<!-- generated: %s -->\n", part), fmt.Sprintf("<!-- end: %s -->", part)
	head, rest, ok := bytes.Cut(page, []byte(begin))
	_, tail, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return nil, fmt.Errorf("docs/formats.md has no part between %q and %q", strings.TrimSpace(begin), end)
	}
	return slices.Concat(head, []byte(begin), []byte(text), []byte(end), tail), nil
}

// row is a line of a table: a form, and those of its versions that came out alike.
type row struct {
	form     string
	versions []string
	refused  []Refusal
}

// tables gives one table an area, in the order of the cases.
func tables(outcomes []Outcome) string {
	var areas []string
	rows := map[string][]*row{}
	for _, o := range outcomes {
		if !slices.Contains(areas, o.Area) {
			areas = append(areas, o.Area)
		}
		i := slices.IndexFunc(rows[o.Area], func(r *row) bool { return r.form == o.Form && slices.Equal(r.refused, o.Refused) })
		if i < 0 {
			i = len(rows[o.Area])
			rows[o.Area] = append(rows[o.Area], &row{form: o.Form, refused: o.Refused})
		}
		rows[o.Area][i].versions = append(rows[o.Area][i].versions, o.Version)
	}
	var b strings.Builder
	for _, area := range areas {
		fmt.Fprintf(&b, "\n### %s\n\n| form | written as | read |\n| --- | --- | --- |\n", area)
		for _, r := range rows[area] {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(r.form), span(r.versions), verdict(r.refused))
		}
	}
	b.WriteString("\n")
	return b.String()
}

// span shortens the versions of HDF5 that follow one another.
func span(versions []string) string {
	all := []string{"earliest", "v108", "v110", "v112", "v114", "latest"}
	from := slices.Index(all, versions[0])
	if n := len(versions); from >= 0 && n > 2 && from+n <= len(all) && slices.Equal(versions, all[from:from+n]) {
		return versions[0] + " – " + versions[n-1]
	}
	return strings.Join(versions, ", ")
}

// verdict names a cure once, behind all that it is good for.
func verdict(refused []Refusal) string {
	if len(refused) == 0 {
		return "yes"
	}
	var cures []string
	met := map[string][]string{}
	for _, r := range refused {
		if !slices.Contains(cures, r.Cure) {
			cures = append(cures, r.Cure)
		}
		if !slices.Contains(met[r.Cure], r.Met) {
			met[r.Cure] = append(met[r.Cure], r.Met)
		}
	}
	cells := make([]string, len(cures))
	for i, cure := range cures {
		cells[i] = cell(strings.Join(met[cure], "; ") + " (" + cure + ")")
	}
	return "no: " + strings.Join(cells, "; ")
}

// cell keeps text from ending a cell, or from becoming anything but text.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "__", `\_\_`, "*", `\*`).Replace(s)
}
