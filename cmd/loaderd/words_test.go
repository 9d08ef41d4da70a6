package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A name of a file is bytes, of which not all need be text.
func TestNamesOfFilesAreTakenByteForByte(t *testing.T) {
	shelf(t)
	makeFiles(t, "b\xfe.csv", "b\xff.csv", "a,b.csv")
	ok(t, "add", "b\xfe.csv", "a,b.csv")
	code, _, stderr := invoke(t, "add", "b\xff.csv") // which is shown like the first
	if code != 1 || !strings.Contains(stderr, "that of another file") {
		t.Errorf("a second file of the same key: %d, %s", code, stderr)
	}
	ok(t, "add", "b\xff.csv", "--key", "other.csv")
	ok(t, "collection", "create", "c", "b\xff.csv", "a,b.csv")
	if out := ok(t, "show", "b\xff.csv"); !strings.Contains(out, "other.csv") {
		t.Errorf("the one of the path is\n%s", out)
	}
	if out := ok(t, "cache", "c"); strings.TrimSpace(out) == "" || !strings.Contains(out, "b\xff.csv\n") {
		t.Errorf("it is at %q", out)
	}
	ok(t, "rm", "b\xff.csv")
	ok(t, "restore", "b\xff.csv")
	if code, _, stderr := invoke(t, "show", "c\xff.csv"); code != 1 || !strings.Contains(stderr, "no record") {
		t.Errorf("what is not there: %d, %s", code, stderr)
	}
}

func TestALabelMayHaveCommas(t *testing.T) {
	shelf(t)
	ok(t, "add", "samples.csv", "-l", "B cell, activated", "-l", "blood")
	var found []map[string]any
	if err := json.Unmarshal([]byte(ok(t, "ls", "ulabels", "--json", "-o", "name")), &found); err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0]["name"] != "B cell, activated" || found[1]["name"] != "blood" {
		t.Errorf("labels are %v", found)
	}
}

func TestFlagsMayStandAmongWords(t *testing.T) {
	shelf(t)
	ok(t, "add", "samples.csv", "pbmc.h5ad", "-l", "blood")
	for _, args := range [][]string{
		{"ls", "artifacts", "--all", "suffix=.csv", "-n", "5", "ulabels__name=blood", "--json"},
		{"ls", "--json", "artifacts", "-x", "suffix=.h5ad", "key__contains=s"},
		{"ls", "artifacts", "-o", "-key", "--json", "suffix=.csv"},
		{"ls", "suffix=.csv", "-n1", "--json", "--order=key", "key=samples.csv"},
	} {
		var found []map[string]any
		if err := json.Unmarshal([]byte(ok(t, args...)), &found); err != nil || len(found) != 1 || found[0]["key"] != "samples.csv" {
			t.Errorf("%q: %v, %v", args, found, err)
		}
	}
	if err := os.WriteFile("-odd", []byte("odd"), 0o644); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	if out := ok(t, "add", "images", "--json", "--", "-odd"); !strings.Contains(out, filepath.Join(here, "-odd")) || !strings.Contains(out, `"n_files": 2`) {
		t.Errorf("behind -- all are words:\n%s", out)
	}
	for _, args := range [][]string{{"ls", "artifacts", "--nope", "x=1", "--json"}, {"ls", "artifacts", "--json", "-n"}, {"collection", "--json", "create"}, {"ls", "--json", "-n", "-1"}} {
		if code, _, _ := invoke(t, args...); code == 0 {
			t.Errorf("%q is no error", args)
		}
	}
}
