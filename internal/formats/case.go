package formats

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Env names the folder that holds the matrix.
const Env = "LOADERD_MATRIX"

// Case is one file of the matrix.
type Case struct {
	Kind    string // "h5", "zarr" or "anndata": whose forms it is one of
	Area    string // the table that the form stands in
	Form    string
	Version string // of the format: "earliest" … "latest", "v2", "h5ad" …
	Path    string // within the folder
	// Refused are the objects that are not read: "/path", "/path@attribute", or "" for the whole file.
	Refused []string
	// Objects are those of an HDF5 file as h5py reads them, by path.
	Objects json.RawMessage
	// Store is what zarr-python reads of a store, as JSON in which numbers may be NaN.
	Store string
	// Requests are batches of AnnData files, and Refusals those that cannot be had.
	Requests, Refusals []json.RawMessage
}

// Name is that of the subtest.
func (c *Case) Name() string { return c.Area + "/" + c.Form + "/" + c.Version }

// Load gives the matrix and its folder. It skips the test where no environment names one.
func Load(t testing.TB) (dir string, cases []Case) {
	t.Helper()
	dir = os.Getenv(Env)
	if dir == "" {
		t.Skipf("%s is not set: `make test-go` makes the matrix of formats and sets it", Env)
	}
	cases, err := load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s=%s holds no matrix of formats; `make matrix` makes it: %v", Env, dir, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, cases
}

func load(dir string) ([]Case, error) {
	f, err := os.Open(filepath.Join(dir, "matrix.json.gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var cases []Case
	return cases, json.NewDecoder(z).Decode(&cases)
}
