package mapped

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/internal/leak"
)

// A CSC matrix as a list of entries in the order of the file.
type columnsModel struct {
	rows, cols int
	entries    [][]modelEntry // per column: (row, value)
	d          dtype
}

func randomColumns(r *rand.Rand, rows, cols, most int) *columnsModel {
	m := &columnsModel{rows: rows, cols: cols, d: pick(r, int8Type, int16Type, float32Type, float64Type, uint64Type, boolType, float16Type)}
	for range cols {
		var col []modelEntry
		for range r.IntN(most + 1) {
			// Some rows are far fuller than others.
			row := r.IntN(rows)
			if r.IntN(3) == 0 {
				row = r.IntN(1 + rows/50)
			}
			v := float64(r.IntN(4))
			if m.d == boolType {
				v = float64(r.IntN(2))
			}
			col = append(col, modelEntry{row, v})
		}
		m.entries = append(m.entries, col)
	}
	return m
}

// file stores the matrix as X of an AnnData file.
func (m *columnsModel) file(r *rand.Rand) *memFile {
	f := &memFile{}
	f.top = newMemGroup(f, "")
	for name, n := range map[string]int{"obs": m.rows, "var": m.cols} {
		g := f.top.group(name)
		g.texts["_index"] = "id"
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprint(i)
		}
		g.strings("id", names...)
	}
	var vals, idx []float64
	ptr := []float64{0}
	for _, col := range m.entries {
		for _, e := range col {
			vals, idx = append(vals, e.val), append(idx, float64(e.col))
		}
		ptr = append(ptr, float64(len(vals)))
	}
	n := int64(len(vals))
	x := f.top.group("X")
	x.texts["encoding-type"], x.ints["shape"] = "csc_matrix", []int64{int64(m.rows), int64(m.cols)}
	id := pick(r, int16Type, uint16Type, int32Type, uint32Type, int64Type, uint64Type)
	x.numbers("data", m.d, toRaw(vals, m.d), randomStorage(r, n), n)
	x.numbers("indices", id, toRaw(idx, id), randomStorage(r, n), n)
	x.numbers("indptr", int64Type, toRaw(ptr, int64Type), storage{run: 100}, int64(m.cols+1))
	return f
}

// sums are the rows as a dense array, repeated values added in the file's order.
func (m *columnsModel) sums() []float64 {
	out := make([]float64, m.rows*m.cols)
	for c, col := range m.entries {
		for _, e := range col {
			at := &out[e.col*m.cols+c]
			if m.d == boolType {
				*at = max(*at, e.val)
			} else {
				*at += e.val
			}
			if m.d == int8Type {
				*at = float64(int8(int(*at)))
			}
		}
	}
	return out
}

// smallLimits make every part of the work happen on little data.
func smallLimits(r *rand.Rand) passLimits {
	return passLimits{
		workers: 1 + r.IntN(4), cache: int64(r.IntN(4000)), spill: 1 + r.IntN(8000), block: 1 + r.IntN(600),
		segment: 1 + r.IntN(20000), gather: 1 + r.IntN(60000), shift: uint(8 + r.IntN(3)), buckets: int64(1 + r.IntN(12)),
	}
}

// openColumns opens files with limits; the folder is empty whenever it is looked at.
func openColumns(t testing.TB, l passLimits, o Options, files ...*memFile) *Collection {
	t.Helper()
	var paths []string
	byPath := map[string]*memFile{}
	for i, f := range files {
		paths = append(paths, fmt.Sprint("store", i))
		byPath[paths[i]] = f
	}
	c, err := openStill(context.Background(), paths, o, func(path string) (container, error) { return byPath[path], nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.turn(l)
	return c
}

func TestColumnsBecomeTheRowsOfAPlainModelUnderAnyLimits(t *testing.T) {
	leak.Check(t)
	for seed := range uint64(150) {
		r := seeded(seed)
		m := randomColumns(r, 1+r.IntN(1500), 1+r.IntN(40), 1+r.IntN(300))
		dir := t.TempDir()
		l := smallLimits(r)
		c := openColumns(t, l, Options{TempDir: dir}, m.file(r))
		e, err := c.NewEncoder(EncoderOptions{Format: pick(r, Dense, CSR)})
		if err != nil {
			t.Fatalf("seed %d, %+v: %v", seed, l, err)
		}
		got, err := encode(e, sequence(c.NObs()), 0, 2)
		if err != nil {
			t.Fatalf("seed %d, %+v: %v", seed, l, err)
		}
		x := find(t, got, "X")
		dense := x.values
		if x.Kind == KindCSR {
			if err := checkCSR(x, m.rows); err != nil {
				t.Fatalf("seed %d, %+v: %v", seed, l, err)
			}
			dense = make([]float64, m.rows*m.cols)
			for i := range m.rows {
				for k := x.indptr[i]; k < x.indptr[i+1]; k++ {
					dense[i*m.cols+int(x.indices[k])] = x.values[k]
				}
			}
		}
		if err := same(dense, m.sums()); err != nil {
			t.Fatalf("seed %d, %s, %+v: %v", seed, m.d, l, err)
		}
		wantEmpty(t, dir)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Fatalf("%v in the folder of temporary files (%v)", entries, err)
	}
}

func TestRepeatedValuesAreAddedInTheOrderOfTheFile(t *testing.T) {
	// In float32, (1e8 + 1) - 1e8 = 0 and (1e8 - 1e8) + 1 = 1.
	m := &columnsModel{rows: 600, cols: 2, d: float32Type, entries: [][]modelEntry{
		{{599, 1e8}, {0, 1e8}, {599, 1}, {0, -1e8}, {599, -1e8}, {0, 1}}, nil,
	}}
	for seed := range uint64(20) {
		r := seeded(seed)
		c := openColumns(t, smallLimits(r), Options{TempDir: t.TempDir()}, m.file(r))
		e, err := c.NewEncoder(EncoderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := encode(e, []int64{599, 0}, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := same(find(t, got, "X").values, []float64{0, 0, 1, 0}); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestAFullDiskIsNamedAndTriedAgain(t *testing.T) {
	leak.Check(t)
	r := seeded(1)
	dir := t.TempDir()
	c, err := openStill(context.Background(), []string{"x"}, Options{TempDir: dir}, func(string) (container, error) {
		return randomColumns(r, 300, 9, 100).file(r), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	free := int64(100)
	c.turning = newTurning(dir, defaultLimits(), []*matrix{c.stores[0].layers[0]})
	c.turning.free = func(*os.File) (int64, bool) { return free, true }
	c.turning.start()
	_, err = c.NewEncoder(EncoderOptions{})
	wantError(t, err, ErrNoSpace, dir, "LOADERD_CACHE_DIR", "0 MB are free")
	free = 1 << 30
	if err := c.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	if e, err := c.NewEncoder(EncoderOptions{}); err != nil {
		t.Fatal(err)
	} else if _, err := encode(e, sequence(300), 0, 2); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, dir)
}

func TestAFolderThatCannotBeMadeIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LOADERD_CACHE_DIR", filepath.Join(file, "cache"))
	c := open(t, Options{}, "csc.h5ad")
	_, err := c.NewEncoder(EncoderOptions{})
	wantError(t, err, ErrNoSpace, file, "LOADERD_CACHE_DIR")
}

func TestRowsThatContradictTheMatrixNameTheirColumn(t *testing.T) {
	for _, bad := range []int{300, -1, 1 << 40} {
		for seed := range uint64(10) {
			r := seeded(seed)
			m := randomColumns(r, 300, 20, 60)
			m.entries[7] = append([]modelEntry{{5, 1}, {bad, 1}}, m.entries[7]...)
			m.entries[19] = append(m.entries[19], modelEntry{-3, 1}) // the first is reported, whoever finds it first
			f := m.file(r)
			var idx []float64
			for _, col := range m.entries {
				for _, e := range col {
					idx = append(idx, float64(e.col))
				}
			}
			n := int64(len(idx))
			f.top.members["X"].(*memGroup).numbers("indices", int64Type, toRaw(idx, int64Type), randomStorage(r, n), n)
			c := openColumns(t, smallLimits(r), Options{TempDir: t.TempDir()}, f)
			_, err := c.NewEncoder(EncoderOptions{})
			wantError(t, err, ErrBadFile, "store0:/X/indices", "column 7 has the row", "300 rows")
			if again := c.Wait(context.Background()); again == nil || again.Error() != err.Error() {
				t.Errorf("asked again it says %v", again)
			}
		}
	}
}

func TestIndptrsOfColumnsAreChecked(t *testing.T) {
	for name, ptr := range map[string][]float64{"falling": {0, 9, 3, 10}, "past the data": {0, 1, 2, 99999}, "short": {0, 1, 2}} {
		r := seeded(3)
		f := randomColumns(r, 100, 3, 60).file(r)
		f.top.members["X"].(*memGroup).numbers("indptr", int64Type, toRaw(ptr, int64Type), storage{run: 3}, int64(len(ptr)))
		_, err := openStill(context.Background(), []string{"x"}, Options{}, func(string) (container, error) { return f, nil })
		if wantError(t, err, ErrBadFile, "x:/X/indptr", "column"); t.Failed() {
			t.Fatal(name)
		}
	}
}

// gate is an array whose chunks wait.
type gate struct {
	array
	entered, open chan struct{}
}

func (g *gate) readChunk(dst []byte, i int, s *Scratch) error {
	select {
	case g.entered <- struct{}{}:
	default:
	}
	<-g.open
	return g.array.readChunk(dst, i, s)
}

func gated(t *testing.T, seed uint64) (*memFile, *gate) {
	t.Helper()
	r := seeded(seed)
	f := randomColumns(r, 400, 30, 200).file(r)
	x := f.top.members["X"].(*memGroup)
	a := x.members["indices"].(*memArray)
	a.as = storage{chunks: []int64{50}}
	a.e.bigEndian = false
	g := &gate{array: a, entered: make(chan struct{}, 1), open: make(chan struct{})}
	x.members["indices"] = g
	return f, g
}

func TestClosingStopsTheWorkAndKeepsNothing(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	f, g := gated(t, 5)
	c := openColumns(t, defaultLimits(), Options{TempDir: dir}, f)
	<-g.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting without patience: %v", err)
	}
	waited := make(chan error)
	go func() { waited <- c.Wait(context.Background()) }()
	closed := make(chan error)
	go func() { closed <- c.Close() }()
	<-c.turning.ctx.Done()
	close(g.open)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	wantError(t, <-waited, ErrClosed)
	_, err := c.NewEncoder(EncoderOptions{})
	wantError(t, err, ErrClosed)
	if f.closes.Load() != 1 {
		t.Errorf("the file was closed %d times", f.closes.Load())
	}
	wantEmpty(t, dir)
}

func TestAFileThatChangesWhileItIsTurnedIsRefused(t *testing.T) {
	f, g := gated(t, 6)
	c := openColumns(t, defaultLimits(), Options{TempDir: t.TempDir()}, f)
	<-g.entered
	f.altered.Store(true)
	close(g.open)
	_, err := c.NewEncoder(EncoderOptions{})
	wantError(t, err, ErrChanged, "store0:/X")
}

// burst is an array that panics.
type burst struct{ array }

func (b burst) readChunk([]byte, int, *Scratch) error { panic("burst") }

func TestAPanicWhileTurningIsAnErrorOfThatCollection(t *testing.T) {
	leak.Check(t)
	for seed := range uint64(5) {
		f, g := gated(t, seed)
		f.top.members["X"].(*memGroup).members["indices"] = burst{g.array}
		c := openColumns(t, smallLimits(seeded(seed)), Options{TempDir: t.TempDir()}, f)
		if _, err := c.NewEncoder(EncoderOptions{}); err == nil || !strings.Contains(err.Error(), "burst") {
			t.Errorf("%v", err)
		}
		c.Close()
	}
}

func TestManyMatricesShareOneFileAndEqualTheirRows(t *testing.T) {
	leak.Check(t)
	before := openFiles(t)
	paths := fixture("columns.h5ad", "csc.h5ad", "columns.h5ad")
	c, err := Open(context.Background(), paths, Options{
		LayersKeys: []string{"X", "counts", "yes", "none"}, ObsmKeys: []string{"by_column", "by_row"}, Join: JoinNone, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	e, err := c.NewEncoder(EncoderOptions{Format: CSR})
	if err != nil {
		t.Fatal(err)
	}
	if n := openFiles(t) - before; n != 3 {
		t.Errorf("%d descriptors are open for two files and the rows of five matrices, want 3", n)
	}
	first, err := encode(e, []int64{0, 10, 4}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	again, err := encode(e, []int64{15, 25, 19}, 0, 3) // the same file as the third store
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range first {
		if f.Name != "_idx" && f.Name != "_store_idx" && (!slices.Equal(f.values, again[i].values) || !slices.Equal(f.indices, again[i].indices)) {
			t.Errorf("field %q differs: %v and %v", f.Name, f, again[i])
		}
	}
}
