package formats

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPageThatIsStaleIsFoundAndWrittenAnew(t *testing.T) {
	page := []byte("# Formats\n<!-- generated: a -->\nold\n<!-- end: a -->\nrest <!-- generated: b -->\n<!-- end: b -->\n")
	got, err := replace(page, "a", "new\n")
	if want := strings.Replace(string(page), "old", "new", 1); err != nil || string(got) != want {
		t.Errorf("%q (%v), want %q", got, err, want)
	}
	for _, part := range []string{"c", ""} {
		if _, err := replace(page, part, "new"); err == nil {
			t.Errorf("part %q: no error, and the page has none of that name", part)
		}
	}
}

func TestOneRowHoldsTheVersionsThatCameOutAlike(t *testing.T) {
	c := func(form, version string) *Case { return &Case{Area: "HDF5: x", Form: form, Version: version} }
	got := tables([]Outcome{
		{Case: c("a | b", "earliest")}, {Case: c("a | b", "v108")}, {Case: c("a | b", "v110")},
		{Case: c("odd", "earliest")}, {Case: c("odd", "latest"), Refused: []Refusal{{"filter 4", "rewrite it"}, {"filter 5", "rewrite it"}, {"a link", "copy it"}}},
	})
	want := "\n### HDF5: x\n\n| form | written as | read |\n| --- | --- | --- |\n" +
		"| a \\| b | earliest – v110 | yes |\n| odd | earliest | yes |\n| odd | latest | no: filter 4; filter 5 (rewrite it); a link (copy it) |\n\n"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// recorder notes how a test ended.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Skipf(f string, _ ...any)  { r.skipped = f; panic(r) }
func (r *recorder) Fatalf(f string, _ ...any) { r.failed = f; panic(r) }
func (r *recorder) Fatal(...any)              { r.failed = "fatal"; panic(r) }

func (r *recorder) load() (cases []Case) {
	defer func() { _ = recover() }()
	_, cases = Load(r)
	return cases
}

func TestAMatrixThatShouldBeThereAndIsNotFailsTheTest(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(Env, dir)
	r := &recorder{TB: t}
	if r.load(); r.failed == "" || r.skipped != "" {
		t.Errorf("failed %q, skipped %q", r.failed, r.skipped)
	}
	f, err := os.Create(filepath.Join(dir, "matrix.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(`[{"kind": "h5", "form": "x"}]`)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r = &recorder{TB: t}
	if cases := r.load(); r.failed != "" || r.skipped != "" || len(cases) != 1 || cases[0].Form != "x" {
		t.Errorf("failed %q, skipped %q: %v", r.failed, r.skipped, cases)
	}
	t.Setenv(Env, "")
	r = &recorder{TB: t}
	if r.load(); r.skipped == "" || r.failed != "" {
		t.Errorf("without the variable: failed %q, skipped %q", r.failed, r.skipped)
	}
}
