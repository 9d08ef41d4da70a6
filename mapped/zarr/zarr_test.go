package zarr

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func TestStoresReadAsZarrPythonReadsThem(t *testing.T) {
	arrays := 0
	for name, w := range loadExpected(t) {
		inEveryWay(t, name, func(t *testing.T, s *Store) {
			arrays += compareGroup(t, s.Root(), w)
		})
	}
	if arrays < 1000 {
		t.Errorf("only %d arrays were compared", arrays)
	}
}

func TestChunksDecodedWhileTheyAreReadAreTheSame(t *testing.T) {
	forms := map[string]int{}
	for name, w := range loadExpected(t) {
		for _, files := range []string{filepath.Join(fixtures, name), folder(t, members(t, name))} {
			s, err := Open(files)
			if err != nil {
				t.Fatal(err)
			}
			s.streamFrom = 1
			compareStreamed(t, s.Root(), w, forms)
			s.Close()
		}
	}
	for _, form := range []string{"gzip false", "zlib false", "zstd false", "zlib true"} {
		if forms[form] == 0 {
			t.Errorf("no %s (with a shuffle) among %v", form, forms)
		}
	}
}

// compareStreamed compares the arrays whose chunks can be decoded while they are read, and counts their forms.
func compareStreamed(t *testing.T, g *Group, w *want, forms map[string]int) {
	t.Helper()
	for name, wm := range w.Members {
		o, err := g.Object(name)
		if err != nil {
			t.Fatal(err)
		}
		switch o := o.(type) {
		case *Group:
			compareStreamed(t, o, wm, forms)
		case *Array:
			if o.l.odd != nil {
				continue
			}
			if kind, width, ok := o.codecs().streamed(); ok {
				forms[fmt.Sprint(kind, width > 1)]++
				compareArray(t, o, wm)
			}
		}
	}
}

func compareGroup(t *testing.T, g *Group, w *want) int {
	t.Helper()
	compareAttrs(t, g, w)
	names, err := g.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if w.Members[name] == nil {
			t.Errorf("%s: a member %q that zarr-python does not see", g.Path(), name)
		}
	}
	n := 0
	for name, wm := range w.Members {
		o, err := g.Object(name)
		if err != nil {
			t.Errorf("%s: %v", g.Path(), err)
			continue
		}
		if !slices.Contains(names, name) {
			t.Errorf("%s: %q is not listed", g.Path(), name)
		}
		switch o := o.(type) {
		case *Group:
			n += compareGroup(t, o, wm)
		case *Array:
			t.Run(o.Path(), func(t *testing.T) { compareArray(t, o, wm) })
			n++
		}
	}
	return n
}

func compareAttrs(t *testing.T, o Object, w *want) {
	t.Helper()
	var attrs map[string]any
	if err := json.Unmarshal(w.Attrs, &attrs); err != nil {
		t.Fatal(err)
	}
	names := o.AttrNames()
	if len(names) != len(attrs) {
		t.Errorf("%s: attributes %v, want %v", o.Path(), names, attrs)
	}
	for name, value := range attrs {
		a, ok := o.Attr(name)
		var got any
		if !ok || json.Unmarshal(a.JSON(), &got) != nil || !reflect.DeepEqual(got, value) {
			t.Errorf("%s: attribute %q is %s, want %v", o.Path(), name, a.JSON(), value)
		}
	}
}

func compareArray(t *testing.T, a *Array, w *want) {
	compareAttrs(t, a, w)
	if !slices.Equal(a.Shape(), w.Shape) {
		t.Fatalf("shape %v, want %v", a.Shape(), w.Shape)
	}
	if w.Unsupported {
		_, err := a.Read()
		if a.Err() == nil || !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrTooLarge) {
			t.Fatalf("read of what is not supported: %v", err)
		}
		mustBeNamed(t, err, a.Path())
		return
	}
	// zarr-python gives the shape of chunks inside shards only where the shard is all there is to the codecs.
	if a.ShardShape() != nil && !slices.Equal(a.ShardShape(), w.Shards) || a.ShardShape() == nil && w.Shards == nil && !equalChunks(a.ChunkShape(), w.Chunks) {
		t.Errorf("chunks %v in shards %v, want %v in %v", a.ChunkShape(), a.ShardShape(), w.Chunks, w.Shards)
	}
	switch w.DType {
	case "text":
		got, err := a.Strings()
		if err != nil || !slices.Equal(got, w.Text) {
			t.Fatalf("%q (%v), want %q", got, err, w.Text)
		}
	case "record":
		for name, field := range w.Fields {
			compareField(t, a, name, field)
		}
	default:
		got, err := a.Read()
		if err != nil {
			t.Fatal(err)
		}
		if hashOf(got) != w.SHA256 {
			t.Fatalf("other values than zarr-python's (%s, %v): % x", a.Type(), a.Shape(), got[:min(64, len(got))])
		}
		compareWays(t, a, got)
	}
}

func equalChunks(got, want []int64) bool { return slices.Equal(got, want) }

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func compareField(t *testing.T, a *Array, name string, w *want) {
	f, err := a.Field(name)
	if err != nil {
		t.Fatal(err)
	}
	if w.Text != nil {
		got, err := f.Strings()
		if err != nil || !slices.Equal(got, w.Text) {
			t.Errorf("field %q: %q (%v), want %q", name, got, err, w.Text)
		}
		return
	}
	got, err := f.Read()
	if err != nil || hashOf(got) != w.SHA256 {
		t.Errorf("field %q: other values than zarr-python's (%v)", name, err)
	}
	half := a.Len() / 2
	rows := make([]byte, half*int64(f.Type().Size))
	if err := f.Rows(rows, half, half, new(Scratch)); err != nil || !bytes.Equal(rows, got[int(half)*f.Type().Size:][:len(rows)]) {
		t.Errorf("field %q: other rows (%v)", name, err)
	}
}

// compareWays reads the array by rows, by chunks and directly; all must give the same.
func compareWays(t *testing.T, a *Array, whole []byte) {
	t.Helper()
	var s Scratch
	rows := int64(1)
	if len(a.Shape()) > 0 {
		rows = a.Shape()[0]
	}
	for _, step := range []int64{1, 3, 100} {
		for at := int64(0); at < rows; at += step {
			n := min(step, rows-at)
			got := make([]byte, n*a.RowBytes())
			if err := a.Rows(got, at, n, &s); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, whole[at*a.RowBytes():][:len(got)]) {
				t.Fatalf("rows %d to %d differ", at, at+n)
			}
		}
	}
	compareChunks(t, a, whole)
	size := int64(a.Type().Size)
	for i := int64(0); a.Direct() && i < a.Len(); i++ {
		off, run, ok := a.DirectAt(i)
		if !ok {
			continue // fill value
		}
		if run < 1 || i+run > a.Len() {
			t.Fatalf("element %d is followed by %d of %d", i, run, a.Len())
		}
		got := make([]byte, run*size)
		if err := a.ReadAt(got, off); err != nil {
			t.Fatal(err)
		}
		a.Type().toNative(got)
		if !bytes.Equal(got, whole[i*size:][:len(got)]) {
			t.Fatalf("elements %d to %d differ", i, i+run)
		}
	}
}

// compareChunks puts the array together out of its chunks, element by element.
func compareChunks(t *testing.T, a *Array, whole []byte) {
	t.Helper()
	var s Scratch
	got := make([]byte, len(whole))
	size := int64(a.Type().Size)
	chunk := make([]byte, a.ChunkBytes())
	for i := int64(0); i < a.chunks; i++ {
		if err := a.ReadChunk(chunk, i, &s); err != nil {
			t.Fatal(err)
		}
		a.Type().toNative(chunk)
		var c [maxRank]int64
		a.place(coords(&c, a.grid, i), func(in, at int64) {
			copy(got[at*size:(at+1)*size], chunk[in*size:])
		})
	}
	if !bytes.Equal(got, whole) {
		t.Fatal("the chunks differ from the array")
	}
}

// mustBeNamed holds an error to what this package promises of all.
func mustBeNamed(t *testing.T, err error, object string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Store == "" || e.Object == "" {
		t.Fatalf("an error without a store or an object: %v", err)
	}
	if object != "" && !bytes.HasPrefix([]byte(e.Object), []byte(object)) {
		t.Errorf("%v does not name %s", err, object)
	}
}
