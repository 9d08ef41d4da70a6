package zarr

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/internal/formats"
)

var update = flag.Bool("update", false, "write docs/formats.md anew")

// Every node of every store of the matrix, opened and read in each of the ways there are, against zarr-python.
func TestEveryFormOfTheMatrixReadsAsZarrPythonReadsIt(t *testing.T) {
	dir, cases := formats.Load(t)
	var outcomes []formats.Outcome
	stores, forms := 0, 0
	for i := range cases {
		c := &cases[i]
		if c.Kind != "zarr" && c.Store == "" {
			continue
		}
		stores++
		if c.Kind == "zarr" {
			forms++
		}
		t.Run(c.Name(), func(t *testing.T) {
			refused := checkStore(t, filepath.Join(dir, c.Path), c)
			if c.Kind == "zarr" {
				outcomes = append(outcomes, formats.Outcome{Case: c, Refused: refused})
			}
		})
	}
	if stores < 200 {
		t.Errorf("only %d stores", stores)
	}
	if !t.Failed() && len(outcomes) == forms {
		formats.Check(t, "zarr", outcomes, *update)
	}
}

// checkStore compares a store with what zarr-python reads in it, and gives what was refused, as it should be.
func checkStore(t *testing.T, path string, c *formats.Case) (refused []formats.Refusal) {
	t.Helper()
	s, err := Open(path)
	if slices.Contains(c.Refused, "") {
		return []formats.Refusal{sorry(t, err, path, "")}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := parseWant(t, c.Store)
	for _, at := range c.Refused {
		refused = append(refused, sorry(t, readAt(s, at), path, at))
	}
	compareGroup(t, s.Root(), w)
	for how, open := range otherWays(t, path) {
		t.Run(how, func(t *testing.T) {
			s, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			compareGroup(t, s.Root(), w)
		})
	}
	return refused
}

func parseWant(t *testing.T, text string) *want {
	t.Helper()
	data := []byte(text)
	if quoted := quoteSpecials(data); quoted != nil {
		data = quoted
	}
	w := &want{}
	if err := json.Unmarshal(data, w); err != nil {
		t.Fatal(err)
	}
	return w
}

// otherWays opens a store that is a folder as an archive, and without the metadata that were consolidated.
func otherWays(t *testing.T, path string) map[string]func() (*Store, error) {
	t.Helper()
	if strings.HasSuffix(path, ".zip") {
		return nil
	}
	files := map[string][]byte{}
	root := os.DirFS(path)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(root, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	stored := archive(t, files, "x.zarr/", zip.Store)
	return map[string]func() (*Store, error){
		"zipped":           func() (*Store, error) { return NewZip(bytes.NewReader(stored), int64(len(stored)), path) },
		"not consolidated": func() (*Store, error) { return openMemory(apart(t, files)) },
	}
}

// readAt reads the array at a path and gives the error.
func readAt(s *Store, at string) error {
	o, err := s.Lookup(at)
	if err != nil {
		return err
	}
	a, ok := o.(*Array)
	if !ok {
		return errors.New(at + " is a group")
	}
	_, err = a.Read()
	if a.Type().isText() {
		_, err = a.Strings()
	}
	return err
}

// sorry holds an error to what is promised of those for forms that are not read, and gives its words.
func sorry(t *testing.T, err error, store, object string) formats.Refusal {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrNotZarr) {
		t.Errorf("%s: %v, want ErrUnsupported or ErrTooLarge", object, err)
		return formats.Refusal{}
	}
	if e.Store != store || object != "" && e.Object != object || e.Form == "" || e.Hint == "" {
		t.Errorf("%v names store %q, object %q, form %q, cure %q; want %q, %q and any", e, e.Store, e.Object, e.Form, e.Hint, store, object)
	}
	return formats.Refusal{Met: e.Form, Cure: e.Hint}
}
