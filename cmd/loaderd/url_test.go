package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheSchemeOfAURLHasNoCase(t *testing.T) {
	shelf(t)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	ok(t, "add", "FILE://"+dir+"/samples.csv")
	if out := ok(t, "show", "File://"+dir+"/samples.csv"); !strings.Contains(out, filepath.Join(dir, "samples.csv")+"\n") || !strings.Contains(out, "size        19\n") {
		t.Errorf("it is\n%s", out)
	}
	ok(t, "add", "HTTPS://example.org/Data/x.csv")
	for _, ref := range []string{"https://example.org/Data/x.csv", "HttpS://example.org/Data/x.csv"} {
		if out := ok(t, "show", ref); !strings.Contains(out, "https://example.org/Data/x.csv\n") {
			t.Errorf("%s is\n%s", ref, out)
		}
	}
}
