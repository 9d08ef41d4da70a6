package mapped

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// openRowStore opens a row store in a folder; budget 0 is a GiB, also where the disk is nearly full. The test closes it.
func openRowStore(t testing.TB, dir string, budget int64) *rowstore.Store {
	t.Helper()
	s, err := rowstore.Open(rowstore.Options{Dir: dir, Budget: cmp.Or(budget, 1<<30), SegmentBytes: 64 << 10, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// seeds is how many random cases a test tries: fewer where each takes long.
func seeds(n uint64) uint64 {
	if raceEnabled {
		return n / 8
	}
	return n
}

// identifyMem names files that are in memory only.
func identifyMem(path string) (source, identity string, err error) {
	return "/" + path, "as it is", nil
}

// buffersOf are the bytes that a batch of rows has, field by field.
func buffersOf(t *testing.T, e *Encoder, rows []int64, parts int) [][]byte {
	t.Helper()
	caps := e.Bounds(rows, nil)
	bufs := layout(e, len(rows), caps)
	nnz, err := write(e.NewBatch(), rows, 0, bufs, caps, parts)
	if err != nil {
		t.Fatal(err)
	}
	at, k := 0, 0
	for _, f := range e.Fields() {
		if f.Kind == KindCSR {
			d, _ := parseDType(f.DType)
			bufs[at+1], bufs[at+2] = bufs[at+1][:nnz[k]*4], bufs[at+2][:nnz[k]*d.size()]
			k++
		}
		at += f.Kind.Buffers()
	}
	return bufs
}

// epoch compares all rows of two encoders, in one random order and in batches.
func epoch(t *testing.T, r *rand.Rand, got, want *Encoder, what string) {
	t.Helper()
	rows := sequence(want.c.NObs())
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	for batch := range slices.Chunk(rows, 1+r.IntN(7)) {
		parts := 1 + r.IntN(3)
		g, w := buffersOf(t, got, batch, parts), buffersOf(t, want, batch, parts)
		for i := range w {
			if !bytes.Equal(g[i], w[i]) {
				t.Fatalf("%s: rows %v: buffer %d is\n%v, want\n%v", what, batch, i, g[i], w[i])
			}
		}
	}
}

// chunked stores the model's matrix in chunks: of all lengths from one element to more than there are.
func chunked(r *rand.Rand, dims ...int64) storage {
	s := storage{bigEndian: r.IntN(4) == 0}
	for _, d := range dims {
		switch r.IntN(4) {
		case 0:
			s.chunks = append(s.chunks, 1+r.Int64N(3))
		case 1:
			s.chunks = append(s.chunks, max(1, d+r.Int64N(3)))
		default:
			s.chunks = append(s.chunks, 1+r.Int64N(max(1, d)))
		}
	}
	return s
}

// randomMatrix is a file with X of random values, in chunks, of which some are 0, -0, large, or fractions.
func randomMatrix(r *rand.Rand, d dtype, dense bool) *memFile {
	f := &memFile{}
	f.top = newMemGroup(f, "")
	n, width := r.Int64N(60), 1+r.Int64N(40)
	if r.IntN(4) == 0 {
		width = 200 + r.Int64N(300)
	}
	f.top.group("obs").strings("_index", make([]string, n)...)
	names := make([]string, width)
	for i := range names {
		names[i] = fmt.Sprint("g", i)
	}
	f.top.group("var").strings("_index", names...)
	kind := r.IntN(5)
	value := func() float64 {
		switch kind {
		case 0:
			return float64(r.IntN(5))
		case 1:
			return float64(r.IntN(70000)) / 3
		case 2: // counts: few are large
			if r.IntN(80) == 0 {
				return float64(r.IntN(100000))
			}
			return float64(1 + r.IntN(9))
		case 3: // few different ones, and few others
			if r.IntN(80) == 0 {
				return r.NormFloat64()
			}
			return math.Log1p(float64(r.IntN(30)))
		}
		return []float64{0, 1, -1, 300, 1e9, 0.1}[r.IntN(6)]
	}
	if dense {
		vals := make([]float64, n*width)
		for i := range vals {
			if r.IntN(3) == 0 {
				vals[i] = value()
			}
		}
		raw := toRaw(vals, d)
		negateZeros(r, raw, d)
		f.top.numbers("X", d, raw, chunked(r, n, width), n, width)
		return f
	}
	var vals, idx []float64
	ptr := []float64{0}
	unsorted, repeats, empty := r.IntN(3) == 0, r.IntN(3) == 0, r.IntN(3)
	for range n {
		from := len(idx)
		for c := range width {
			if empty > 0 && r.IntN(4) == 0 || empty == 2 && r.IntN(2) == 0 {
				continue
			}
			for range 1 + r.IntN(2)*int(truth(repeats)) {
				idx, vals = append(idx, float64(c)), append(vals, value())
			}
		}
		if empty == 1 && r.IntN(5) == 0 {
			idx, vals = idx[:from], vals[:from]
		}
		if row := idx[from:]; unsorted {
			r.Shuffle(len(row), func(i, j int) { row[i], row[j] = row[j], row[i] })
		}
		ptr = append(ptr, float64(len(idx)))
	}
	nnz, id := int64(len(idx)), pick(r, indexTypes...)
	if width > 127 {
		id = pick(r, int16Type, uint16Type, int32Type, int64Type)
	}
	x := f.top.group("X")
	x.texts["encoding-type"], x.ints["shape"] = "csr_matrix", []int64{n, width}
	raw := toRaw(vals, d)
	negateZeros(r, raw, d)
	as, of := chunked(r, nnz), chunked(r, nnz)
	switch r.IntN(7) {
	case 0:
		as = of
	case 1:
		as = storage{run: 1 + r.Int64N(9)}
	case 2:
		of = storage{run: 1 + r.Int64N(9)}
	case 3:
		as, of = storage{run: 1 + r.Int64N(9)}, storage{run: 1 + r.Int64N(9)}
	}
	x.numbers("data", d, raw, as, nnz)
	x.numbers("indices", id, toRaw(idx, id), of, nnz)
	x.numbers("indptr", int64Type, toRaw(ptr, int64Type), storage{run: 1000}, n+1)
	return f
}

// negateZeros makes some zeros of floats -0.
func negateZeros(r *rand.Rand, raw []byte, d dtype) {
	if !d.isFloat() {
		return
	}
	size := d.size()
	for v := range slices.Chunk(raw, size) {
		if r.IntN(4) == 0 && !slices.ContainsFunc(v, func(b byte) bool { return b != 0 }) {
			v[size-1] = 0x80
		}
	}
}

// opened opens one file in memory, twice: with a row store and without.
func opened(t *testing.T, f *memFile, o Options, store *rowstore.Store) (with, without *Collection) {
	t.Helper()
	file := func(string) (container, error) { return f, nil }
	without, err := openWith(context.Background(), []string{"a"}, o, file)
	if err != nil {
		t.Fatal(err)
	}
	o.RowStore, o.identify = store, identifyMem
	if with, err = openWith(context.Background(), []string{"a"}, o, file); err != nil {
		t.Fatal(err)
	}
	return with, without
}

func encoderOf(t *testing.T, c *Collection, o EncoderOptions) *Encoder {
	t.Helper()
	e, err := c.NewEncoder(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// damage flips a byte in each of the files of a row store's rows, or cuts it short.
func damage(t *testing.T, r *rand.Rand, dir string) (files int) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "v1", "*", "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		b, err := os.ReadFile(path)
		if err != nil || len(b) == 0 {
			t.Fatal(path, err)
		}
		for range 1 + r.IntN(3) {
			b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
		}
		if r.IntN(4) == 0 {
			b = b[:r.IntN(len(b))]
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return len(found)
}

func TestBatchesOfARowStoreEqualThoseOfTheSource(t *testing.T) {
	panel := strings.Split("g7 g1 other g3 g0 g30", " ")
	for seed := range seeds(160) {
		r := seeded(seed)
		d := pick(r, allTypes...)
		f := randomMatrix(r, d, r.IntN(3) == 0)
		o := Options{Join: JoinOuter, CacheBytes: 1 + r.Int64N(500)}
		if r.IntN(3) == 0 {
			o.VarNames = panel
		}
		if r.IntN(3) == 0 {
			o.Transforms = fewTransforms(r)
		}
		eo := EncoderOptions{Format: Format(r.IntN(2))}
		if r.IntN(2) == 0 {
			eo.DType = pick(r, append(slices.Clone(allTypes), bfloat16Type)...).String()
		}
		dir, budget := t.TempDir(), int64(0)
		if r.IntN(4) == 0 {
			budget = 1 + r.Int64N(200<<10)
		}
		for round, name := range []string{"first", "with what the first has left", "after damage"} {
			what := fmt.Sprintf("seed %d, %s, %v %s, budget %d, %s", seed, d, eo.Format, eo.DType, budget, name)
			if round == 2 {
				damage(t, r, dir)
			}
			store := openRowStore(t, dir, budget)
			with, without := opened(t, f, o, store)
			got, want := encoderOf(t, with, eo), encoderOf(t, without, eo)
			epoch(t, r, got, want, what)
			epoch(t, r, got.Streamed(), want, what+", streamed")
			for _, c := range []*Collection{with, without} {
				if err := c.Close(); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
			if err := store.Close(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
}

func fewTransforms(r *rand.Rand) []Transform {
	normal, log := Transform{"normalize_total", map[string]any{"target_sum": 100.0}}, Transform{"log1p", nil}
	clip := Transform{"clip", map[string]any{"min": 0.0, "max": 3.0}}
	return [][]Transform{{normal, log}, {log}, {normal}, {log, clip}, {clip, normal, log}, {normal, log, clip}, {{"binarize", nil}}}[r.IntN(7)]
}

// chunksOf counts the chunks that hold X.
func chunksOf(f *memFile) (n int64) {
	grid := func(a *memArray) int64 {
		n := int64(1)
		for i, d := range a.dims {
			if a.as.chunks == nil {
				return 0
			}
			n *= (d + a.as.chunks[i] - 1) / a.as.chunks[i]
		}
		return n
	}
	if f.top.members["obs"].(*memGroup).members["_index"].(*memArray).dims[0] == 0 {
		return 0
	}
	if g, ok := f.top.members["X"].(*memGroup); ok {
		return grid(g.members["data"].(*memArray)) + grid(g.members["indices"].(*memArray))
	}
	return grid(f.top.members["X"].(*memArray))
}

func TestEachChunkIsDecodedOnceAndNeverAgain(t *testing.T) {
	for seed := range seeds(120) {
		r := seeded(seed)
		f := randomMatrix(r, pick(r, float32Type, int32Type, uint8Type, float64Type), r.IntN(4) == 0)
		dir := t.TempDir()
		for _, again := range []bool{false, true} {
			store := openRowStore(t, dir, 0)
			with, without := opened(t, f, Options{}, store)
			e := encoderOf(t, with, EncoderOptions{})
			rows := sequence(with.NObs())
			f.decoded.Store(0)
			for range 2 {
				r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
				var g errgroup.Group // batches of several goroutines, as in a daemon
				for batch := range slices.Chunk(slices.Clone(rows), 5) {
					g.Go(func() error {
						caps := e.Bounds(batch, nil)
						_, err := write(e.NewBatch(), batch, 0, layout(e, len(batch), caps), caps, 2)
						return err
					})
				}
				if err := g.Wait(); err != nil {
					t.Fatal(err)
				}
			}
			decoded, most := f.decoded.Load(), chunksOf(f)
			if again {
				most = 0
			}
			if decoded != most {
				t.Fatalf("seed %d: %d chunks were decoded of %d, opened again: %v", seed, decoded, most, again)
			}
			u := with.RowStoreUsage()
			if table := with.stores[0].layers[0].table; u.Stored != u.Rows || u.Rows != int64(len(rows)) || len(table.states) > 0 {
				t.Fatalf("seed %d: %+v of %d rows, %d units have something left", seed, u, len(rows), len(table.states))
			}
			if used := with.keeper.fragments.used; used != 0 {
				t.Fatalf("seed %d: %d bytes of fragments are left", seed, used)
			}
			for _, c := range []*Collection{with, without} {
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
