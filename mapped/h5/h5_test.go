package h5

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestEveryFixtureReadsAsH5pyReadsIt(t *testing.T) {
	all, err := expected()
	if err != nil {
		t.Fatal(err)
	}
	for name, objects := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := openFixture(t, name)
			for path, want := range objects {
				checkObject(t, f, path, want)
			}
		})
	}
}

func TestChunksDecodedWhileTheyAreReadAreTheSame(t *testing.T) {
	all, err := expected()
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]int{}
	for name, objects := range all {
		f := openFixture(t, name)
		f.streamFrom = 1
		for path, want := range objects {
			o, err := f.Lookup(path)
			d, ok := o.(*Dataset)
			if err != nil || !ok {
				continue
			}
			if _, kind, width, ok := d.pipe.streamed(0, d.chunkBytes); ok {
				checkDataset(t, d, path, want)
				forms[fmt.Sprint(kind, width > 1)]++
			}
		}
	}
	for _, form := range []string{"zlib false", "zlib true", "zstd false"} {
		if forms[form] == 0 {
			t.Errorf("no %s (with a shuffle) among %v", form, forms)
		}
	}
}

func checkObject(t *testing.T, f *File, path string, want wanted) {
	t.Helper()
	o, err := f.Lookup(path)
	switch want.Kind {
	case "unsupported":
		var e *Error
		if path == "/vast_chunk" {
			if !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s: %v, want ErrTooLarge", path, err)
			}
			return
		}
		if !errors.Is(err, ErrUnsupported) || !errors.As(err, &e) || e.File != f.Name() || e.Object != path || e.Form == "" {
			t.Errorf("%s: %v, want ErrUnsupported naming file, object and form", path, err)
		}
		return
	case "broken":
		if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, want an error", path, err)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	checkAttrs(t, o, want)
	switch o := o.(type) {
	case *Group:
		checkGroup(t, o, path, want)
	case *Dataset:
		checkDataset(t, o, path, want)
	}
}

func checkGroup(t *testing.T, g *Group, path string, want wanted) {
	t.Helper()
	if want.Kind != "group" {
		t.Errorf("%s: a group, want a %s", path, want.Kind)
		return
	}
	names, err := g.Names()
	if err != nil || !slices.IsSorted(names) {
		t.Errorf("%s: members %v, %v", path, names, err)
	}
	switch {
	case want.Members == nil:
	case want.Members[0] == '"':
		sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
		if hex.EncodeToString(sum[:]) != strings.Trim(string(want.Members), `"`) {
			t.Errorf("%s: %d members that are not those h5py lists", path, len(names))
		}
	default:
		var list []string
		if err := json.Unmarshal(want.Members, &list); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(list, names) {
			t.Errorf("%s: members %q, want %q", path, names, list)
		}
	}
}

func checkAttrs(t *testing.T, o Object, want wanted) {
	t.Helper()
	names, err := o.AttrNames()
	if err != nil {
		t.Errorf("%s: %v", o.Path(), err)
		return
	}
	if want.Attrs != nil && len(names) != len(want.Attrs) {
		t.Errorf("%s: attributes %q, want %d", o.Path(), names, len(want.Attrs))
	}
	for name, raw := range want.Attrs {
		at := o.Path() + "@" + name
		var w wanted
		if err := json.Unmarshal(raw, &w); err != nil {
			t.Fatal(err)
		}
		a, err := o.Attr(name)
		if w.Kind == "unsupported" {
			if !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s: %v, want ErrUnsupported", at, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", at, err)
			continue
		}
		if a.Name() != name || a.Type().String() != w.Type || !slices.Equal(a.Shape(), w.Shape) || a.IsNull() != w.Null {
			t.Errorf("%s: %s%v, want %s%v", at, a.Type(), a.Shape(), w.Type, w.Shape)
		}
		if !w.Null {
			checkValues(t, at, &a.Values, w.wantedValues)
		}
	}
}

func checkDataset(t *testing.T, d *Dataset, path string, want wanted) {
	t.Helper()
	if want.Kind != "dataset" {
		t.Errorf("%s: a dataset, want a %s", path, want.Kind)
		return
	}
	var ids []uint16
	for _, f := range d.Filters() {
		ids = append(ids, f.ID)
	}
	if d.Type().String() != want.Type || !slices.Equal(d.Shape(), want.Shape) || d.IsNull() != want.Null ||
		!slices.Equal(d.ChunkShape(), want.Chunks) || !slices.Equal(ids, want.Filters) {
		t.Errorf("%s: %s%v chunks %v filters %v, want %s%v, %v, %v", path, d.Type(), d.Shape(), d.ChunkShape(), ids,
			want.Type, want.Shape, want.Chunks, want.Filters)
		return
	}
	if want.Unreadable {
		if _, err := d.Values(); !errors.Is(err, ErrUnsupported) || !errors.Is(d.Readable(), ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", path, err)
		}
		return
	}
	if want.TooLarge {
		if _, err := d.Values(); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want ErrTooLarge", path, err)
		}
		return
	}
	if want.Table != nil {
		checkTable(t, d, path, want)
	}
	if want.Sparse != nil {
		checkSparse(t, d, path, want.Sparse)
		return
	}
	v, err := d.Values()
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if !want.Null {
		checkValues(t, path, v, want.wantedValues)
	}
	if !d.Type().indirect() {
		checkWays(t, d, path)
	}
}

func checkTable(t *testing.T, d *Dataset, path string, want wanted) {
	t.Helper()
	table, err := d.Chunks()
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	h := sha256.New()
	stored := 0
	for i := range table.Len() {
		if k := table.At(i); !k.Missing {
			stored++
			for _, x := range []int64{int64(i), k.Offset, k.Bytes, int64(k.Mask)} {
				h.Write(binary.LittleEndian.AppendUint64(nil, uint64(x)))
			}
		}
	}
	if stored != want.Table.Stored || stored != table.Stored() || hex.EncodeToString(h.Sum(nil)) != want.Table.SHA256 {
		t.Errorf("%s: a table of %d chunks, want %d, or they lie elsewhere", path, stored, want.Table.Stored)
	}
}

// checkSparse checks an array that is fill value but for a few elements.
func checkSparse(t *testing.T, d *Dataset, path string, want map[int]int64) {
	t.Helper()
	var s Scratch
	row := make([]byte, d.RowBytes())
	at := func(i int) int64 {
		if err := d.Rows(row, int64(i), 1, &s); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return d.Type().intAt(row)
	}
	rest := at(1)
	for i, v := range want {
		for k := max(0, i-2); k < min(i+3, int(d.Len())); k++ {
			w, ok := want[k]
			if !ok {
				w = rest
			}
			if got := at(k); got != w {
				t.Errorf("%s[%d]: %d, want %d", path, k, got, w)
			}
		}
		_ = v
	}
}

func checkValues(t *testing.T, at string, v *Values, want wantedValues) {
	t.Helper()
	switch v.Type().Class {
	case ClassString, ClassVLenString:
		got, err := v.Strings()
		if err != nil {
			t.Errorf("%s: %v", at, err)
			return
		}
		sameStrings(t, at, got, want)
	case ClassVLen:
		got, err := v.Sequences()
		if err != nil || len(got) != len(want.Each) {
			t.Errorf("%s: %d sequences, %v, want %d", at, len(got), err, len(want.Each))
			return
		}
		for i, s := range got {
			checkValues(t, at, s, want.Each[i])
		}
	case ClassCompound:
		for _, m := range v.Type().Members {
			c, err := v.Field(m.Name)
			if err != nil {
				t.Errorf("%s: %v", at, err)
				return
			}
			checkValues(t, at+"."+m.Name, c, want.Fields[m.Name])
		}
	case ClassReference:
		got, err := v.Objects()
		if err != nil || len(got) != len(want.Names) {
			t.Errorf("%s: %d objects, %v, want %d", at, len(got), err, len(want.Names))
			return
		}
		for i, o := range got {
			named, err := v.f.Lookup(want.Names[i])
			if err != nil || reflect.TypeOf(o) != reflect.TypeOf(named) {
				t.Errorf("%s: %s, want %s (%v)", at, o.Path(), want.Names[i], err)
			}
		}
	default:
		got, err := v.Bytes()
		if err != nil {
			t.Errorf("%s: %v", at, err)
			return
		}
		sameBytes(t, at, got, want)
	}
}

// checkWays reads the dataset by every other way that the package offers, and compares.
func checkWays(t *testing.T, d *Dataset, path string) {
	t.Helper()
	whole, err := d.Read()
	if err != nil {
		t.Errorf("%s: Read: %v", path, err)
		return
	}
	var s Scratch
	n, rb := d.nRows(), d.RowBytes()
	for _, step := range []int64{1, 3, max(n, 1)} {
		if n > 3000 && step == 1 {
			continue
		}
		for first := int64(0); first < n; first += step {
			count := min(step, n-first)
			got := bytes.Repeat([]byte{0xA5}, int(count*rb))
			if err := d.Rows(got, first, count, &s); err != nil {
				t.Errorf("%s: Rows(%d, %d): %v", path, first, count, err)
				return
			}
			if !bytes.Equal(got, whole[first*rb:(first+count)*rb]) {
				t.Errorf("%s: rows %d to %d are not those of Read", path, first, first+count)
				return
			}
		}
	}
	checkDirect(t, d, path, whole)
	checkChunks(t, d, path)
	if d.Type().Class == ClassCompound {
		checkFields(t, d, path)
	}
}

func checkDirect(t *testing.T, d *Dataset, path string, whole []byte) {
	t.Helper()
	size := int64(d.Type().Size)
	covered := int64(0)
	for elem := int64(0); elem < d.Len(); {
		off, run, ok := d.DirectAt(elem)
		if !ok {
			elem++
			continue
		}
		if run < 1 || elem+run > d.Len() {
			t.Fatalf("%s: DirectAt(%d): a run of %d in %d", path, elem, run, d.Len())
		}
		got := make([]byte, run*size)
		if _, err := d.File().ReadAt(got, off); err != nil {
			t.Fatalf("%s: DirectAt(%d): %v", path, elem, err)
		}
		d.Type().toNative(got)
		if !bytes.Equal(got, whole[elem*size:(elem+run)*size]) {
			t.Fatalf("%s: DirectAt(%d): not the elements of Read", path, elem)
		}
		covered += run
		elem += run
	}
	if covered > 0 && !d.Direct() {
		t.Errorf("%s: DirectAt gives elements where Direct is false", path)
	}
	for _, elem := range []int64{-1, d.Len(), d.Len() + 1} {
		if _, _, ok := d.DirectAt(elem); ok {
			t.Errorf("%s: DirectAt(%d) of %d", path, elem, d.Len())
		}
	}
}

// checkChunks puts the array together from ReadChunk, element by element.
func checkChunks(t *testing.T, d *Dataset, path string) {
	t.Helper()
	if d.ChunkShape() == nil || d.Len() > 20000 {
		return
	}
	raw, err := d.Values()
	if err != nil {
		t.Fatal(err)
	}
	table, err := d.Chunks()
	if err != nil {
		t.Fatal(err)
	}
	var s Scratch
	size, rank := int64(d.Type().Size), len(d.Shape())
	buf := make([]byte, d.ChunkBytes())
	last := -1
	for elem := range d.Len() {
		chunk, within := int64(0), int64(0)
		rest, coord := elem, make([]int64, rank)
		for k := rank - 1; k >= 0; k-- {
			coord[k], rest = rest%d.Shape()[k], rest/d.Shape()[k]
		}
		for k, x := range coord {
			chunk = chunk*table.Grid()[k] + x/d.ChunkShape()[k]
			within = within*d.ChunkShape()[k] + x%d.ChunkShape()[k]
		}
		if int(chunk) != last {
			last = int(chunk)
			if err := d.ReadChunk(buf, last, &s); err != nil {
				t.Fatalf("%s: chunk %d: %v", path, last, err)
			}
		}
		if !bytes.Equal(buf[within*size:(within+1)*size], raw.raw[elem*size:(elem+1)*size]) {
			t.Fatalf("%s: element %d is not at %d of chunk %d", path, elem, within, chunk)
		}
	}
}

func checkFields(t *testing.T, d *Dataset, path string) {
	t.Helper()
	v, err := d.Values()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range d.Type().Members {
		c, err := d.Field(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := v.Field(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Values()
		if err != nil || !bytes.Equal(got.raw, want.raw) || !slices.Equal(c.Shape(), want.Shape()) || c.Type() != want.Type() {
			t.Errorf("%s: field %s: %v %s, want %v %s (%v)", path, m.Name, c.Shape(), c.Type(), want.Shape(), want.Type(), err)
		}
		if c.Len() != int64(want.Len()) {
			t.Errorf("%s: field %s: Len %d, want %d", path, m.Name, c.Len(), want.Len())
		}
		row := make([]byte, c.RowBytes())
		all, _ := want.Bytes()
		for i := range d.nRows() {
			if err := c.Rows(row, i, 1, new(Scratch)); err != nil || !bytes.Equal(row, all[i*c.RowBytes():(i+1)*c.RowBytes()]) {
				t.Errorf("%s: field %s: row %d: %v", path, m.Name, i, err)
				break
			}
		}
	}
}
