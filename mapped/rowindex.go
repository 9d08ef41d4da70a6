package mapped

import (
	"math"
	"slices"
)

// rowIndex says where the values of each row of a CSR matrix begin: a 64-bit
// base per 256 rows, and 16 or 32 bits per row, instead of the file's 8 bytes per row.
type rowIndex struct {
	base []int64
	// One of them holds rows + 1 distances from the base: near while all of them fit.
	near []uint16
	off  []uint32
}

const rowBlock = 256

func (x *rowIndex) start(row int64) int64 {
	if x.near != nil {
		return x.base[row/rowBlock] + int64(x.near[row])
	}
	return x.base[row/rowBlock] + int64(x.off[row])
}

// span gives the first value of a row and how many there are.
func (x *rowIndex) span(row int64) (first, n int64) {
	first = x.start(row)
	return first, x.start(row+1) - first
}

// nnzCount says how many rows have n stored values.
type nnzCount struct {
	n    int64
	rows int64
}

// rowCounts counts rows by how many values they have; most have few.
type rowCounts struct {
	few  [1024]int64
	many map[int64]int64
}

func (c *rowCounts) add(n int64) {
	if n < int64(len(c.few)) {
		c.few[n]++
		return
	}
	if c.many == nil {
		c.many = make(map[int64]int64)
	}
	c.many[n]++
}

// sorted lists the counts by falling n.
func (c *rowCounts) sorted() []nnzCount {
	list := sortedCounts(c.many)
	for n := len(c.few) - 1; n >= 0; n-- {
		if c.few[n] > 0 {
			list = append(list, nnzCount{int64(n), c.few[n]})
		}
	}
	return list
}

// readRowIndex reads the indptr of rows rows, no row longer than limit. See scanIndptr.
func readRowIndex(v *env, a array, rows, stored, limit int64) (*rowIndex, []nnzCount, error) {
	var x *rowIndex
	var counts rowCounts
	last := int64(0)
	err := scanIndptr(v, a, "row", rows, stored, func(row, p int64) error {
		if x == nil {
			x = newNearIndex(rows, stored)
		}
		if row > 0 {
			counts.add(p - last)
		}
		if row > 0 && p-last > limit {
			return v.fail(ErrBadFile, a.path(), rewriteHint, "row %d has %d values", row-1, p-last)
		}
		if !x.set(row, p) {
			return v.fail(ErrUnsupported, a.path(), "", "%d rows hold more than 2³² values", rowBlock)
		}
		last = p
		return nil
	})
	return x, counts.sorted(), err
}

// newRowIndex has room for rows rows of any length.
func newRowIndex(rows int64) *rowIndex {
	return &rowIndex{base: make([]int64, rows/rowBlock+1), off: make([]uint32, rows+1)}
}

// newNearIndex has room for rows rows with stored values, and takes half the memory where they are short. Its rows must be
// set in order.
func newNearIndex(rows, stored int64) *rowIndex {
	if stored/max(rows, 1) > math.MaxUint16/rowBlock {
		return newRowIndex(rows)
	}
	return &rowIndex{base: make([]int64, rows/rowBlock+1), near: make([]uint16, rows+1)}
}

// set says where a row begins; the first row of its block must be set before.
// Rows of different blocks of a newRowIndex may be set at once. False where it does not fit.
func (x *rowIndex) set(row, start int64) bool {
	if row%rowBlock == 0 {
		x.base[row/rowBlock] = start
	}
	d := start - x.base[row/rowBlock]
	if x.near != nil {
		if d <= math.MaxUint16 {
			x.near[row] = uint16(d)
			return true
		}
		x.off = make([]uint32, len(x.near))
		for i, near := range x.near[:row] {
			x.off[i] = uint32(near)
		}
		x.near = nil
	}
	x.off[row] = uint32(d)
	return d <= math.MaxUint32
}

// scanIndptr reads and checks an indptr array: n+1 integers that do not fall
// and end within stored values. visit gets each of them in order. what is "row" or "column".
func scanIndptr(v *env, a array, what string, n, stored int64, visit func(i, p int64) error) error {
	e := a.elem()
	if e.kind != elemNumber || e.dtype.isFloat() || e.dtype == boolType || len(a.shape()) != 1 || a.shape()[0] != n+1 {
		return v.fail(ErrBadFile, a.path(), rewriteHint, "%s of shape %v is not the indptr of %d %ss", e.text, a.shape(), n, what)
	}
	if !v.believes(n * int64(e.dtype.size())) {
		return v.fail(ErrBadFile, a.path(), rewriteHint, "%d %ss in a file of %d bytes", n, what, v.file.size())
	}
	toInt64 := casterFor(int64Type, e.dtype)
	block := min(1<<16, n+1)
	raw, wide := alignedBytes(int(block)*e.dtype.size()), alignedBytes(int(block)*8)
	var scratch Scratch
	last := int64(0)
	for at := int64(0); at <= n; at += block {
		count := min(block, n+1-at)
		part := raw[:count*int64(e.dtype.size())]
		if err := a.readRows(part, at, count, &scratch); err != nil {
			return v.wrap(err)
		}
		toInt64(wide, part, int(count))
		for k, p := range view[int64](wide)[:count] {
			i := at + int64(k)
			if i == 0 {
				last = p
			}
			if p < last || p < 0 || p > stored {
				return v.fail(ErrBadFile, a.path(), rewriteHint,
					"%s %d ends at %d, after %d and with %d values stored", what, i-1, p, last, stored)
			}
			if err := visit(i, p); err != nil {
				return err
			}
			last = p
		}
	}
	return nil
}

// sortedCounts lists counts by falling n.
func sortedCounts(counts map[int64]int64) []nnzCount {
	list := make([]nnzCount, 0, len(counts))
	for n, rows := range counts {
		list = append(list, nnzCount{n, rows})
	}
	slices.SortFunc(list, func(a, b nnzCount) int { return int(b.n - a.n) })
	return list
}

// largest is the sum of the n largest counts, each capped at width.
func largest(counts []nnzCount, n, width int64) int64 {
	sum := int64(0)
	for _, c := range counts {
		take := min(n, c.rows)
		sum += take * min(c.n, width)
		if n -= take; n == 0 {
			break
		}
	}
	return sum
}
