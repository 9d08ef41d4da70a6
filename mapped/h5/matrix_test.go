package h5

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/internal/formats"
)

// Every object of every HDF5 file of the matrix, in each of the ways there are to read it, against h5py.
func TestEveryFormOfTheMatrixReadsAsH5pyReadsIt(t *testing.T) {
	dir, cases := formats.Load(t)
	var outcomes []formats.Outcome
	files, forms := 0, 0
	for i := range cases {
		c := &cases[i]
		if c.Kind != "h5" && c.Objects == nil {
			continue
		}
		files++
		if c.Kind == "h5" {
			forms++
		}
		t.Run(c.Name(), func(t *testing.T) {
			refused := checkFile(t, filepath.Join(dir, c.Path), c)
			if c.Kind == "h5" {
				outcomes = append(outcomes, formats.Outcome{Case: c, Refused: refused})
			}
		})
	}
	if files < 400 {
		t.Errorf("only %d files", files)
	}
	if !t.Failed() && len(outcomes) == forms {
		formats.Check(t, "hdf5", outcomes, *update)
	}
}

// checkFile compares a file with what h5py reads in it, and gives what was refused, as it should be.
func checkFile(t *testing.T, path string, c *formats.Case) (refused []formats.Refusal) {
	t.Helper()
	f, err := Open(path)
	if slices.Contains(c.Refused, "") {
		return []formats.Refusal{sorry(t, err, path, "")}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var objects map[string]wanted
	if err := json.Unmarshal(c.Objects, &objects); err != nil {
		t.Fatal(err)
	}
	for at, want := range objects {
		checkObject(t, f, at, want)
	}
	for _, at := range c.Refused {
		refused = append(refused, sorry(t, readAt(f, at), path, at))
	}
	return refused
}

// readAt reads what is at "/path" or "/path@attribute" and gives the error.
func readAt(f *File, at string) error {
	path, attr, isAttr := strings.Cut(at, "@")
	o, err := f.Lookup(path)
	if err != nil {
		return err
	}
	if isAttr {
		_, err = o.Attr(attr)
		return err
	}
	if d, ok := o.(*Dataset); ok {
		if _, err = d.Values(); err == nil && d.Readable() != nil {
			return errors.New("Values reads what Readable says cannot be read: " + text(d.Readable()))
		}
	}
	return err
}

// sorry holds an error to what is promised of those for forms that are not read, and gives its words.
func sorry(t *testing.T, err error, file, object string) formats.Refusal {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrTooLarge) {
		t.Errorf("%s: %v, want ErrUnsupported or ErrTooLarge", object, err)
		return formats.Refusal{}
	}
	named, _, _ := strings.Cut(e.Object, " (chunk")
	if e.File != file || object != "" && named != object || e.Form == "" || e.Hint == "" {
		t.Errorf("%v names file %q, object %q, form %q, cure %q; want %q, %q and any", e, e.File, e.Object, e.Form, e.Hint, file, object)
	}
	return formats.Refusal{Met: e.Form, Cure: e.Hint}
}
