package zarr

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stride is how far apart damaged bytes lie: the race detector makes each of them slow.
func stride() int {
	if raceEnabled || testing.Short() {
		return 11
	}
	return 1
}

// survey is all that a store gives: what was read, or the error, by path.
type survey map[string]any

func surveyOf(s *Store) survey {
	out := survey{}
	surveyGroup(out, s.Root(), 0)
	return out
}

func surveyGroup(out survey, g *Group, depth int) {
	surveyAttrs(out, g)
	names, err := g.Names()
	if err != nil {
		out[g.Path()] = err
		return
	}
	out[g.Path()+" members"] = fmt.Sprint(names)
	for _, name := range names {
		o, err := g.Object(name)
		switch o := o.(type) {
		case *Group:
			if depth < 8 {
				surveyGroup(out, o, depth+1)
			}
		case *Array:
			surveyAttrs(out, o)
			surveyArray(out, o)
		default:
			out[g.Path()+"/"+name] = err
		}
	}
}

func surveyAttrs(out survey, o Object) {
	for _, name := range o.AttrNames() {
		a, _ := o.Attr(name)
		out[o.Path()+"@"+name] = string(a.JSON())
	}
}

func surveyArray(out survey, a *Array) {
	if a.Type().isText() {
		texts, err := a.Strings()
		if out[a.Path()] = any(fmt.Sprintf("%q", texts)); err != nil {
			out[a.Path()] = err
		}
		return
	}
	data, err := a.Read()
	if out[a.Path()] = any(fmt.Sprintf("%v %v %x", a.Type(), a.Shape(), data)); err != nil {
		out[a.Path()] = err
		return
	}
	// Other ways through the same data must not panic, nor give anything else.
	var s Scratch
	for i := range min(a.Len(), 50) {
		if off, run, ok := a.DirectAt(i); ok {
			p := make([]byte, run*a.size)
			if err := a.ReadAt(p, off); err != nil {
				out[a.Path()+" direct"] = err
			}
		}
	}
	chunk := make([]byte, a.ChunkBytes())
	for i := range min(a.chunks, 50) {
		if err := a.ReadChunk(chunk, i, &s); err != nil {
			out[a.Path()+" chunk"] = err
		}
	}
}

// errorOf is nil, or why reading a store failed anywhere.
func (s survey) errorOf() error {
	for _, v := range s {
		if err, ok := v.(error); ok {
			return err
		}
	}
	return nil
}

// sameOrError reports values that differ from the undamaged ones.
func sameOrError(t *testing.T, what string, got, want survey) {
	t.Helper()
	broken := got.errorOf() != nil
	for at, w := range want {
		g, ok := got[at]
		if !ok && !broken {
			t.Errorf("%s: %s is gone without an error", what, at)
		}
		if ok && g != w {
			if _, isErr := g.(error); !isErr {
				t.Errorf("%s: %s silently reads as %v, not %v", what, at, g, w)
			}
		}
	}
}

func mustBeTyped(t testing.TB, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Store == "" {
		t.Fatalf("an error without a store: %v", err)
	}
	for _, kind := range []error{ErrNotZarr, ErrTruncated, ErrCorrupt, ErrUnsupported, ErrNotFound, ErrTooLarge, ErrType, ErrChanged, os.ErrClosed} {
		if errors.Is(err, kind) {
			return
		}
	}
	t.Fatalf("an error of no kind: %v", err)
}

// try opens and reads a damaged store.
func try(t *testing.T, open func() (*Store, error)) (out survey) {
	t.Helper()
	withinBudget(t, func() {
		s, err := open()
		if err != nil {
			mustBeTyped(t, err)
			out = survey{"open": err}
			return
		}
		defer s.Close()
		out = surveyOf(s)
		for _, v := range out {
			if err, ok := v.(error); ok {
				mustBeTyped(t, err)
			}
		}
	})
	return out
}

func TestEveryByteOfAnArchiveIsCheckedOrDoesNotMatter(t *testing.T) {
	for _, name := range []string{"small_v2.zarr.zip", "small_v3.zarr.zip"} {
		whole, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil {
			t.Fatal(err)
		}
		open := func(data []byte) func() (*Store, error) {
			return func() (*Store, error) { return NewZip(bytes.NewReader(data), int64(len(data)), name) }
		}
		want := try(t, open(whole))
		if err := want.errorOf(); err != nil {
			t.Fatal(err)
		}
		// Behind the members stands the archive's list of them. Nothing in the format guards its names: a
		// chunk that is renamed there is missing.
		list := bytes.Index(whole, []byte("PK\x01\x02"))
		damaged := bytes.Clone(whole)
		for at := 0; at < len(whole); at += stride() {
			damaged[at] ^= []byte{0xff, 0x01, 0x80, 0x20}[at%4]
			got := try(t, open(damaged))
			if at < list {
				sameOrError(t, fmt.Sprintf("%s byte %d", name, at), got, want)
			}
			damaged[at] = whole[at]
		}
		for n := 0; n < len(whole); n += 64 {
			if got := try(t, open(whole[:n])); got.errorOf() == nil {
				t.Errorf("%s cut to %d bytes opens", name, n)
			}
		}
	}
}

func TestEveryByteOfAFolderMayBeDamaged(t *testing.T) {
	for _, name := range []string{"small_v2.zarr.zip", "small_v3.zarr.zip", "forms_v2_apart.zarr.zip", "forms_v3_apart.zarr.zip"} {
		files := members(t, name)
		open := func() (*Store, error) { return openMemory(files) }
		want := try(t, open)
		for _, key := range slices.Sorted(maps.Keys(files)) {
			whole := files[key]
			// Of these, damage shows: crc32c stands behind every chunk and behind the index.
			checked := strings.HasPrefix(key, "group/shards/c/")
			damaged := bytes.Clone(whole)
			files[key] = damaged
			for at := 0; at < len(whole); at += stride() {
				damaged[at] ^= []byte{0xff, 0x01, 0x80, 0x20}[at%4]
				got := try(t, open)
				if checked {
					sameOrError(t, fmt.Sprintf("%s:%s byte %d", name, key, at), got, want)
				}
				damaged[at] = whole[at]
			}
			for n := 0; n < len(whole); n += max(1, len(whole)/64) {
				files[key] = whole[:n]
				got := try(t, open)
				if !strings.HasSuffix(key, "json") && !strings.Contains(key, "/.z") && !strings.HasPrefix(key, ".z") {
					if got.errorOf() == nil {
						t.Errorf("%s:%s cut to %d of %d bytes is read", name, key, n, len(whole))
					}
				}
			}
			files[key] = whole
		}
	}
}
