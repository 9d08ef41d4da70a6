package main

import (
	"os"
	"strings"
	"testing"
)

func TestContentThatIsChangedBackIsSaidToBeAnOldVersion(t *testing.T) {
	shelf(t)
	add := func(text string) (uid, stderr string) {
		t.Helper()
		if err := os.WriteFile("s.csv", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		code, out, stderr := invoke(t, "add", "s.csv")
		if code != 0 {
			t.Fatal(stderr)
		}
		return strings.Fields(strings.Split(out, "\n")[1])[0], stderr
	}
	first, _ := add("aaaa\n")
	second, stderr := add("bbbb\n")
	if stderr != "" {
		t.Error(stderr)
	}
	again, stderr := add("aaaa\n")
	if again != first || !strings.Contains(stderr, `what is saved as "s.csv" is its version 1 (`+first+`), and no new version`) || !strings.Contains(stderr, "such as 2 ("+second+")") {
		t.Errorf("%s, %s", again, stderr)
	}
	if _, _, stderr := invoke(t, "cache", second); !strings.Contains(stderr, "it is what is registered as "+first) || strings.Contains(stderr, "register it again") {
		t.Error(stderr)
	}
	ok(t, "rm", second)
	if _, stderr := add("aaaa\n"); stderr != "" {
		t.Error(stderr)
	}
	if _, _, stderr := invoke(t, "cache", first); stderr != "" {
		t.Error(stderr)
	}

	ok(t, "collection", "create", "c", first, "-k", "c")
	ok(t, "collection", "create", "c", "samples.csv", "-k", "c")
	if _, _, stderr := invoke(t, "collection", "create", "c", first, "-k", "c"); !strings.Contains(stderr, `what is saved as "c" is its version 1`) {
		t.Error(stderr)
	}
}
