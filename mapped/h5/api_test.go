package h5

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

func onDisk(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, fixture(t, name), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func opened(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestChangedAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold")
	}
	f := opened(t, onDisk(t, "tiny_gzip.h5ad"))
	if n := testing.AllocsPerRun(100, func() {
		if err := f.Changed(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestChangedSeesWritingCuttingAndTouching(t *testing.T) {
	changes := map[string]func(path string) error{
		"appended to": func(path string) error {
			w, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = w.WriteString("more")
			return errors.Join(err, w.Close())
		},
		"cut":     func(path string) error { return os.Truncate(path, 1000) },
		"touched": func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			path := onDisk(t, "tiny_gzip.h5ad")
			f := opened(t, path)
			if err := f.Changed(); err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			if err := f.Changed(); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v, want ErrChanged naming %s", err, path)
			}
		})
	}
}

func TestAFileReplacedByAnotherStillReadsAsItWas(t *testing.T) {
	path := onDisk(t, "tiny_gzip.h5ad")
	f := opened(t, path)
	other := filepath.Join(filepath.Dir(path), "other")
	if err := os.WriteFile(other, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if err := f.Changed(); err != nil {
		t.Error(err)
	}
	if got, err := dataset(t, f, "X/data").Floats(); err != nil || !slices.Equal(got, []float64{1, 2, 3, 4, 5}) {
		t.Error(got, err)
	}
}

func TestReadingACutFileIsTruncated(t *testing.T) {
	path := onDisk(t, "tiny_gzip.h5ad")
	f := opened(t, path)
	d := dataset(t, f, "X/data")
	if _, err := d.Chunks(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Read(); !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), "/X/data") {
		t.Errorf("%v, want ErrTruncated naming the object", err)
	}
}

func TestAClosedFileFailsToRead(t *testing.T) {
	f := opened(t, onDisk(t, "tiny_gzip.h5ad"))
	d := dataset(t, f, "X/data")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Read(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read: %v, want os.ErrClosed", err)
	}
	if err := f.Changed(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Changed: %v, want os.ErrClosed", err)
	}
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Close again: %v, want os.ErrClosed", err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	return len(list)
}

func TestNoDescriptorIsLeft(t *testing.T) {
	good := onDisk(t, "tiny_gzip.h5ad")
	bad := filepath.Join(t.TempDir(), "bad.h5ad")
	if err := os.WriteFile(bad, fixture(t, "tiny_gzip.h5ad")[:5000], 0o600); err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	for range 20 {
		f, err := Open(good)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(bad); !errors.Is(err, ErrTruncated) {
			t.Fatal(err)
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, were %d", after, before)
	}
}

func TestTheHotPathDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	f := openFixture(t, "forms_latest.h5.gz")
	var s Scratch
	allocs := func(name string, fn func()) {
		t.Helper()
		fn()
		if n := testing.AllocsPerRun(50, fn); n != 0 {
			t.Errorf("%s allocates %.0f times", name, n)
		}
	}
	for _, path := range []string{"/layouts/contiguous", "/layouts/compact", "/chunked/extensible", "/chunked/fixed_2d",
		"/chunked/extensible_gzip", "/chunked/btree_2d_gzip", "/filters/shuffle_gzip", "/filters/all", "/filters/lzf_runs",
		"/chunked/some_chunks", "/types/f4_be_chunked"} {
		d := dataset(t, f, path)
		row := make([]byte, 2*d.RowBytes())
		allocs("Rows of "+path, func() {
			for i := range d.nRows() - 1 {
				if err := d.Rows(row, i, 2, &s); err != nil {
					t.Fatal(err)
				}
			}
		})
		allocs("DirectAt of "+path, func() {
			for i := range d.Len() {
				d.DirectAt(i)
			}
		})
		if d.ChunkShape() != nil {
			buf := make([]byte, d.ChunkBytes())
			table, err := d.Chunks()
			if err != nil {
				t.Fatal(err)
			}
			allocs("ReadChunk of "+path, func() {
				for i := range table.Len() {
					if err := d.ReadChunk(buf, i, &s); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

func TestManyGoroutinesReadOneDatasetAtOnce(t *testing.T) {
	f := openFixture(t, "forms_latest.h5.gz")
	for _, path := range []string{"/chunked/extensible", "/chunked/btree_2d_gzip", "/filters/all", "/types/vlen_gzip"} {
		want, err := dataset(t, f, path).Values()
		if err != nil {
			t.Fatal(err)
		}
		d := dataset(t, f, path) // its table not read yet
		var g errgroup.Group
		for k := range 8 {
			g.Go(func() error {
				var s Scratch
				if d.Type().indirect() {
					_, err := d.Strings()
					return err
				}
				row := make([]byte, d.RowBytes())
				for i := range d.nRows() {
					i = (i*7 + int64(k)) % d.nRows()
					if err := d.Rows(row, i, 1, &s); err != nil {
						return err
					}
					if !bytes.Equal(row, want.raw[i*d.RowBytes():(i+1)*d.RowBytes()]) {
						return fmt.Errorf("row %d of %s is wrong", i, path)
					}
				}
				_, err := d.AttrNames()
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func TestErrorsNameFileObjectAndCure(t *testing.T) {
	f := openFixture(t, "unsupported.h5.gz")
	forms := openFixture(t, "forms_latest.h5.gz")
	var s Scratch
	get := func(_ any, err error) error { return err }
	compact := dataset(t, forms, "/layouts/compact")
	cases := []struct {
		name  string
		err   error
		kind  error
		parts []string
	}{
		{"a filter that is not read", get(dataset(t, f, "/scaleoffset").Ints()), ErrUnsupported, []string{"/scaleoffset", "filter 6 (scaleoffset)", "write_h5ad"}},
		{"a virtual dataset", get(f.Lookup("/virtual")), ErrUnsupported, []string{"/virtual", "virtual dataset", "write_h5ad"}},
		{"values in another file", get(f.Lookup("/external")), ErrUnsupported, []string{"/external", "external"}},
		{"an external link", get(forms.Lookup("/links/external")), ErrUnsupported, []string{"/links/external", "external link"}},
		{"links in a ring", get(forms.Lookup("/links/loop_a")), ErrCorrupt, []string{"loop"}},
		{"an absent object", get(forms.Lookup("/groups/member 99")), ErrNotFound, []string{"/groups/member 99"}},
		{"below a dataset", get(forms.Lookup("/layouts/compact/x")), ErrNotFound, []string{"/layouts/compact", `"x"`}},
		{"an absent attribute", get(forms.Root().Attr("no")), ErrNotFound, []string{`attribute "no"`}},
		{"a group as dataset", get(forms.Root().Dataset("groups")), ErrType, []string{"/groups"}},
		{"a dataset as group", get(forms.Root().Group("layouts/compact")), ErrType, []string{"/layouts/compact"}},
		{"strings as integers", get(dataset(t, forms, "/types/vlen_utf8").Ints()), ErrType, []string{"vlen string"}},
		{"integers as strings", get(compact.Strings()), ErrType, []string{"int32"}},
		{"strings as bytes", get(dataset(t, forms, "/types/vlen_utf8").Read()), ErrType, []string{"/types/vlen_utf8"}},
		{"floats as booleans", get(dataset(t, forms, "/types/f4_le").Bools()), ErrType, []string{"float32"}},
		{"-128 as boolean", get(dataset(t, forms, "/types/i1_le").Bools()), ErrType, []string{"other than 0 and 1"}},
		{"2^64-1 as int64", get(dataset(t, forms, "/types/u8_le").Ints()), ErrType, []string{"2^63"}},
		{"-1 as uint64", get(dataset(t, forms, "/types/i8_be").Uints()), ErrType, []string{"negative"}},
		{"a field of no compound", get(compact.Field("x")), ErrType, []string{"compound"}},
		{"an absent field", get(dataset(t, forms, "/types/compound").Field("x")), ErrNotFound, []string{`"x"`}},
		{"the chunks of a contiguous dataset", get(compact.Chunks()), ErrInvalid, []string{"chunked"}},
		{"rows past the end", compact.Rows(make([]byte, 8), 39, 2, &s), ErrInvalid, []string{"39", "40"}},
		{"a buffer too short", compact.Rows(make([]byte, 7), 1, 2, &s), ErrInvalid, []string{"7 bytes"}},
		{"rows of strings", dataset(t, forms, "/types/vlen_utf8").Rows(make([]byte, 16), 0, 1, &s), ErrType, nil},
		{"a chunk past the last", dataset(t, forms, "/chunked/fixed").ReadChunk(make([]byte, 84), 15, &s), ErrInvalid, []string{"15 of 15"}},
		{"a chunk into a short buffer", dataset(t, forms, "/chunked/fixed").ReadChunk(make([]byte, 83), 0, &s), ErrInvalid, []string{"83 bytes"}},
		{"an attribute of many values as one", oneInt(t, forms, "/attributes", "be"), ErrType, []string{"/attributes@be", "3 values"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var e *Error
			if !errors.Is(c.err, c.kind) || !errors.As(c.err, &e) || e.File == "" || e.Object == "" {
				t.Fatalf("%v, want %v with file and object", c.err, c.kind)
			}
			for _, part := range c.parts {
				if !strings.Contains(c.err.Error(), part) {
					t.Errorf("%q lacks %q", c.err, part)
				}
			}
		})
	}
}

func oneInt(t *testing.T, f *File, path, name string) error {
	t.Helper()
	o, err := f.Lookup(path)
	if err != nil {
		t.Fatal(err)
	}
	a, err := o.Attr(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Int()
	return err
}

func TestAFileWithACacheImageIsRefused(t *testing.T) {
	b := fixture(t, "cache_image.h5")
	_, err := NewFile(bytes.NewReader(b), int64(len(b)), "image")
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "cache image") || typed(err) != "" {
		t.Errorf("%v, want ErrUnsupported", err)
	}
}

func TestAnAttributeOfOneValueReadsAsOne(t *testing.T) {
	f := openFixture(t, "forms_earliest.h5.gz")
	g, err := f.Root().Group("attributes")
	if err != nil {
		t.Fatal(err)
	}
	attr := func(name string) *Attr {
		a, err := g.Attr(name)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if s, err := attr("unicode").String(); s != "µ-é-日" || err != nil {
		t.Error(s, err)
	}
	if s, err := attr("bytes").String(); s != "fixed" || err != nil {
		t.Error(s, err)
	}
	if n, err := attr("int").Int(); n != 42 || err != nil {
		t.Error(n, err)
	}
	if x, err := attr("float").Float(); x != 2.5 || err != nil {
		t.Error(x, err)
	}
	if b, err := attr("bool").Bool(); !b || err != nil {
		t.Error(b, err)
	}
	if o, err := attr("ref").Object(); err != nil {
		t.Error(err)
	} else if has, err := o.HasAttr("matrix"); !has || err != nil {
		t.Error("the reference does not lead back to its group", err)
	}
	if has, err := g.HasAttr("absent"); has || err != nil {
		t.Error(has, err)
	}
}

func TestTheCategoriesOfAnndata07AreReachedFromTheirCodes(t *testing.T) {
	f := openFixture(t, "anndata_0_7.h5ad")
	d := dataset(t, f, "/obs/cell_type")
	a, err := d.Attr("categories")
	if err != nil {
		t.Fatal(err)
	}
	o, err := a.Object()
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.(*Dataset).Strings()
	if err != nil || !slices.Equal(got, []string{"B", "T"}) {
		t.Error(got, err)
	}
}

func TestRowsOfAVastArrayReadWithoutItsMemory(t *testing.T) {
	d := dataset(t, openFixture(t, "unsupported.h5.gz"), "/vast_chunked")
	row := make([]byte, d.RowBytes())
	var s Scratch
	for i, want := range map[int64]float64{7: 2, 8: 1.5, 1<<40 - 1: 1.5} {
		if err := d.Rows(row, i, 1, &s); err != nil {
			t.Fatal(err)
		}
		if got := d.Type().floatAt(row[4*8:]); got != want {
			t.Errorf("[%d, 8] is %v, want %v", i, got, want)
		}
	}
	if used := cap(s.chunk) + cap(s.raw); used > 1<<20 {
		t.Errorf("%d bytes held for it", used)
	}
}

func TestHalfAgreesWithItsDefinitionForEveryPattern(t *testing.T) {
	for h := range 1 << 16 {
		exp, frac := h>>10&31, float64(h&0x3ff)
		want := math.Ldexp(1024+frac, exp-25)
		switch {
		case exp == 0:
			want = math.Ldexp(frac, -24)
		case exp == 31 && frac == 0:
			want = math.Inf(1)
		case exp == 31:
			want = math.NaN()
		}
		if h >= 1<<15 {
			want = -want
		}
		got := float64(half(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (h >= 1<<15) {
			t.Fatalf("%#04x is %v, want %v", h, got, want)
		}
	}
}

func TestLookup3AgreesWithItsAuthorsVectors(t *testing.T) {
	for s, want := range map[string]uint32{"": 0xdeadbeef, "Four score and seven years ago": 0x17770551} {
		if got := lookup3([]byte(s)); got != want {
			t.Errorf("%q: %#x, want %#x", s, got, want)
		}
	}
}

func TestNothingKeepsMemoryOfWholeReads(t *testing.T) {
	f := openFixture(t, "forms_latest.h5.gz")
	d := dataset(t, f, "/filters/all")
	measure := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for range 50 {
		if _, err := d.Read(); err != nil {
			t.Fatal(err)
		}
	}
	before := measure()
	for range 2000 {
		if _, err := d.Read(); err != nil {
			t.Fatal(err)
		}
	}
	if after := measure(); after > before+1<<20 {
		t.Errorf("%d bytes more after 2000 reads", after-before)
	}
}

func TestAPipeIsRefusedAndNotWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrNotHDF5) {
		t.Errorf("got %v", err)
	}
}
