package h5

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
)

// The budget of one damaged file, however it is damaged: what F23 of the reliability list allows.
const damageBytes = 64 << 20

// survey is everything that can be read from a file: what was found, or why not.
type survey struct {
	found map[string]string
	errs  map[string]error
}

// read visits every object, attribute and value below the root. It visits an object under as many names
// as it has, up to a limit: damaged groups may hold one another.
func read(f *File) survey {
	s := survey{found: map[string]string{}, errs: map[string]error{}}
	s.group(f.Root(), 0)
	return s
}

func (s *survey) note(path string, what string, err error) {
	if err != nil {
		s.errs[path] = err
		return
	}
	s.found[path] = what
}

func (s *survey) group(g *Group, depth int) {
	names, err := g.Names()
	s.note(g.Path()+"/", fmt.Sprint(len(names)), err)
	s.attrs(g)
	for _, name := range names {
		if len(s.found)+len(s.errs) > 500 {
			return
		}
		if o, err := g.Object(name); err != nil {
			s.note(g.Path()+"/"+name, "", err)
		} else if sub, ok := o.(*Group); !ok {
			s.attrs(o)
			s.dataset(o.(*Dataset))
		} else if depth < 6 {
			s.group(sub, depth+1)
		}
	}
}

func (s *survey) attrs(o Object) {
	names, err := o.AttrNames()
	s.note(o.Path()+"@", fmt.Sprint(len(names)), err)
	for _, name := range names {
		at := o.Path() + "@" + name
		a, err := o.Attr(name)
		if err != nil {
			s.note(at, "", err)
			continue
		}
		s.values(at, &a.Values)
	}
}

func (s *survey) dataset(d *Dataset) {
	v, err := d.Values()
	if err != nil {
		s.note(d.Path(), "", err)
		return
	}
	s.values(d.Path(), v)
	if n := min(d.nRows(), 50); !d.Type().indirect() && d.RowBytes() < 1<<20 {
		row, scratch := make([]byte, d.RowBytes()), borrow()
		defer giveBack(scratch)
		for first := range n {
			if err := d.Rows(row, first, 1, scratch); err != nil {
				s.note(d.Path()+"#", "", err)
				break
			}
		}
	}
	d.DirectAt(d.Len() / 2)
}

func (s *survey) values(at string, v *Values) {
	head := fmt.Sprintf("%s %v ", v.Type(), v.Shape())
	switch v.Type().Class {
	case ClassString, ClassVLenString:
		list, err := v.Strings()
		s.note(at, head+strings.Join(list, "\x00"), err)
	case ClassVLen:
		list, err := v.Sequences()
		s.note(at, head+fmt.Sprint(len(list)), err)
	case ClassReference:
		list, err := v.Objects()
		s.note(at, head+fmt.Sprint(len(list)), err)
	case ClassCompound:
		for i, m := range v.Type().Members {
			if f, err := v.Field(m.Name); err != nil {
				s.note(at+"."+m.Name, "", err)
			} else if i < 20 {
				s.values(at+"."+m.Name, f)
			}
		}
	default:
		b, err := v.Bytes()
		s.note(at, head+fmt.Sprintf("%x", sha256.Sum256(b)), err)
	}
}

// typed reports what is wrong with an error of this package, if anything.
func typed(err error) string {
	var e *Error
	switch {
	case !errors.As(err, &e):
		return "not an *Error"
	case e.File == "":
		return "names no file"
	}
	for _, kind := range []error{ErrNotHDF5, ErrTruncated, ErrCorrupt, ErrUnsupported, ErrNotFound, ErrTooLarge, ErrType} {
		if errors.Is(err, kind) {
			return ""
		}
	}
	return "of no kind"
}

// check reads a damaged file and reports what must not be: a panic (which ends the test by itself), an
// error without a type, more memory than the budget.
func check(b []byte, size int64) (survey, error) {
	before := allocated()
	f, err := NewFile(bytes.NewReader(b), size, "damaged")
	s := survey{errs: map[string]error{}}
	if err != nil {
		s.errs["open"] = err
	} else {
		s = read(f)
	}
	for at, err := range s.errs {
		if wrong := typed(err); wrong != "" {
			return s, fmt.Errorf("%s: an error %s: %w", at, wrong, err)
		}
	}
	if used := allocated() - before; used > damageBytes {
		return s, fmt.Errorf("%d bytes allocated", used)
	}
	return s, nil
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestAnyFlippedByteIsATypedErrorOrReads also shows that a byte under a checksum is never a wrong number:
// in tiny_latest.h5 that is every byte which decides the values of /a and /b.
func TestAnyFlippedByteIsATypedErrorOrReads(t *testing.T) {
	step := 1
	if testing.Short() || raceEnabled {
		step = 13
	}
	for name, summed := range map[string][]string{
		"tiny_none.h5ad": nil, "tiny_gzip.h5ad": nil, "tiny_latest.h5": {"/a", "/b"},
	} {
		t.Run(name, func(t *testing.T) {
			b := fixture(t, name)
			right := read(openBytes(t, b, "right"))
			var caught, harmless int
			for at := 0; at < len(b); at += step {
				mask := [2]byte{0xff, 1 << (at / 2 % 8)}[at%2]
				b[at] ^= mask
				s, err := check(b, int64(len(b)))
				b[at] ^= mask
				if err != nil {
					t.Fatalf("byte %d ^ %#x: %v", at, mask, err)
				}
				for _, path := range summed {
					got, ok := s.found[path]
					switch {
					case !ok:
						caught++
					case got == right.found[path]:
						harmless++
					default:
						t.Fatalf("byte %d ^ %#x: %s reads %s, want %s", at, mask, path, got, right.found[path])
					}
				}
			}
			if len(right.errs) > 0 || len(right.found) < 5 || summed != nil && (caught == 0 || harmless == 0) {
				t.Errorf("%v, %d flips caught, %d harmless: the test shows nothing", right.errs, caught, harmless)
			}
		})
	}
}

func TestAFileCutAnywhereIsTruncated(t *testing.T) {
	for _, name := range []string{"tiny_none.h5ad", "tiny_gzip.h5ad", "tiny_latest.h5"} {
		b := fixture(t, name)
		for size := 0; size < len(b); size += 512 {
			_, err := NewFile(bytes.NewReader(b[:size]), int64(size), name)
			want := ErrTruncated
			if size == 0 {
				want = ErrNotHDF5
			}
			if !errors.Is(err, want) || typed(err) != "" {
				t.Errorf("%s cut at %d: %v, want %v", name, size, err, want)
			}
		}
	}
}

// A file may be cut after it was opened: its length is then not what was believed.
func TestAFileCutWhileOpenIsTruncatedWhereItIsRead(t *testing.T) {
	for _, name := range []string{"tiny_none.h5ad", "tiny_gzip.h5ad", "tiny_latest.h5"} {
		b := fixture(t, name)
		for size := 0; size < len(b); size += 512 {
			s, err := check(b[:size], int64(len(b)))
			if err != nil {
				t.Errorf("%s cut at %d: %v", name, size, err)
			}
			for at, err := range s.errs {
				if !errors.Is(err, ErrTruncated) {
					t.Errorf("%s cut at %d: %s: %v, want ErrTruncated", name, size, at, err)
				}
			}
		}
	}
}

// failing gives an error of its own for every read after the first n.
type failing struct {
	r io.ReaderAt
	n atomic.Int64
}

var errDisk = errors.New("input/output error")

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if f.n.Add(-1) < 0 {
		return 0, errDisk
	}
	return f.r.ReadAt(p, off)
}

func TestAnErrorOfTheReaderBeneathIsKept(t *testing.T) {
	b := fixture(t, "tiny_gzip.h5ad")
	for n := int64(0); ; n += 3 {
		r := &failing{r: bytes.NewReader(b)}
		r.n.Store(n)
		f, err := NewFile(r, int64(len(b)), "disk")
		errs := map[string]error{"open": err}
		if err == nil {
			errs = read(f).errs
		}
		if len(errs) == 0 {
			if n < 30 {
				t.Errorf("read whole with %d reads", n)
			}
			return
		}
		for at, err := range errs {
			var e *Error
			if !errors.Is(err, errDisk) || !errors.As(err, &e) || e.File != "disk" {
				t.Errorf("%s after %d reads: %v, want %v", at, n, err, errDisk)
			}
		}
	}
}

func TestWhatIsNoHDF5FileSaysSo(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":           nil,
		"one byte":        {0x89},
		"text":            []byte(strings.Repeat("cell_id,n_genes\n", 100)),
		"zeros":           make([]byte, 5000),
		"signature alone": []byte(signature),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewFile(bytes.NewReader(b), int64(len(b)), name)
			if !errors.Is(err, ErrNotHDF5) && !errors.Is(err, ErrTruncated) {
				t.Fatal(err)
			}
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%v does not name %s", err, name)
			}
		})
	}
	if _, err := Open("no/such/file.h5ad"); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "no/such/file.h5ad") {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNotHDF5) {
		t.Errorf("a folder: %v", err)
	}
}
