package rowstore

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A testField is what rows are expanded into.
type testField struct {
	name string
	size int
	cast func(dst, src []byte, n int) // nil: none
	bits func(stored uint64) uint64   // the model of cast
	f32  bool
}

// fieldsOf lists fields of every size for rows of d.
func fieldsOf(d DType) []testField {
	same := func(v uint64) uint64 { return v }
	fields := []testField{{"the same type", d.Size(), nil, same, d == Float32}}
	add := func(name string, size int, f32 bool, bits func(uint64) uint64) {
		f := testField{name: name, size: size, bits: bits, f32: f32}
		f.cast = castOf(d, f)
		fields = append(fields, f)
	}
	add("bool", 1, false, func(v uint64) uint64 { return bitsOf(Bool, valueOf(Bool, b2u(valueOf(d, v) != 0))) })
	add("float32", 4, true, fieldFloat32(d).bits)
	add("float64", 8, false, func(v uint64) uint64 { return math.Float64bits(valueOf(d, v)) })
	add("float16", 2, false, func(v uint64) uint64 { return bitsOf(Float16, valueOf(d, v)) })
	add("mixed bits of 4 bytes", 4, false, func(v uint64) uint64 { return v * 0x9e3779b97f4a7c15 >> 13 & 0xffffffff })
	return fields
}

func fieldFloat32(d DType) testField {
	return testField{size: 4, bits: func(v uint64) uint64 { return uint64(math.Float32bits(float32(valueOf(d, v)))) }}
}

func castOf(d DType, f testField) func(dst, src []byte, n int) {
	return func(dst, src []byte, n int) {
		if !aligned(dst, f.size) || !aligned(src, d.Size()) {
			panic("Cast of what is not aligned")
		}
		for i := range n {
			appendBits(dst[:i*f.size], f.bits(bitsAt(src, i, d.Size())), f.size)
		}
	}
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// A testMap sends columns of a matrix to those of a field.
type testMap struct {
	name     string
	to       []int32
	monotone bool
	width    int
}

// anyMap gives all columns, some, or some in another order.
func anyMap(r *rand.Rand, cols int) testMap {
	if cols > 1<<16 || r.IntN(3) == 0 {
		return testMap{"all columns", nil, true, cols}
	}
	share := []float64{0, 0.1, 0.9, 1}[r.IntN(4)]
	to, width := make([]int32, cols), int32(0)
	for c := range to {
		to[c] = -1 - int32(r.IntN(3))
		if r.Float64() < share {
			width += int32(r.IntN(2) * r.IntN(3)) // columns of the field that the matrix lacks
			to[c] = width
			width++
		}
	}
	m := testMap{fmt.Sprintf("a panel of %.1f", share), to, true, int(width) + r.IntN(2)}
	if r.IntN(2) == 0 {
		m.name, m.monotone = m.name+", mixed", false
		r.Shuffle(cols, func(i, j int) { to[i], to[j] = to[j], to[i] })
	}
	return m
}

// guarded is n bytes, aligned, with others around that must stay.
type guarded struct{ all, mid []byte }

const guard = 128

func newGuarded(r *rand.Rand, n int) guarded {
	all := alignedBytes(n + 2*guard)
	words := view[uint64](all)
	for i := range words {
		words[i] = r.Uint64()
	}
	return guarded{all, all[guard : guard+n : guard+n]}
}

func (g guarded) around() []byte {
	return append(bytes.Clone(g.all[:guard]), g.all[len(g.all)-guard:]...)
}

func TestKernelsAreTheModel(t *testing.T) { eachLevel(t, (*testing.T).Run, testKernels) }

func testKernels(t *testing.T) {
	var w Scratch
	eachRow(t, func(r *rand.Rand, row *testRow) {
		rec := alignedRecord(row.encode(t, nil, 3))
		fields := fieldsOf(row.d)
		for range 3 {
			f, m := fields[r.IntN(len(fields))], anyMap(r, row.cols)
			askew := rec
			if r.IntN(8) == 0 {
				askew = append(make([]byte, 1, len(rec)+1), rec...)[1:]
			}
			againstModel(t, r, row, askew, f, m, &w)
		}
	})
}

func againstModel(t *testing.T, r *rand.Rand, row *testRow, rec Row, f testField, m testMap, w *Scratch) {
	t.Helper()
	name := fmt.Sprintf("%s, as %s, %s", row.name, f.name, m.name)
	k := NewKernel(KernelOptions{Stored: row.d, Cols: row.cols, OutSize: f.size, Cast: f.cast, IntoFloat32: f.f32,
		To: m.to, Monotone: m.monotone, Width: m.width, Stream: r.IntN(2) == 0})
	var want []element
	for _, e := range row.stored() {
		if m.to != nil {
			e.column = m.to[e.column]
		}
		zero := row.dense && (e.bits == 0 || e.bits == row.d.negativeZero())
		if e.column >= 0 {
			e.bits = f.bits(e.bits)
			want = append(want, element{e.column, e.bits})
			if zero {
				want[len(want)-1].column |= math.MinInt32
			}
		}
	}
	if m.width <= 1<<18 {
		denseAgainst(t, r, name, k, rec, want, w)
	}
	// A dense row's zeros are in no CSR.
	want = slices.DeleteFunc(want, func(e element) bool { return e.column < 0 })
	slices.SortFunc(want, func(a, b element) int { return int(a.column - b.column) })
	csrAgainst(t, r, name, k, rec, want, w)
}

func denseAgainst(t *testing.T, r *rand.Rand, name string, k *Kernel, rec Row, want []element, w *Scratch) {
	t.Helper()
	wantRow := make([]byte, k.Width*k.OutSize)
	for _, e := range want {
		copy(wantRow[int(e.column&math.MaxInt32)*k.OutSize:], appendBits(nil, e.bits, k.OutSize))
	}
	dst := newGuarded(r, len(wantRow))
	before := dst.around()
	if k.Dense(dst.mid, rec, w); !bytes.Equal(dst.mid, wantRow) {
		t.Fatalf("%s: Dense differs", name)
	}
	if !bytes.Equal(dst.around(), before) {
		t.Fatalf("%s: Dense wrote outside the row", name)
	}
}

func csrAgainst(t *testing.T, r *rand.Rand, name string, k *Kernel, rec Row, want []element, w *Scratch) {
	t.Helper()
	room := min(rec.NNZ(), k.Width)
	idxBytes, vals := newGuarded(r, 4*room), newGuarded(r, k.OutSize*room)
	before := append(idxBytes.around(), vals.around()...)
	idx := view[int32](idxBytes.mid)
	if n := k.CSR(idx, vals.mid, rec, w); n != len(want) {
		t.Fatalf("%s: %d values, want %d", name, n, len(want))
	}
	for i, e := range want {
		if idx[i] != e.column || bitsAt(vals.mid, i, k.OutSize) != e.bits {
			t.Fatalf("%s: value %d is %x at %d, want %x at %d", name, i, bitsAt(vals.mid, i, k.OutSize), idx[i], e.bits, e.column)
		}
	}
	if !bytes.Equal(append(idxBytes.around(), vals.around()...), before) {
		t.Fatalf("%s: CSR wrote outside its memory", name)
	}
}

// Vector code without bounds relies on it.
func TestColumnsNeitherFallNorLeaveWhateverTheBytes(t *testing.T) {
	eachLevel(t, (*testing.T).Run, func(t *testing.T) {
		if !onVectors() {
			t.Skip("this path has bounds")
		}
		r := rand.New(rand.NewPCG(5, 1))
		for range 2000 {
			n := r.IntN(300)
			s := sections{n: n, gaps: alignedBytes(padded(n) + unit)[:n], escapes: alignedBytes(2 * r.IntN(400))}
			for i := range s.gaps {
				if s.gaps[i] = byte(r.Uint32()); r.IntN(3) == 0 {
					s.gaps[i] = escape
				}
			}
			for i := range s.escapes {
				if s.escapes[i] = byte(r.Uint32()); r.IntN(3) > 0 {
					s.escapes[i] = 255
				}
			}
			cols := 1 + r.IntN(1<<(1+r.IntN(30)))
			idx := make([]int32, n)
			s.columnsInto(idx, cols, false)
			if n > 0 && (!slices.IsSorted(idx) || idx[0] < 0 || int(idx[n-1]) >= cols) {
				t.Fatalf("%d columns: %v", cols, idx)
			}
		}
	})
}

func TestKernelsStayInsideWhateverTheRecord(t *testing.T) {
	r, damaged := rand.New(rand.NewPCG(1, 2)), 0
	var w Scratch
	eachRow(t, func(_ *rand.Rand, row *testRow) {
		if row.cols > 1<<14 {
			return
		}
		rec := alignedRecord(row.encode(t, nil, 1))
		for range 1 + r.IntN(4) {
			rec[atCount+r.IntN(len(rec)-atCount)] = byte(r.Uint32())
		}
		if rec.checkSections(1, row.cols) == nil {
			return
		}
		damaged++
		eachLevel(t, inPlace, func(t *testing.T) { outlives(t, rec, row.d, row.cols, &w) })
	})
	if damaged == 0 {
		t.Fatal("no record was damaged")
	}
}
