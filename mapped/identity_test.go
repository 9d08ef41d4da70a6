package mapped

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAFolderIsAnotherWhenAnyFileInItIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a.zarr")
	chunk := filepath.Join(dir, "X", "c", "0")
	if err := os.MkdirAll(filepath.Dir(chunk), 0o700); err != nil {
		t.Fatal(err)
	}
	identity := func() string {
		t.Helper()
		id, err := FileIdentity(dir)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	write := func(text string, age time.Time) {
		t.Helper()
		if err := os.WriteFile(chunk, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(chunk, age, age); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Unix(1, 0)
	write("1111", start)
	first := identity()
	if again := identity(); again != first {
		t.Errorf("%s, and then %s", first, again)
	}
	write("2222", start.Add(time.Nanosecond))
	second := identity()
	write("22222", start.Add(time.Nanosecond))
	if third := identity(); first == second || second == third {
		t.Errorf("%s, %s, %s", first, second, third)
	}
}
