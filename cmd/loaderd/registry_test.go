package main

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shelf is a folder with files, in which the test stands, and a daemon with a registry of its own.
func shelf(t *testing.T) {
	t.Helper()
	daemonFor(t)
	cells, err := os.ReadFile(pbmc)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{"pbmc.h5ad": string(cells), "samples.csv": "sample,age\na,3\nb,5\n", "images/1.txt": "1", "images/2.txt": "22"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// run runs verbs that must succeed, and gives what the last one printed.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	code, out, stderr := invoke(t, args...)
	if code != 0 {
		t.Fatalf("loaderd %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return out
}

var (
	anyHash = regexp.MustCompile(`((?:order_)?hash +)[\w-]{22}\b`)
	anyTime = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`)
	anyDir  = regexp.MustCompile(`/\S*/(pbmc\.h5ad|samples\.csv|images)`)
	anyHost = regexp.MustCompile(`((?:created_by|storage) +)[^\s(]+`)
)

// masked is what was printed without what differs from run to run, in the same columns.
func masked(t *testing.T, s string) string {
	t.Helper()
	var uids []string
	for _, k := range kinds {
		var found []map[string]any
		args := []string{"ls", k.plural, "--json", "-n", "0"}
		if k.visible {
			args = append(args, "--all")
		}
		if err := json.Unmarshal([]byte(ok(t, args...)), &found); err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			for _, field := range []string{"uid", "stem_uid"} {
				if uid, _ := r[field].(string); uid != "" {
					uids = append(uids, uid, strings.Repeat("u", len(uid)))
				}
			}
		}
	}
	s = strings.NewReplacer(uids...).Replace(s)
	s = anyDir.ReplaceAllString(s, "DIR/$1")
	s = anyHash.ReplaceAllString(s, "${1}HASH")
	s = anyHost.ReplaceAllString(s, "${1}HERE")
	return anyTime.ReplaceAllString(s, "TIME TIME TIME .")
}

func TestAWalkThroughTheRegistry(t *testing.T) {
	update := *update
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	shelf(t)
	var log strings.Builder
	step := func(args ...string) {
		t.Helper()
		log.WriteString("$ loaderd " + strings.Join(args, " ") + "\n" + masked(t, ok(t, args...)) + "\n")
	}
	step("add", "pbmc.h5ad", "samples.csv", "--label", "blood", "--label", "tutorial data")
	step("add", "images", "-d", "two images")
	step("add", "pbmc.h5ad")
	step("ls")
	step("ls", "otype=AnnData", "-x", "ulabels__name=lung", "--order", "key")
	step("ls", "ulabels", "-o", "name")
	step("ls", "--count", "size__gt=10")
	step("show", "samples.csv")
	step("describe", "samples.csv")
	step("collection", "create", "study", "pbmc.h5ad", "samples.csv", "-d", "cells and samples")
	step("collection", "append", "study", "images")
	step("versions", "study")
	step("ls", "collections", "-o", "version")
	step("lineage", "study")
	step("rm", "images/../samples.csv", "study")
	step("ls", "--trash")
	step("ls", "-s", "pbmc")
	step("restore", "samples.csv")
	step("ls", "-o", "key")
	t.Chdir(dir)
	if update {
		if err := os.WriteFile(filepath.Join("testdata", "registry.golden"), []byte(log.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "registry", log.String())
}

func TestJSONIsForPrograms(t *testing.T) {
	shelf(t)
	ok(t, "add", "pbmc.h5ad", "samples.csv", "-l", "blood")
	ok(t, "collection", "create", "study", "pbmc.h5ad", "samples.csv")
	for _, tt := range []struct {
		args []string
		want string // a path into the value, and the text there
	}{
		{[]string{"add", "images"}, "0.created=true"},
		{[]string{"ls", "otype=AnnData"}, "0.key=pbmc.h5ad"},
		{[]string{"ls", "transforms"}, "=[]"},
		{[]string{"show", "study"}, "name=study"},
		{[]string{"describe", "study"}, "n_artifacts=2"},
		{[]string{"describe", "samples.csv"}, "ulabels.0.name=blood"},
		{[]string{"versions", "samples.csv"}, "0.is_latest=true"},
		{[]string{"lineage", "pbmc.h5ad"}, "edges.0.2=member"},
		{[]string{"collection", "create", "one", "images"}, "members.0.n_files=2"},
		{[]string{"collection", "append", "one", "samples.csv"}, "record.version=2"},
		{[]string{"rm", "images"}, "0.visibility=2"},
		{[]string{"restore", "images"}, "0.visibility=0"},
	} {
		t.Run(strings.Join(tt.args, "_"), func(t *testing.T) {
			out := ok(t, append(tt.args, "--json")...)
			var v any
			if err := json.Unmarshal([]byte(out), &v); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			at, want, _ := strings.Cut(tt.want, "=")
			if got := dig(v, at); got != want {
				t.Errorf("%s is %q, want %q in %s", at, got, want, out)
			}
		})
	}
}

// dig follows a path of names and numbers into a value of JSON.
func dig(v any, at string) string {
	for part := range strings.SplitSeq(at, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i := strings.Index("0123456789", part)
			if part == "" || i >= len(x) {
				break
			}
			v = x[i]
		}
	}
	if s, isText := v.(string); isText {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestLamindbIsImportedFromTheCommandLine(t *testing.T) {
	packed, err := os.Open("../../registry/testdata/lamindb/lamindb.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	shelf(t)
	if err := os.WriteFile("lamin.db", content, 0o600); err != nil {
		t.Fatal(err)
	}
	out := ok(t, "import", "lamindb", "lamin.db")
	for _, want := range []string{"artifacts      9", "collections    3", "left out", "project     1"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if out := ok(t, "import", "lamindb", "lamin.db", "--json"); !strings.Contains(out, `"artifact": 9`) {
		t.Errorf("a second time:\n%s", out)
	}
	if out := ok(t, "lineage", "atlas"); !strings.Contains(out, "├─ run QYeiKmZKX3BdElR5  atlas.ipynb") {
		t.Errorf("the lineage is\n%s", out)
	}
	ok(t, "lineage", "atlas", "--svg", "atlas.svg")
	if drawn, err := os.ReadFile("atlas.svg"); err != nil || !strings.HasPrefix(string(drawn), "<svg ") || ok(t, "lineage", "atlas", "--svg", "-") != string(drawn) {
		t.Errorf("the picture: %v %.60s", err, drawn)
	}
}

func TestVerbsOfTheRegistrySayWhatIsWrong(t *testing.T) {
	shelf(t)
	ok(t, "add", "pbmc.h5ad", "samples.csv")
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"nothing of that name", []string{"show", "pbmc"}, []string{"pbmc", "no record", "--search"}},
		{"another kind of record", []string{"restore", "nowhere"}, []string{"no artifact or collection"}},
		{"a field with a typo", []string{"ls", "sufix=.h5ad"}, []string{"sufix", "did you mean `suffix`?"}},
		{"a value that is no number", []string{"ls", "size__gt=big"}, []string{"size__gt", `"big" is no number`}},
		{"a condition that is none", []string{"ls", "artifacts", "suffix"}, []string{"suffix", "FIELD=VALUE"}},
		{"a kind that is none", []string{"ls", "artefacts"}, []string{"artefacts", "artifacts, collections"}},
		{"a trash that is none", []string{"ls", "runs", "--trash"}, []string{"only artifacts and collections"}},
		{"one key for two files", []string{"add", "pbmc.h5ad", "samples.csv", "-k", "x"}, []string{"--key x", "2 paths"}},
		{"a file that is not there", []string{"add", "none.h5ad"}, []string{"none.h5ad"}},
		{"no path", []string{"add", ""}, []string{"empty path"}},
		{"no name", []string{"rm", ""}, []string{"empty name"}},
		{"no path of a member", []string{"collection", "create", "c", ""}, []string{"empty name"}},
		{"a file of another machine", []string{"add", "file://elsewhere/x.csv"}, []string{"file:///PATH"}},
		{"a member that is not there", []string{"collection", "create", "c", "pbmc.h5ad", "none.h5ad"}, []string{"none.h5ad"}},
		{"a lamindb that is none", []string{"import", "lamindb", "samples.csv"}, []string{"samples.csv", "lamindb"}},
		{"another database that is none", []string{"ls", "--using", "other"}, []string{"other"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, stderr := invoke(t, tt.args...)
			if code != 1 {
				t.Errorf("exit code %d, printed %q", code, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q does not say %q", stderr, want)
				}
			}
		})
	}
	if out := ok(t, "ls", "collections"); strings.Contains(out, " c ") {
		t.Errorf("a collection was saved without all of its members:\n%s", out)
	}
}

func TestWhatHasNoTrashIsDeletedForGoodOnlyWhenThatIsSaid(t *testing.T) {
	shelf(t)
	ok(t, "add", "pbmc.h5ad", "samples.csv", "-l", "blood")
	ok(t, "collection", "create", "study", "samples.csv")
	code, _, stderr := invoke(t, "rm", "blood")
	if code != 1 || !strings.Contains(stderr, "ulabels have no trash; it is a label of 2 artifacts") || !strings.Contains(stderr, "--permanent") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if out := ok(t, "ls", "ulabels"); !strings.Contains(out, "blood") {
		t.Errorf("the label is gone:\n%s", out)
	}
	if out := ok(t, "rm", "blood", "--permanent"); !strings.Contains(out, "blood: deleted") {
		t.Errorf("printed %q", out)
	}
	if out := ok(t, "ls", "ulabels"); strings.Contains(out, "blood") {
		t.Errorf("the label is there:\n%s", out)
	}
}

// A folder of the same names as another one, whose files are registered.
func TestAFileHereIsMeantBeforeAKeyOfAFileElsewhere(t *testing.T) {
	shelf(t)
	ok(t, "add", "samples.csv", "images", "pbmc.h5ad")
	first, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	cells, err := os.ReadFile("pbmc.h5ad")
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	t.Chdir(other)
	for name, content := range map[string]string{"samples.csv": "sample\nother\n", "images": "a file", "copy/pbmc.h5ad": string(cells)} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"rm", "samples.csv"}, {"cache", "samples.csv"}, {"show", "samples.csv"}, {"rm", "images"}, {"collection", "create", "c", "samples.csv"}} {
		code, out, stderr := invoke(t, args...)
		if code != 1 || !strings.Contains(stderr, filepath.Join(other, args[len(args)-1])) || !strings.Contains(stderr, filepath.Join(first, args[len(args)-1])) {
			t.Errorf("%q: exit code %d, %s%s", args, code, out, stderr)
		}
	}
	if out := ok(t, "ls", "--trash") + ok(t, "ls", "collections"); strings.Contains(out, "samples") || strings.Contains(out, "images") {
		t.Errorf("there is\n%s", out)
	}
	ok(t, "add", "samples.csv", "-k", "other.csv")
	if out := ok(t, "cache", "samples.csv"); out != filepath.Join(other, "samples.csv")+"\n" {
		t.Errorf("the file here is at %q", out)
	}
	if out := ok(t, "collection", "create", "c", "samples.csv", "--json"); !strings.Contains(out, `"key": "other.csv"`) {
		t.Errorf("the collection is of\n%s", out)
	}
	t.Chdir("copy") // of the same content, whichever is meant
	if out := ok(t, "cache", "pbmc.h5ad"); out != filepath.Join(first, "pbmc.h5ad")+"\n" {
		t.Errorf("the copy is at %q", out)
	}
}

func TestACountIsOfAllThatIsAskedFor(t *testing.T) {
	shelf(t)
	ok(t, "add", "pbmc.h5ad", "samples.csv", "images")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-n", "2"}, "3\n"},
		{[]string{"--offset", "2"}, "3\n"},
		{[]string{"--search", "samples"}, "1\n"},
		{[]string{"--search", "nothing"}, "0\n"},
		{[]string{"suffix=.h5ad", "-s", "m"}, "1\n"},
	} {
		if out := ok(t, append([]string{"ls", "--count"}, tt.args...)...); out != tt.want {
			t.Errorf("%q: %q, want %q", tt.args, out, tt.want)
		}
	}
}

func TestWhatIsThereAlreadyGetsWhatItLacksOfWhatIsSaid(t *testing.T) {
	shelf(t)
	ok(t, "add", "samples.csv")
	ok(t, "add", "samples.csv", "-d", "the samples", "--kind", "dataset", "--version", "1.0")
	if out := ok(t, "show", "samples.csv"); !strings.Contains(out, "the samples") || !strings.Contains(out, "dataset") || !strings.Contains(out, "1.0") {
		t.Errorf("it has not what was said:\n%s", out)
	}
	code, _, stderr := invoke(t, "add", "samples.csv", "-d", "others", "--version", "2.0")
	if code != 0 || !strings.Contains(stderr, `description "the samples", which stays; not "others"`) || !strings.Contains(stderr, `version "1.0"`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	ok(t, "collection", "create", "study", "samples.csv")
	code, out, stderr := invoke(t, "collection", "create", "other", "samples.csv", "-d", "all")
	if code != 0 || !strings.Contains(stderr, `name "study"`) || !strings.Contains(out, "was there already") {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}
	if out := ok(t, "show", "study"); !strings.Contains(out, "all") {
		t.Errorf("it has not what was said:\n%s", out)
	}
}

func TestAURLOfAFileHereIsItsPath(t *testing.T) {
	shelf(t)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename("samples.csv", "my samples.csv"); err != nil {
		t.Fatal(err)
	}
	ok(t, "add", "file://"+dir+"/my%20samples.csv")
	for _, ref := range []string{"my samples.csv", "file://localhost" + dir + "/my%20samples.csv"} {
		if out := ok(t, "show", ref); !strings.Contains(out, filepath.Join(dir, "my samples.csv")+"\n") || !strings.Contains(out, "size        19\n") {
			t.Errorf("%s shows\n%s", ref, out)
		}
	}
	ok(t, "collection", "create", "c", "file://"+dir+"/images")
	if out := ok(t, "ls", "key=images"); !strings.Contains(out, "images") {
		t.Errorf("the member is\n%s", out)
	}
}

func TestOnlyWhatWasInTheTrashIsSaidToBeRestored(t *testing.T) {
	shelf(t)
	ok(t, "add", "samples.csv")
	if out := ok(t, "restore", "samples.csv"); !strings.HasSuffix(out, " samples.csv: was not in the trash\n") {
		t.Errorf("printed %q", out)
	}
	ok(t, "rm", "samples.csv")
	if out := ok(t, "restore", "samples.csv"); !strings.HasSuffix(out, " samples.csv: restored\n") {
		t.Errorf("printed %q", out)
	}
}

func TestAFewLettersOfAUIDAreEnough(t *testing.T) {
	shelf(t)
	ok(t, "add", "pbmc.h5ad", "samples.csv")
	if err := os.WriteFile("samples.csv", []byte("sample\nc\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ok(t, "add", "samples.csv")
	var found []map[string]any
	if err := json.Unmarshal([]byte(ok(t, "versions", "samples.csv", "--json")), &found); err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	newest, oldest := found[0]["uid"].(string), found[1]["uid"].(string)
	for ref, want := range map[string]string{newest[:6]: newest, newest[:16]: newest, oldest: oldest, newest: newest, "samples.csv": newest, "./samples.csv": newest} {
		if out := ok(t, "show", ref); !strings.Contains(out, want) {
			t.Errorf("%s shows\n%s, want %s", ref, out, want)
		}
	}
}

func TestTheGuidesCommandsRun(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guide/command-line.md")
	if err != nil {
		t.Fatal(err)
	}
	shelf(t)
	ok(t, "add", "pbmc.h5ad")
	n := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		for line := range strings.Lines(block[1]) {
			var words []string
			for _, w := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
				words = append(words, strings.Trim(w, `"`))
			}
			ok(t, words[1:]...)
			n++
		}
	}
	if n < 6 {
		t.Errorf("the guide has %d commands", n)
	}
}

func TestTablesFitTheirColumns(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := newTable("NAME", ">N", "WHAT")
	table.add("日本", "7", "wide")
	table.add("e\u0301t\u00e9", "12345", "an accent of its own")
	table.add("\x1b[31mred\n", "", "steers no terminal")
	if err := table.print(f); err != nil {
		t.Fatal(err)
	}
	want := "NAME           N  WHAT\n日本           7  wide\ne\u0301t\u00e9        12345  an accent of its own\n [31mred          steers no terminal\n"
	if got := contents(t, f); got != want {
		t.Errorf("printed\n%swant\n%s", got, want)
	}
	widths := []int{40, 8, 30}
	if fit(widths, 60); !slices.Equal(widths, []int{18, 8, 30}) {
		t.Errorf("the columns are %v wide", widths)
	}
	if widths = []int{40, 8, 30}; true {
		fit(widths, 10)
	}
	if !slices.Equal(widths, []int{12, 8, 12}) {
		t.Errorf("on a narrow terminal the columns are %v wide", widths)
	}
	if got := cut("日本語", 4); got != "日…" {
		t.Errorf("cut to %q", got)
	}
}
