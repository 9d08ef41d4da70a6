package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestRestoreTakesBackWhatRmTookOfSeveralVersions(t *testing.T) {
	shelf(t)
	version := func(text string) string {
		if err := os.WriteFile("samples.csv", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return strings.Fields(strings.Split(ok(t, "add", "samples.csv"), "\n")[1])[0]
	}
	first, second, third := version("sample\n1\n"), version("sample\n2\n"), version("sample\n3\n")
	ok(t, "collection", "create", "study", first, "-k", "study")
	ok(t, "collection", "create", "study", second, "-k", "study")
	ok(t, "collection", "create", "samples.csv", third) // of the name of the artifact, and in the trash alone
	for _, ref := range []string{"samples.csv", third[:6], "study"} {
		gone := ok(t, "rm", ref)
		if back := ok(t, "restore", ref); strings.Replace(gone, "in the trash", "restored", 1) != back {
			t.Errorf("%s: rm says\n%s and restore\n%s", ref, gone, back)
		}
		if again := ok(t, "restore", ref); !strings.HasSuffix(again, "was not in the trash\n") {
			t.Errorf("%s, once more: %s", ref, again)
		}
	}
	for _, uid := range []string{third, second} {
		if gone := ok(t, "rm", "samples.csv"); !strings.Contains(gone, uid) {
			t.Fatalf("rm took\n%s", gone)
		}
	}
	for _, uid := range []string{third, second} { // the newest first, whatever went first
		if back := ok(t, "restore", "samples.csv"); !strings.Contains(back, uid) || !strings.Contains(back, "restored") {
			t.Errorf("restored\n%s, want %s", back, uid)
		}
	}
	var found []map[string]any
	if err := json.Unmarshal([]byte(ok(t, "ls", "collections", "name=samples.csv", "--json")), &found); err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	ok(t, "rm", found[0]["uid"].(string))
	if back := ok(t, "restore", "samples.csv"); !strings.HasPrefix(back, "collection ") || !strings.HasSuffix(back, "restored\n") {
		t.Errorf("of an artifact that is shown and a collection in the trash: %s", back)
	}
}
