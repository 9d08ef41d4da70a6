package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCachePrintsWhereArtifactsCanBeRead(t *testing.T) {
	slow := filepath.Join(t.TempDir(), "slow")
	if err := os.Mkdir(slow, 0o700); err != nil {
		t.Fatal(err)
	}
	copies := t.TempDir()
	t.Setenv("LOADERD_CACHE_DIR", copies)
	t.Setenv("LOADERD_CACHE_COPY", "/nowhere:"+slow)
	shelf(t)
	far := filepath.Join(slow, "far.csv")
	if err := os.WriteFile(far, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ok(t, "add", "samples.csv", "images")
	ok(t, "add", far, "-k", "far.csv")
	ok(t, "collection", "create", "study", "images", "samples.csv")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(ok(t, "cache", "far.csv", "study"), "\n"), "\n")
	if want := []string{filepath.Join(here, "images"), filepath.Join(here, "samples.csv")}; len(got) != 3 || !slices.Equal(got[1:], want) {
		t.Fatalf("printed %q", got)
	}
	if content, err := os.ReadFile(got[0]); err != nil || string(content) != "a\n1\n" || !strings.HasPrefix(got[0], filepath.Join(copies, "copies")) {
		t.Errorf("%q has %q, %v", got[0], content, err)
	}
	var paths []string
	if err := json.Unmarshal([]byte(ok(t, "cache", "study", "--json")), &paths); err != nil || !slices.Equal(paths, got[1:]) {
		t.Errorf("as JSON %q, %v", paths, err)
	}
	if err := os.WriteFile("samples.csv", []byte("less"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := invoke(t, "cache", "samples.csv"); code != 0 || !strings.Contains(stderr, "samples.csv is not what was registered") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := invoke(t, "cache", "none"); code != 1 || !strings.Contains(stderr, "no artifact or collection") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
