package mapped

import (
	"os"
	"path/filepath"
	"runtime"
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

// Tools that keep times put the old one on what they have written.
func TestAFileThatIsWrittenOverWithItsOldTimeIsAnother(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("no time of the last change")
	}
	dir := filepath.Join(t.TempDir(), "a.zarr")
	file := filepath.Join(dir, "0")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		time.Sleep(20 * time.Millisecond) // clocks of file systems are coarse
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{file, dir} {
			if err := os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	what := map[string]func() string{
		"file":                   func() string { id, _ := FileIdentity(file); return id },
		"folder":                 func() string { id, _ := FileIdentity(dir); return id },
		"statistics of the file": func() string { return fingerprint(file) },
	}
	write("1111")
	before := make(map[string]string)
	for name, id := range what {
		before[name] = id()
	}
	write("2222")
	for name, id := range what {
		if before[name] == "" || id() == before[name] {
			t.Errorf("%s: %q before and %q after", name, before[name], id())
		}
	}
}
