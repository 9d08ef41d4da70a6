package rowstore

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// What a cell of the published measurements looks like: 1,775 of 20,000 genes, 72 % of the counts are 1.
const (
	benchCols  = 20000
	benchNNZ   = 1775
	benchRows  = 12000 // 43 MB of counts: more than the last-level cache
	benchBatch = 128
	benchSlice = 32
	benchRing  = 3 * benchBatch // rows
)

type benchData struct {
	raw   []testRow
	rows  []Row
	order []int
	bytes int
}

var benched = map[string]*benchData{}

// benchSet encodes rows of a kind, once.
func benchSet(b *testing.B, kind string) *benchData {
	b.Helper()
	if d := benched[kind]; d != nil {
		return d
	}
	r := rand.New(rand.NewPCG(7, 7))
	data := &benchData{order: r.Perm(benchRows)}
	memory := alignedBytes(benchRows * 9 * 2000)[:0]
	for i := range benchRows {
		row := cell(r, kind)
		if i < 64 {
			data.raw = append(data.raw, row)
		}
		at := len(memory)
		memory = row.encode(b, memory, int64(i))
		data.rows = append(data.rows, Row(memory[at:len(memory):len(memory)]))
	}
	data.bytes = len(memory)
	benched[kind] = data
	return data
}

// cell makes a row. Genes differ in how often they are seen.
func cell(r *rand.Rand, kind string) testRow {
	row := testRow{name: kind, d: Float32, cols: benchCols}
	total := 3000 + 2000*r.Float64()
	for c := range benchCols {
		if r.IntN(benchCols) >= benchNNZ {
			continue
		}
		count := 1.0
		for r.Float64() < 0.28 && count < 12 {
			count += 1 + float64(r.IntN(3))
		}
		v := count
		switch kind {
		case "log":
			v = math.Log1p(count / total * 1e4)
		case "words":
			v = count + float64(r.IntN(3000))
		case "raw":
			v = r.NormFloat64()
		}
		row.idx = append(row.idx, int32(c))
		row.vals = appendBits(row.vals, bitsOf(Float32, v), 4)
	}
	return row
}

// panelMap keeps each tenth column, or so.
func panelMap(mixed bool) ([]int32, int) {
	r := rand.New(rand.NewPCG(3, 3))
	to, width := make([]int32, benchCols), 0
	for c := range to {
		if to[c] = -1; r.IntN(10) == 0 {
			to[c] = int32(width)
			width++
		}
	}
	if mixed {
		perm := r.Perm(width)
		for c, j := range to {
			if j >= 0 {
				to[c] = int32(perm[j])
			}
		}
	}
	return to, width
}

// benchKernel expands rows in random order into a ring of three batches.
func benchKernel(b *testing.B, kind string, o KernelOptions, csr bool) {
	b.Helper()
	data := benchSet(b, kind)
	o.Stored, o.Cols = Float32, benchCols
	if o.To == nil {
		o.Width = benchCols
	}
	k := NewKernel(o)
	var w Scratch
	const most = 2200 // non-zeros of a row
	room := o.Width
	if csr {
		room = most
	}
	stride := room * o.OutSize
	ring, idx := alignedBytes(benchRing*stride), make([]int32, benchRing*room)
	times := newQuiet(b)
	for i := range b.N {
		row := data.rows[data.order[i%benchRows]]
		data.rows[data.order[(i+1)%benchRows]].Prefetch()
		at := i % benchRing
		if csr {
			k.CSR(idx[at*room:(at+1)*room], ring[at*stride:(at+1)*stride], row, &w)
		} else {
			k.Dense(ring[at*stride:(at+1)*stride], row, &w)
		}
		times.row(row.NNZ())
	}
	times.report()
	b.ReportMetric(float64(data.bytes)/float64(benchRows)/benchNNZ, "B/nnz")
}

// quiet measures a few rows at a time and reports the tenth of the times from below, so that a busy machine, which interrupts
// many, does not make all look slow.
type quiet struct {
	b     *testing.B
	rows  int
	nnz   int
	since time.Time
	took  []float64 // ns for benchSlice rows
}

func newQuiet(b *testing.B) *quiet {
	q := &quiet{b: b, took: make([]float64, 0, b.N/benchSlice+1)}
	b.ReportAllocs()
	b.ResetTimer()
	q.since = time.Now()
	return q
}

func (q *quiet) row(nnz int) {
	q.nnz += nnz
	if q.rows++; q.rows%benchSlice == 0 {
		now := time.Now()
		q.took = append(q.took, float64(now.Sub(q.since)))
		q.since = now
	}
}

func (q *quiet) report() {
	q.b.StopTimer()
	if len(q.took) == 0 {
		return
	}
	slices.Sort(q.took)
	rows := benchSlice / q.took[len(q.took)/10] * 1e9
	q.b.ReportMetric(rows*float64(q.nnz)/float64(q.rows)/1e6, "Mnnz/s")
	q.b.ReportMetric(rows/1e3, "krows/s")
}

func BenchmarkKernel(b *testing.B) {
	panel, width := panelMap(false)
	mixed, _ := panelMap(true)
	perm := make([]int32, benchCols)
	for c, j := range rand.New(rand.NewPCG(5, 5)).Perm(benchCols) {
		perm[c] = int32(j)
	}
	double := func(dst, src []byte, n int) {
		out := view[float64](dst)[:n]
		for i, v := range view[float32](src)[:n] {
			out[i] = float64(v)
		}
	}
	half := func(dst, src []byte, n int) {
		out := view[uint16](dst)[:n]
		for i, v := range view[uint32](src)[:n] {
			out[i] = uint16(v >> 16)
		}
	}
	eachLevel(b, (*testing.B).Run, func(b *testing.B) {
		for _, kind := range []string{"counts", "log", "words", "raw"} {
			for _, f := range []struct {
				name string
				o    KernelOptions
			}{
				{"all", KernelOptions{OutSize: 4, IntoFloat32: true}},
				{"panel", KernelOptions{OutSize: 4, IntoFloat32: true, To: panel, Monotone: true, Width: width}},
				{"mixedpanel", KernelOptions{OutSize: 4, IntoFloat32: true, To: mixed, Width: width}},
				{"permuted", KernelOptions{OutSize: 4, IntoFloat32: true, To: perm, Width: benchCols}},
				{"all16", KernelOptions{OutSize: 2, Cast: half}},
				{"all64", KernelOptions{OutSize: 8, Cast: double}},
				{"stream", KernelOptions{OutSize: 4, IntoFloat32: true, Stream: true}},
			} {
				for _, csr := range []bool{true, false} {
					name := kind + "/" + f.name + "/dense"
					if csr {
						name = kind + "/" + f.name + "/csr"
					}
					b.Run(name, func(b *testing.B) { benchKernel(b, kind, f.o, csr) })
				}
			}
		}
	})
}

func BenchmarkAppendSparse(b *testing.B) {
	for _, kind := range []string{"counts", "log", "words", "raw"} {
		b.Run(kind, func(b *testing.B) {
			data := benchSet(b, kind)
			var dst []byte
			times := newQuiet(b)
			for i := range b.N {
				row := &data.raw[i%len(data.raw)]
				dst = row.encode(b, dst[:0], int64(i))
				times.row(len(row.idx))
			}
			times.report()
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, kind := range []string{"counts", "log"} {
		b.Run(kind, func(b *testing.B) {
			data := benchSet(b, kind)
			times := newQuiet(b)
			for i := range b.N {
				at := data.order[i%benchRows]
				if err := data.rows[at].Check(int64(at), Float32, benchCols); err != nil {
					b.Fatal(err)
				}
				times.row(data.rows[at].NNZ())
			}
			times.report()
		})
	}
}

func BenchmarkAppendDense(b *testing.B) {
	for _, kind := range []string{"counts", "log", "raw"} {
		b.Run(kind, func(b *testing.B) {
			var rows [][]byte
			for _, row := range benchSet(b, kind).raw {
				whole := make([]byte, 4*benchCols)
				scatter(4, whole, row.idx, row.vals)
				rows = append(rows, whole)
			}
			var dst []byte
			times := newQuiet(b)
			for i := range b.N {
				var err error
				if dst, err = AppendDense(dst[:0], int64(i), Float32, rows[i%len(rows)]); err != nil {
					b.Fatal(err)
				}
				times.row(benchCols)
			}
			times.report()
		})
	}
}
