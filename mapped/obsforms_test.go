package mapped

import (
	"errors"
	"path/filepath"
	"testing"
)

// What the headers say of a column is what its values are, in every file of the tests.
func TestTheFormOfAColumnIsThatOfItsValues(t *testing.T) {
	files, err := filepath.Glob("../testdata/mapped/*.h5ad")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	seen := map[string]int{}
	for _, path := range append(files, "../testdata/10x_pbmc68k_reduced.h5ad") {
		c, err := Open(t.Context(), []string{path}, Options{LayersKeys: []string{}, Join: JoinNone})
		if err != nil {
			t.Logf("%s: %v", path, err)
			continue
		}
		defer c.Close()
		forms, err := c.ObsForms(t.Context(), 0)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		f, err := c.stores[0].obsFrame()
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range forms {
			read, err := f.column(form.Key)
			if err != nil || read == nil {
				t.Logf("%s: %s is not read: %v", path, form.Key, err)
				continue
			}
			if want := read.form(form.Key); form != want {
				t.Errorf("%s: got %+v, want %+v", path, form, want)
			}
			seen[form.Source]++
		}
	}
	for _, source := range []string{SourceCategorical, SourceString, SourceNumber, SourceBool} {
		if seen[source] == 0 {
			t.Errorf("no column of source %s was seen", source)
		}
	}
}

func TestTheFormsOfAStoreThatIsNotThere(t *testing.T) {
	c, err := Open(t.Context(), []string{"../testdata/mapped/a.h5ad"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ObsForms(t.Context(), 1); !errors.Is(err, ErrIndex) {
		t.Errorf("got %v", err)
	}
}
