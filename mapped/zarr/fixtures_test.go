package zarr

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const fixtures = "../../testdata/zarr"

// want is what zarr-python reads of a node.
type want struct {
	Attrs       json.RawMessage
	Members     map[string]*want // nil for an array
	Shape       []int64
	Chunks      []int64
	Shards      []int64
	DType       string
	SHA256      string
	Text        []string
	Fields      map[string]*want
	Unsupported bool
}

func loadExpected(t testing.TB) map[string]*want {
	t.Helper()
	f, err := os.Open(filepath.Join(fixtures, "expected.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	quoted := quoteSpecials(data)
	if quoted == nil {
		quoted = data
	}
	out := map[string]*want{}
	if err := json.Unmarshal(quoted, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// members reads the files of a store in an archive.
func members(t testing.TB, name string) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string][]byte{}
	for _, m := range z.File {
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[m.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return out
}

// folder writes files into a new folder.
func folder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		put(t, dir, name, data)
	}
	return dir
}

func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// archive packs files without compression.
func archive(t testing.TB, files map[string][]byte, prefix string, method uint16) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, data := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: prefix + name, Method: method})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// openFiles opens files as a store in a folder.
func openFiles(t testing.TB, files map[string][]byte) *Store {
	t.Helper()
	s, err := Open(folder(t, files))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// inEveryWay gives a store opened in each of the ways there are.
func inEveryWay(t *testing.T, name string, fn func(t *testing.T, s *Store)) {
	files := members(t, name)
	stored := archive(t, files, "", zip.Store)
	inside := archive(t, files, "some.zarr/", zip.Store)
	for how, open := range map[string]func() (*Store, error){
		"as it is":               func() (*Store, error) { return Open(filepath.Join(fixtures, name)) },
		"in a folder":            func() (*Store, error) { return Open(folder(t, files)) },
		"stored":                 func() (*Store, error) { return NewZip(bytes.NewReader(stored), int64(len(stored)), "stored") },
		"zipped with its folder": func() (*Store, error) { return NewZip(bytes.NewReader(inside), int64(len(inside)), "inside") },
		"not consolidated":       func() (*Store, error) { return Open(folder(t, apart(t, files))) },
	} {
		t.Run(name+" "+how, func(t *testing.T) {
			s, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			fn(t, s)
		})
	}
}

// apart takes the consolidated metadata away.
func apart(t testing.TB, files map[string][]byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, data := range files {
		switch {
		case name == ".zmetadata":
			continue
		case strings.HasSuffix(name, "zarr.json"):
			f, err := parseObject(data)
			if err != nil {
				t.Fatal(err)
			}
			delete(f, "consolidated_metadata")
			if data, err = json.Marshal(f); err != nil {
				t.Fatal(err)
			}
		}
		out[name] = data
	}
	return out
}
