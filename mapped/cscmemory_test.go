package mapped

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// madeUp is an array in chunks whose elements are computed and not kept.
type madeUp struct {
	memArray
	fill func(dst []byte, first int64)
}

func (a *madeUp) readChunk(dst []byte, i int, _ *Scratch) error {
	a.fill(dst, int64(i)*a.as.chunks[0])
	return nil
}

// bigColumns is a file with a CSC X in which every third cell has a value: row r,
// column c has r+c.
func bigColumns(rows, cols int64) *memFile {
	f := &memFile{}
	f.top = newMemGroup(f, "")
	for name, n := range map[string]int64{"obs": rows, "var": cols} {
		g := f.top.group(name)
		g.texts["_index"] = "id"
		g.strings("id", make([]string, n)...)
	}
	x := f.top.group("X")
	x.texts["encoding-type"], x.ints["shape"] = "csc_matrix", []int64{rows, cols}
	each := rows / 3
	n := each * cols
	array := func(name string, d dtype, value func(r, c int64) uint32) {
		a := &madeUp{memArray: *x.numbers(name, d, nil, storage{chunks: []int64{20_000}}, n)}
		a.fill = func(dst []byte, first int64) {
			out := view[uint32](dst)
			for i := range out {
				at := first + int64(i)
				out[i] = value(at%each*3+at/each%3, at/each)
			}
		}
		x.members[name] = a
	}
	array("indices", int32Type, func(r, _ int64) uint32 { return uint32(r) })
	array("data", uint32Type, func(r, c int64) uint32 { return uint32(r + c) })
	ptr := make([]float64, cols+1)
	for c := range ptr {
		ptr[c] = float64(int64(c) * each)
	}
	x.numbers("indptr", int64Type, toRaw(ptr, int64Type), storage{run: cols + 1}, cols+1)
	return f
}

// peakHeap is the most that the heap took while do ran, beyond what it held before, in bytes.
func peakHeap(do func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	runtime.GC()
	heap := func() int64 {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	before, peak := heap(), int64(0)
	done := make(chan struct{})
	var g errgroup.Group
	g.Go(func() error {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return nil
			case <-tick.C:
				peak = max(peak, heap())
			}
		}
	})
	do()
	close(done)
	_ = g.Wait()
	return max(peak, heap()) - before
}

func TestTurningTakesLittleMemoryWhateverTheMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 200 MB")
	}
	const rows, cols = 60_000, 510 // 10 million values: 80 MB of rows, 120 MB on the way
	f := bigColumns(rows, cols)
	var e *Encoder
	taken := peakHeap(func() {
		c := openColumns(t, defaultLimits(), Options{TempDir: t.TempDir(), Join: JoinNone}, f)
		var err error
		if e, err = c.NewEncoder(EncoderOptions{}); err != nil {
			t.Fatal(err)
		}
	}) / 1e6
	if t.Logf("%d MB of memory were taken", taken); taken > 64 || taken < 10 {
		t.Errorf("%d MB of memory were taken, want 10 to 64", taken)
	}
	want := make([]float64, cols)
	rowsRead := []int64{0, 1, 2, rows / 2, rows - 1}
	got, err := encode(e, rowsRead, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rowsRead {
		clear(want)
		for c := range want {
			if int64(c)%3 == r%3 {
				want[c] = float64(r + int64(c))
			}
		}
		if err := same(find(t, got, "X").values[i*cols:(i+1)*cols], want); err != nil {
			t.Fatalf("row %d: %v", r, err)
		}
	}
}

func BenchmarkTurning(b *testing.B) {
	const rows, cols = 120_000, 510
	f := bigColumns(rows, cols)
	for b.Loop() {
		c := openColumns(b, defaultLimits(), Options{TempDir: b.TempDir(), Join: JoinNone}, f)
		if err := c.Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
	b.ReportMetric(float64(rows/3*cols*b.N)/b.Elapsed().Seconds()/1e6, "Mvalues/s")
}
