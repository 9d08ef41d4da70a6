package mapped

import "math/bits"

// kernels are the inner loops for one element type. Values and rows come as
// bytes; each loop views them as its type. A loop over columns that meets one
// outside the matrix stops and returns its position, else -1.
type kernels struct {
	// add sums values into a dense row at their columns. nil where Go has no
	// addition for the type. to maps columns when not nil; below 0 drops.
	add func(row []byte, idx []int32, vals []byte, to []int32) int
	// accumulate sums values by column in acc and marks their columns in set.
	accumulate func(acc []byte, set []uint64, idx []int32, vals []byte, to []int32, width int) int
	// emit lists what accumulate gathered by ascending column and clears set.
	emit func(acc []byte, set []uint64, idx []int32, vals []byte) int
	// nonzero lists the columns of a dense row that are not 0; from maps joined
	// columns to those of the row when not nil.
	nonzero func(row []byte, from []int32, idx []int32, vals []byte) int
}

var kernelTable = func() (t [numTypes]kernels) {
	t[int8Type] = kernelsOf[int8]()
	t[int16Type] = kernelsOf[int16]()
	t[int32Type] = kernelsOf[int32]()
	t[int64Type] = kernelsOf[int64]()
	t[uint8Type] = kernelsOf[uint8]()
	t[uint16Type] = kernelsOf[uint16]()
	t[uint32Type] = kernelsOf[uint32]()
	t[uint64Type] = kernelsOf[uint64]()
	t[float32Type] = kernelsOf[float32]()
	t[float64Type] = kernelsOf[float64]()
	// The sum of booleans is "or", which max is on bytes 0 and 1; halves are
	// widened to float32 before they are summed.
	t[boolType] = kernels{accumulate: accumulateBool, emit: emit[uint8], nonzero: nonzero[uint8]}
	t[float16Type] = kernels{nonzero: nonzeroHalf}
	return t
}()

func kernelsOf[T number]() kernels {
	return kernels{add: add[T], accumulate: accumulate[T], emit: emit[T], nonzero: nonzero[T]}
}

func add[T number](dst []byte, idx []int32, src []byte, to []int32) int {
	row, vals := view[T](dst), view[T](src)[:len(idx)]
	if to == nil {
		for k, c := range idx {
			if uint32(c) >= uint32(len(row)) {
				return k
			}
			row[c] = sum(row[c], vals[k])
		}
		return -1
	}
	for k, c := range idx {
		if uint32(c) >= uint32(len(to)) {
			return k
		}
		if j := to[c]; uint32(j) < uint32(len(row)) {
			row[j] = sum(row[j], vals[k])
		}
	}
	return -1
}

// sum takes 0 for no value: that of a lone -0 is itself, whichever loop adds it.
func sum[T number](a, b T) T {
	if a == 0 {
		return b
	}
	return a + b
}

func accumulate[T number](accBytes []byte, set []uint64, idx []int32, src []byte, to []int32, width int) int {
	acc, vals := view[T](accBytes), view[T](src)[:len(idx)]
	for k, c := range idx {
		if uint32(c) >= uint32(width) {
			return k
		}
		if to != nil {
			if c = to[c]; c < 0 {
				continue
			}
		}
		w, bit := c>>6, uint64(1)<<(c&63)
		if set[w]&bit == 0 {
			set[w] |= bit
			acc[c] = vals[k]
		} else {
			acc[c] = sum(acc[c], vals[k])
		}
	}
	return -1
}

func accumulateBool(acc []byte, set []uint64, idx []int32, vals []byte, to []int32, width int) int {
	for k, c := range idx {
		if uint32(c) >= uint32(width) {
			return k
		}
		if to != nil {
			if c = to[c]; c < 0 {
				continue
			}
		}
		w, bit := c>>6, uint64(1)<<(c&63)
		if set[w]&bit == 0 {
			acc[c] = 0
		}
		set[w] |= bit
		acc[c] |= truth(vals[k] != 0)
	}
	return -1
}

func emit[T number](accBytes []byte, set []uint64, idx []int32, dst []byte) int {
	acc, vals := view[T](accBytes), view[T](dst)
	n := 0
	for w, word := range set {
		if word == 0 {
			continue
		}
		set[w] = 0
		for ; word != 0; word &= word - 1 {
			c := w<<6 + bits.TrailingZeros64(word)
			idx[n], vals[n] = int32(c), acc[c]
			n++
		}
	}
	return n
}

func nonzero[T number](src []byte, from []int32, idx []int32, dst []byte) int {
	row, vals := view[T](src), view[T](dst)
	n := 0
	if from == nil {
		for c, v := range row {
			if v != 0 {
				idx[n], vals[n] = int32(c), v
				n++
			}
		}
		return n
	}
	for j, c := range from {
		if c >= 0 && row[c] != 0 {
			idx[n], vals[n] = int32(j), row[c]
			n++
		}
	}
	return n
}

func nonzeroHalf(src []byte, from []int32, idx []int32, dst []byte) int {
	row, vals := view[uint16](src), view[uint16](dst)
	n := 0
	keep := func(c int, v uint16) {
		if v&0x7fff != 0 {
			idx[n], vals[n] = int32(c), v
			n++
		}
	}
	if from == nil {
		for c, v := range row {
			keep(c, v)
		}
		return n
	}
	for j, c := range from {
		if c >= 0 {
			keep(j, row[c])
		}
	}
	return n
}

// movers copy values without looking at them, by the size of an element.
type movers struct {
	// put stores values into a dense row at their columns; see kernels.add.
	put func(row []byte, idx []int32, vals []byte, to []int32) int
	// gather fills a joined row from a store's row; absent columns become 0.
	gather func(dst, row []byte, from []int32)
	// compact renames columns by to and drops those without a name.
	compact func(idx []int32, vals []byte, to []int32, outIdx []int32, outVals []byte) int
}

var moverTable = map[int]movers{
	1: moversOf[uint8](), 2: moversOf[uint16](), 4: moversOf[uint32](), 8: moversOf[uint64](),
}

func moversOf[T uint8 | uint16 | uint32 | uint64]() movers {
	return movers{put: put[T], gather: gather[T], compact: compact[T]}
}

func put[T number](dst []byte, idx []int32, src []byte, to []int32) int {
	row, vals := view[T](dst), view[T](src)[:len(idx)]
	for k, c := range idx {
		if to != nil {
			if uint32(c) >= uint32(len(to)) {
				return k
			}
			if c = to[c]; c < 0 {
				continue
			}
		}
		if uint32(c) >= uint32(len(row)) {
			return k
		}
		row[c] = vals[k]
	}
	return -1
}

func gather[T number](dst, src []byte, from []int32) {
	out, row := view[T](dst)[:len(from)], view[T](src)
	for j, c := range from {
		if c < 0 {
			out[j] = 0
		} else {
			out[j] = row[c]
		}
	}
}

func compact[T number](idx []int32, src []byte, to []int32, outIdx []int32, dst []byte) int {
	vals, out := view[T](src)[:len(idx)], view[T](dst)
	n := 0
	for k, c := range idx {
		if j := to[c]; j >= 0 {
			outIdx[n], out[n] = j, vals[k]
			n++
		}
	}
	return n
}

// ascending says whether columns rise strictly, as canonical rows do.
func ascending(idx []int32) bool {
	last := int32(-1)
	for _, c := range idx {
		if c <= last {
			return false
		}
		last = c
	}
	return true
}
