package lint

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/internal/build"
)

// root is the root of the repository: go test runs in the folder of the package.
const root = "../.."

func report(t *testing.T, found []Finding, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

func sources(t *testing.T) []Source {
	t.Helper()
	files, err := Sources(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Fatalf("%d Go files below %s: this test looks in the wrong place", len(files), root)
	}
	return files
}

func TestTheRepositoryKeepsItsRules(t *testing.T) {
	files := sources(t)
	for name, rule := range map[string]func([]Source) []Finding{
		"imports go in the direction of the design":       ImportDirection,
		"unsafe stands where it is allowed":               Unsafe,
		"nothing sleeps":                                  Sleep,
		"every goroutine is waited for":                   NakedGo,
		"every package has a comment in doc.go":           PackageComments,
		"every exception to a rule is still needed":       Unused,
		"no file is longer than a person reads at a time": tooLongHere(t),
	} {
		t.Run(name, func(t *testing.T) { report(t, rule(files), nil) })
	}
}

func tooLongHere(t *testing.T) func([]Source) []Finding {
	return func([]Source) []Finding {
		paths, err := Files(root, ".go", ".py", ".sh")
		if err != nil {
			t.Fatal(err)
		}
		found, err := TooLong(paths, func(p string) ([]byte, error) { return os.ReadFile(filepath.Join(root, p)) })
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
}

func TestTheRootHoldsTheFoldersOfTheDesignOnly(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		ignored := e.Name() != ".ci" && skipFolder(e.Name()) && e.Name() != "testdata"
		if e.IsDir() && !ignored && !slices.Contains(topLevel, e.Name()) {
			t.Errorf("folder %s: not one of %v (docs/design.md)", e.Name(), topLevel)
		}
	}
}

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	pages, err := Files(root, ".md")
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) == 0 {
		t.Fatal("no pages: this test looks in the wrong place")
	}
	for _, page := range pages {
		found, err := DeadLinks(root, page)
		report(t, found, err)
		found, err = MissingTests(root, page)
		report(t, found, err)
	}
}

func TestTheReleaseIsTheSameEverywhere(t *testing.T) {
	want := Release(build.Version)
	for file, pattern := range map[string]string{
		"internal/build/version.go":     `(?m)^var Version = "([^+"]+)`,
		"clients/python/pyproject.toml": `(?m)^version = "([^"]+)"`,
	} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(pattern).FindSubmatch(text)
		if m == nil {
			t.Errorf("%s: no line like %s", file, pattern)
		} else if got := string(m[1]); got != want {
			t.Errorf("%s says %s; this binary is %s", file, got, want)
		}
	}
}

func TestRulesFindWhatBreaksThem(t *testing.T) {
	for _, tc := range []struct {
		name, path, src string
		rule            func([]Source) []Finding
		want            string // part of the one finding; empty: none
	}{
		{"a leaf that imports the daemon", "ipc/x.go", `package ipc; import _ "github.com/loaderd/loaderd/internal/daemon"`, ImportDirection, "imports internal/daemon"},
		{"mapped that imports the sampler", "mapped/x.go", `package mapped; import _ "github.com/loaderd/loaderd/sampler"`, ImportDirection, "imports sampler"},
		{"mapped that imports its reader", "mapped/x.go", `package mapped; import _ "github.com/loaderd/loaderd/mapped/h5"`, ImportDirection, ""},
		{"a test that imports across", "ipc/x_test.go", `package ipc_test; import _ "github.com/loaderd/loaderd/internal/daemon"`, ImportDirection, ""},
		{"a package nobody placed", "util/x.go", `package util`, ImportDirection, "has no line"},
		{"unsafe in a reader", "mapped/h5/x.go", `package h5; import "unsafe"`, Unsafe, "imports unsafe"},
		{"unsafe where it is allowed", "mapped/view.go", `package mapped; import "unsafe"`, Unsafe, ""},
		{"a sleep", "ipc/x.go", "package ipc\nimport \"time\"\nfunc f() { time.Sleep(1) }", Sleep, "ipc/x.go:3"},
		{"a sleep in a test", "ipc/x_test.go", "package ipc\nimport \"time\"\nfunc f() { time.Sleep(1) }", Sleep, ""},
		{"another Sleep", "ipc/x.go", "package ipc\nfunc f(c interface{ Sleep() }) { c.Sleep() }", Sleep, ""},
		{"a naked goroutine", "ipc/x.go", "package ipc\nfunc f() {\n\tfunc() { go f() }()\n}", NakedGo, "go statement in f"},
		{"a naked goroutine in a variable", "ipc/x.go", "package ipc\nvar f = func() { go println() }", NakedGo, "go statement in var"},
		{"a package without doc.go", "ipc/x.go", "// Package ipc is documented in the wrong file.\npackage ipc", PackageComments, "no doc.go"},
		{"a doc.go without a comment", "ipc/doc.go", "package ipc", PackageComments, "no doc.go"},
		{"a doc.go with a comment", "ipc/doc.go", "// Package ipc is the wire.\npackage ipc", PackageComments, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := Parse(tc.path, tc.src)
			if err != nil {
				t.Fatal(err)
			}
			found := tc.rule([]Source{s})
			switch {
			case tc.want == "" && len(found) > 0:
				t.Errorf("found %v, want nothing", found)
			case tc.want != "" && (len(found) != 1 || !strings.Contains(found[0].String(), tc.want)):
				t.Errorf("found %v, want one finding with %q", found, tc.want)
			}
		})
	}
}

func TestAFileIsTooLongFromItsFirstLineBeyondTheLimit(t *testing.T) {
	for lines, want := range map[int]int{maxLines: 0, maxLines + 1: 1} {
		text := []byte(strings.Repeat("x\n", lines))
		found, err := TooLong([]string{"a.go"}, func(string) ([]byte, error) { return text, nil })
		if err != nil || len(found) != want {
			t.Errorf("%d lines: %v, %v; want %d findings", lines, found, err, want)
		}
	}
}

func TestATestThatAPageNamesHasToBeThere(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a_test.go": "package a\nfunc TestThere(t *testing.T) {}\n",
		"a.py":      "def test_there() -> None: ...\n",
		"a.md":      "[`TestThere`](a_test.go) [`test_there`](a.py) [`TestTher`](a_test.go) [`test_gone`](a.py)",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := MissingTests(dir, "a.md")
	want := []Finding{{"a.md", "a_test.go has no test TestTher"}, {"a.md", "a.py has no test test_gone"}}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("found %v, %v; want %v", found, err, want)
	}
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("b.md", "# Zero copy, and still safe\n\n```sh\n# not a heading\n```\n")
	for _, tc := range []struct{ name, text, want string }{
		{"to a page", "[x](b.md)", ""},
		{"to a heading", "[x](b.md#zero-copy-and-still-safe)", ""},
		{"to a heading of its own", "# Here\n[x](#here)", ""},
		{"to a folder", "[x](.)", ""},
		{"to another site", "[x](https://example.org/nothing)", ""},
		{"inside a code block", "```\n[x](nothing.md)\n```", ""},
		{"to no page", "[x](nothing.md)", "no such file"},
		{"to no heading", "[x](b.md#nothing)", "no such heading"},
		{"to a comment in a code block", "[x](b.md#not-a-heading)", "no such heading"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			write("a.md", tc.text)
			found, err := DeadLinks(dir, "a.md")
			if err != nil {
				t.Fatal(err)
			}
			if (tc.want == "") != (len(found) == 0) || tc.want != "" && !strings.Contains(found[0].What, tc.want) {
				t.Errorf("%q: found %v, want %q", tc.text, found, tc.want)
			}
		})
	}
}
