package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/ipc"
)

// keysOf are the keys of all artifacts, with the versions where there are any.
func keysOf(t *testing.T) []string {
	t.Helper()
	var found []map[string]any
	if err := json.Unmarshal([]byte(ok(t, "ls", "artifacts", "--json", "-n", "0", "-o", "id")), &found); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range found {
		out = append(out, strings.TrimSuffix(textOf(r["key"])+" "+textOf(r["version"]), " "))
	}
	return out
}

// makeFiles writes files whose content is their name.
func makeFiles(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheKeyOfAFileIsItsPath(t *testing.T) {
	shelf(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	makeFiles(t, "a/data.txt", "b/data.txt", "../outside/c/data.txt", "../store/d/data.txt")
	store := filepath.Join(filepath.Dir(here), "store")
	c, err := ipc.Dial(t.Context(), ipc.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Registry(t.Context(), "save", map[string]any{"model": "storage", "record": map[string]any{"root": store}}, nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		path string
		want string
	}{
		{"below this folder", "a/data.txt", "a/data.txt"},
		{"below this folder, another", "./b/../b/data.txt", "b/data.txt"},
		{"an absolute path below this folder", filepath.Join(here, "images"), "images"},
		{"outside of it", "../outside/c/data.txt", "data.txt"},
		{"below a storage", "../store/d/data.txt", "d/data.txt"},
		{"a URL", "https://example.org/x/data.txt", "x/data.txt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ok(t, "add", tt.path)
			if keys := keysOf(t); keys[len(keys)-1] != tt.want {
				t.Errorf("got the keys %q, want %q last", keys, tt.want)
			}
		})
	}
	t.Chdir(store) // the key below a storage is the same from wherever it is registered
	makeFiles(t, "d/data.txt")
	if err := os.WriteFile("d/data.txt", []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir("d")
	ok(t, "add", "data.txt")
	if keys := keysOf(t); keys[len(keys)-1] != "d/data.txt 2" {
		t.Errorf("got the keys %q", keys)
	}
}

func TestAnotherFileDoesNotBecomeAVersionUnasked(t *testing.T) {
	shelf(t)
	makeFiles(t, "../x/data.txt", "../y/data.txt", "sub/data.txt")
	refused := func(args ...string) {
		t.Helper()
		code, _, stderr := invoke(t, args...)
		if code != 1 || !strings.Contains(stderr, "data.txt") || !strings.Contains(stderr, "--key") {
			t.Errorf("loaderd %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
		}
	}
	refused("collection", "create", "c", "../x/data.txt", "../y/data.txt")
	refused("add", "../x/data.txt", "../y/data.txt")
	refused("add", "../y/data.txt")
	refused("collection", "create", "c", "../y/data.txt")
	refused("add", "-k", "made/", "../x/../y/data.txt", "sub/data.txt")
	if keys := keysOf(t); !slices.Equal(keys, []string{"data.txt", "made/data.txt"}) {
		t.Errorf("got the keys %q", keys)
	}
	// What is asked for is done: a copy of what is there, a changed file, and a file under a key that is given.
	ok(t, "add", "../x/data.txt", "../y/data.txt")
	if err := os.WriteFile("../x/data.txt", []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	ok(t, "add", "../x/data.txt")
	ok(t, "add", "-k", "data.txt", "sub/data.txt")
	if keys := keysOf(t); !slices.Equal(keys, []string{"data.txt 1", "made/data.txt", "data.txt 2", "data.txt 3"}) {
		t.Errorf("got the keys %q", keys)
	}
}

func TestACollectionOfAFileThatWasMovedTakesItsRecordAlong(t *testing.T) {
	shelf(t)
	ok(t, "add", "samples.csv")
	if err := os.Rename("samples.csv", "images/samples.csv"); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := invoke(t, "collection", "create", "study", "images/samples.csv")
	if code != 0 || !strings.Contains(out, "1 artifact\n") || !strings.Contains(stderr, "where nothing is any more") {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}
	if out := ok(t, "show", "samples.csv"); !strings.Contains(out, "images/samples.csv") {
		t.Errorf("it shows\n%s", out)
	}
	if keys := keysOf(t); !slices.Equal(keys, []string{"samples.csv"}) {
		t.Errorf("got the keys %q", keys)
	}
}
