package mapped

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

func fixture(names ...string) []string {
	for i := range names {
		names[i] = filepath.Join(fixtures, names[i])
	}
	return names
}

// copyOf gives a copy of a fixture that the test may harm.
func copyOf(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatCannotBeOpenedIsNamedWithItsCure(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.h5ad")
	if err := os.WriteFile(text, []byte("cells,genes\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	short := copyOf(t, "a.h5ad")
	if err := os.Truncate(short, 40000); err != nil {
		t.Fatal(err)
	}
	zarr := filepath.Join(dir, "x.zarr")
	if err := os.Mkdir(zarr, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(zarr, "zarr.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		paths []string
		o     Options
		kind  error
		says  []string
	}{
		{"no paths", nil, Options{}, ErrInvalid, []string{"at least one"}},
		{"a missing file", fixture("a.h5ad", "nowhere.h5ad"), Options{}, ErrNotFound, []string{"nowhere.h5ad"}},
		{"text", []string{text}, Options{}, ErrBadFile, []string{"text.h5ad", "HDF5"}},
		{"a file cut short", []string{short}, Options{}, ErrBadFile, []string{"truncated", "a.h5ad"}},
		{"a folder", []string{dir}, Options{}, ErrNotFound, []string{"folder"}},
		{"a zarr store that says nothing", []string{zarr}, Options{}, ErrBadFile, []string{"x.zarr:/", "zarr_format"}},
		{"no X", fixture("no_x.h5ad"), Options{}, ErrNoElement, []string{"no_x.h5ad", "X"}},
		{"no X, not asked for", fixture("no_x.h5ad"), Options{LayersKeys: []string{}}, ErrNoElement, []string{"X"}},
		{"text in a data frame in obsm", fixture("columns.h5ad"), Options{ObsmKeys: []string{"text"}}, ErrUnsupported, []string{"/obsm/text/m", "numbers only"}},
		{"missing values in a data frame in obsm", fixture("columns.h5ad"), Options{ObsmKeys: []string{"holes"}}, ErrUnsupported, []string{"/obsm/holes/n", "fillna"}},
		{"an obs key misspelt", fixture("a.h5ad", "b.h5ad"), Options{ObsKeys: []string{"cel_type"}}, ErrUnknownKey, []string{"obs/cel_type", "did you mean `cell_type`?"}},
		{"an obs key in other case", fixture("a.h5ad"), Options{ObsKeys: []string{"Cell Type"}}, ErrUnknownKey, []string{"`cell_type`"}},
		{"an obs key like no other", fixture("a.h5ad"), Options{ObsKeys: []string{"qqqqqqqq"}}, ErrUnknownKey, []string{"`batch`", "`donor`"}},
		{"an unknown layer", fixture("a.h5ad", "c.h5ad"), Options{LayersKeys: []string{"X", "count"}}, ErrUnknownKey, []string{"layers/count", "`counts`"}},
		{"raw.X in no file", fixture("d.h5ad"), Options{LayersKeys: []string{"raw.X"}}, ErrUnknownKey, []string{"raw.X", "`X`"}},
		{"an unknown obsm key", fixture("a.h5ad"), Options{ObsmKeys: []string{"pca"}}, ErrUnknownKey, []string{"`X_pca`"}},
		{"no shared variables", fixture("a.h5ad", "b.h5ad", "foreign.h5ad"), Options{}, ErrNoSharedVars, []string{"foreign.h5ad", "outer", "`p`"}},
		{"repeated names in an inner join", fixture("a.h5ad", "f.h5ad"), Options{}, ErrInvalid, []string{"f.h5ad", "gene_x", "unique"}},
		{"repeated names in an outer join", fixture("f.h5ad", "a.h5ad"), Options{Join: JoinOuter}, ErrInvalid, []string{"f.h5ad", "gene_x"}},
		{"text and numbers encoded", fixture("a.h5ad", "b.h5ad"), Options{ObsKeys: []string{"mixed"}, Encode: []string{"mixed"}}, ErrInvalid, []string{"a.h5ad", "b.h5ad", "obs/mixed"}},
		{"encoding what is not asked for", fixture("a.h5ad"), Options{ObsKeys: []string{"batch"}, Encode: []string{"bach"}}, ErrInvalid, []string{"encode_labels", "`batch`"}},
		{"an unknown label for what is not encoded", fixture("a.h5ad"), Options{ObsKeys: []string{"batch", "note"}, Encode: []string{"batch"},
			UnknownLabel: map[string]string{"note": "x"}}, ErrInvalid, []string{"unknown_label"}},
		{"two fields of one name", fixture("a.h5ad"), Options{ObsKeys: []string{"_idx"}}, ErrInvalid, []string{"_idx"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(context.Background(), c.paths, c.o)
			wantError(t, err, c.kind, c.says...)
		})
	}
}

func TestTheFirstPathThatFailsIsReportedWhoeverFailsFirst(t *testing.T) {
	paths := fixture("a.h5ad", "no_x.h5ad", "missing.h5ad", "foreign.h5ad", "missing2.h5ad", "b.h5ad")
	for range 50 {
		_, err := Open(context.Background(), paths, Options{})
		wantError(t, err, ErrNoElement, "no_x.h5ad")
	}
}

func TestEncodersRefuseWhatCannotBeOneArray(t *testing.T) {
	for _, c := range []struct {
		name  string
		paths []string
		o     Options
		e     EncoderOptions
		says  []string
	}{
		{"unequal widths, dense, no join", fixture("a.h5ad", "b.h5ad"), Options{Join: JoinNone}, EncoderOptions{}, []string{"csr", "9 columns", "8"}},
		{"obsm of two widths", fixture("b.h5ad", "c.h5ad"), Options{ObsmKeys: []string{"uneven"}}, EncoderOptions{}, []string{"obsm_uneven", "2 columns", "3"}},
		{"a type that is none", fixture("a.h5ad"), Options{}, EncoderOptions{DType: "float23"}, []string{"float23", "float32"}},
		{"a format that is none", fixture("a.h5ad"), Options{}, EncoderOptions{Format: 7}, []string{"format"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			col, err := Open(context.Background(), c.paths, c.o)
			if err != nil {
				t.Fatal(err)
			}
			defer col.Close()
			_, err = col.NewEncoder(c.e)
			wantError(t, err, ErrInvalid, c.says...)
		})
	}
}

func openEncoder(t *testing.T, paths []string, o Options, eo EncoderOptions) (*Collection, *Encoder) {
	t.Helper()
	c, err := Open(context.Background(), paths, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	e, err := c.NewEncoder(eo)
	if err != nil {
		t.Fatal(err)
	}
	return c, e
}

func TestBeginRefusesArgumentsThatDoNotFit(t *testing.T) {
	_, e := openEncoder(t, fixture("a.h5ad"), Options{}, EncoderOptions{Format: CSR})
	rows := []int64{0, 1, 2}
	caps := e.Bounds(rows, nil)
	bufs := layout(e, len(rows), caps)
	for _, c := range []struct {
		name string
		rows []int64
		pad  int
		bufs [][]byte
		caps []int
		kind error
	}{
		{"a row past the end", []int64{0, 7}, 0, bufs, caps, ErrIndex},
		{"a negative row", []int64{-1}, 0, bufs, caps, ErrIndex},
		{"padding without a mask for it", rows, 1, bufs, caps, ErrInvalid},
		{"too few buffers", rows, 0, bufs[1:], caps, ErrInvalid},
		{"a buffer too short", rows, 0, append(slices.Clone(bufs[:1]), append([][]byte{bufs[1][:4]}, bufs[2:]...)...), caps, ErrInvalid},
		{"a misaligned buffer", rows, 0, append([][]byte{alignedBytes(64)[1:]}, bufs[1:]...), caps, ErrInvalid},
		{"too few bounds", rows, 0, bufs, nil, ErrInvalid},
		{"a bound too small", rows, 0, bufs, []int{caps[0] - 1}, ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, e.NewBatch().Begin(c.rows, c.pad, c.bufs, c.caps), c.kind) })
	}
	b := e.NewBatch()
	if err := b.Begin(rows, 0, bufs, caps); err != nil {
		t.Fatal(err)
	}
	wantError(t, b.Fill(context.Background(), NewScratch(), 2, 4), ErrInvalid)
	if err := b.Fill(context.Background(), NewScratch(), 0, 2); err != nil {
		t.Fatal(err)
	}
	_, err := b.Finish()
	wantError(t, err, ErrInvalid, "row 2")
}

func TestAFileThatChangesFailsTheBatchAndOnlyBatchesThatReadIt(t *testing.T) {
	harmed := copyOf(t, "a.h5ad")
	for _, format := range []Format{Dense, CSR} {
		_, e := openEncoder(t, []string{harmed, fixture("b.h5ad")[0]}, Options{}, EncoderOptions{Format: format})
		if _, err := encode(e, []int64{0, 8}, 0, 1); err != nil {
			t.Fatal(err)
		}
		rows, b := []int64{0, 8}, e.NewBatch()
		caps := e.Bounds(rows, nil)
		bufs := layout(e, len(rows), caps)
		if err := b.Begin(rows, 0, bufs, caps); err != nil {
			t.Fatal(err)
		}
		if err := b.Fill(context.Background(), NewScratch(), 0, 2); err != nil {
			t.Fatal(err)
		}
		now := time.Now().Add(time.Duration(format+1) * time.Hour)
		if err := os.Chtimes(harmed, now, now); err != nil {
			t.Fatal(err)
		}
		_, err := b.Finish()
		wantError(t, err, ErrChanged, harmed)
		_, err = encode(e, rows, 0, 1)
		wantError(t, err, ErrChanged, harmed)
		if _, err := encode(e, []int64{8, 9}, 0, 1); err != nil {
			t.Errorf("rows of the other file: %v", err)
		}
	}
}

func TestAFileCutShortWhileItIsReadIsAnErrorOfThatBatch(t *testing.T) {
	harmed := copyOf(t, "same_chunked.h5ad")
	_, e := openEncoder(t, []string{harmed}, Options{}, EncoderOptions{})
	rows, b := sequence(60), e.NewBatch()
	bufs := layout(e, len(rows), nil)
	if err := b.Begin(rows, 0, bufs, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(harmed, 3000); err != nil {
		t.Fatal(err)
	}
	wantError(t, b.Fill(context.Background(), NewScratch(), 0, 60), ErrChanged, harmed)
}

func TestValuesThatContradictTheMatrixAreErrorsThatNameTheRow(t *testing.T) {
	store := func(indices, ptr []float64, d dtype) *modelStore {
		m := &modelStore{file: &memFile{}, vars: []string{"a", "b", "c"}, rows: [][]modelEntry{{{0, 1}}, {{1, 1}, {2, 2}}}}
		m.write(seeded(1), float32Type)
		x := m.file.top.members["X"].(*memGroup)
		x.numbers("data", float32Type, toRaw(make([]float64, len(indices)), float32Type), storage{run: 2}, int64(len(indices)))
		x.numbers("indices", d, toRaw(indices, d), storage{run: 2}, int64(len(indices)))
		x.numbers("indptr", int32Type, toRaw(ptr, int32Type), storage{run: 2}, 3)
		return m
	}
	for _, c := range []struct {
		name    string
		indices []float64
		d       dtype
	}{
		{"a column past the end, ascending", []float64{0, 1, 3}, int32Type},
		{"a column past the end, not ascending", []float64{0, 3, 1}, int64Type},
		{"a negative column", []float64{0, -1, 1}, int32Type},
		{"a negative column of a wide type", []float64{0, 1, -5}, int64Type},
		{"a column past all int32", []float64{0, 1, 1 << 40}, int64Type},
	} {
		for _, eo := range []EncoderOptions{{}, {Format: CSR}, {DType: "float64"}, {Format: CSR, DType: "int8"}} {
			for _, join := range []Join{JoinInner, JoinOuter} {
				other := &modelStore{file: &memFile{}, vars: []string{"c", "b", "x"}, rows: [][]modelEntry{{{0, 1}}}}
				other.write(seeded(2), float32Type)
				stores := []*modelStore{store(c.indices, []float64{0, 1, 3}, c.d), other}
				if join == JoinInner {
					stores = stores[:1] // no column map
				}
				col, err := openModel(stores, Options{Join: join})
				if err != nil {
					t.Fatal(err)
				}
				e, err := col.NewEncoder(eo)
				if err != nil {
					t.Fatal(err)
				}
				_, err = encode(e, []int64{0, 1}, 0, 1)
				wantError(t, err, ErrBadFile, "store0:/X/indices", "row 1")
				// The scratch and the cache are as good as new.
				if _, err := encode(e, []int64{0, 0}, 0, 2); err != nil {
					t.Errorf("%s, %+v: the row before: %v", c.name, eo, err)
				}
			}
		}
	}
	for _, c := range []struct {
		name string
		ptr  []float64
	}{{"falling", []float64{0, 2, 1}}, {"past the data", []float64{0, 1, 4}}, {"negative", []float64{-1, 1, 3}}} {
		_, err := openModel([]*modelStore{store([]float64{0, 1, 2}, c.ptr, int32Type)}, Options{})
		wantError(t, err, ErrBadFile, "/X/indptr", "row")
	}
}

func TestCodesThatNameNoCategoryAreErrorsThatNameTheRow(t *testing.T) {
	for _, c := range []struct {
		name string
		d    dtype
		raw  []byte
		code string
	}{
		{"past the categories", int8Type, []byte{0, 2}, "2"},
		{"below -1", int8Type, []byte{0, 0xfe}, "-2"},
		{"-1 of an unsigned type", uint8Type, []byte{0, 255}, "255"},
		{"-1 of a wide unsigned type", uint32Type, binary.LittleEndian.AppendUint32(make([]byte, 4, 8), 1<<32-1), "4294967295"},
		{"past int32", int64Type, binary.LittleEndian.AppendUint64(make([]byte, 8, 16), 1<<32), "4294967296"},
		{"past int64", uint64Type, binary.LittleEndian.AppendUint64(make([]byte, 8, 16), 1<<64-1), "18446744073709551615"},
		{"far below", int64Type, binary.LittleEndian.AppendUint64(make([]byte, 8, 16), 1<<63), "-9223372036854775808"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &modelStore{file: &memFile{}, vars: []string{"a"}, rows: [][]modelEntry{{{0, 1}}, {{0, 1}}}}
			m.write(seeded(1), float32Type)
			g := m.file.top.members["obs"].(*memGroup).group("kind")
			g.texts["encoding-type"] = "categorical"
			g.strings("categories", "x", "y")
			g.numbers("codes", c.d, c.raw, storage{}, 2)
			_, err := openModel([]*modelStore{m}, Options{ObsKeys: []string{"kind"}})
			wantError(t, err, ErrBadFile, "/obs/kind/codes", "row 1", c.code+" of 2 categories")
		})
	}
}

func TestAClosedCollectionSaysSoAndKeepsNothingOpen(t *testing.T) {
	before, goroutines := openFiles(t), runtime.NumGoroutine()
	for range 20 {
		c, err := Open(context.Background(), fixture("a.h5ad", "b.h5ad", "a.h5ad"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.NewEncoder(EncoderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		rows, b := sequence(c.NObs()), e.NewBatch()
		bufs := layout(e, len(rows), nil)
		if err := b.Begin(rows, 0, bufs, nil); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Close(), c.Close()); err != nil {
			t.Fatal(err)
		}
		wantError(t, b.Fill(context.Background(), NewScratch(), 0, len(rows)), ErrClosed)
		wantError(t, b.Begin(rows, 0, bufs, nil), ErrClosed)
		_, err = Open(context.Background(), fixture("a.h5ad", "b.h5ad", "no_x.h5ad"), Options{})
		wantError(t, err, ErrNoElement)
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
	// One that has done its work, and is waited for, may still be on its way out.
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(entries)
}

func TestACancelledContextEndsFill(t *testing.T) {
	_, e := openEncoder(t, fixture("a.h5ad"), Options{}, EncoderOptions{})
	rows, b := sequence(7), e.NewBatch()
	if err := b.Begin(rows, 0, layout(e, 7, nil), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Fill(ctx, NewScratch(), 0, 7); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if _, err := Open(ctx, fixture("a.h5ad"), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: error is %v", err)
	}
}

func TestTextThatIsNotUTF8IsRefusedBeforeItReachesAClient(t *testing.T) {
	m := &modelStore{file: &memFile{}, vars: []string{"a", "b\xff"}, rows: [][]modelEntry{{{0, 1}}}}
	m.write(seeded(1), float32Type)
	_, err := openModel([]*modelStore{m}, Options{})
	wantError(t, err, ErrBadFile, "/var", "UTF-8", "element 1")
}
