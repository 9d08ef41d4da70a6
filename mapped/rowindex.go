package mapped

import (
	"slices"
)

// rowIndex says where the values of each row of a CSR matrix begin: a 64-bit
// base per 256 rows and 32 bits per row, instead of the file's 8 bytes per row.
type rowIndex struct {
	base []int64
	off  []uint32 // rows + 1
}

const rowBlock = 256

func (x *rowIndex) start(row int64) int64 { return x.base[row/rowBlock] + int64(x.off[row]) }

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

// readRowIndex reads and checks an indptr array: rows+1 integers that do not
// fall and end within stored values, no row longer than limit.
func readRowIndex(v *env, a array, rows, stored, limit int64) (*rowIndex, []nnzCount, error) {
	e := a.elem()
	if e.kind != elemNumber || e.dtype.isFloat() || e.dtype == boolType || len(a.shape()) != 1 || a.shape()[0] != rows+1 {
		return nil, nil, v.fail(ErrBadFile, a.path(), rewriteHint, "%s of shape %v is not the indptr of %d rows", e.text, a.shape(), rows)
	}
	if !v.believes(rows * int64(e.dtype.size())) {
		return nil, nil, v.fail(ErrBadFile, a.path(), rewriteHint, "%d rows in a file of %d bytes", rows, v.file.size())
	}
	x := &rowIndex{base: make([]int64, 0, rows/rowBlock+1), off: make([]uint32, 0, rows+1)}
	counts := make(map[int64]int64)
	toInt64 := casterFor(int64Type, e.dtype)
	const block = 1 << 16
	raw, wide := alignedBytes(block*e.dtype.size()), alignedBytes(block*8)
	var scratch Scratch
	last := int64(0)
	for at := int64(0); at <= rows; at += block {
		n := min(block, rows+1-at)
		part := raw[:n*int64(e.dtype.size())]
		if err := a.readRows(part, at, n, &scratch); err != nil {
			return nil, nil, v.wrap(err)
		}
		toInt64(wide, part, int(n))
		for i, p := range view[int64](wide)[:n] {
			row := at + int64(i)
			if row == 0 {
				last = p
			}
			if p < last || p < 0 || p > stored {
				return nil, nil, v.fail(ErrBadFile, a.path(), rewriteHint,
					"row %d ends at %d, after %d and with %d values stored", row-1, p, last, stored)
			}
			if row > 0 {
				counts[p-last]++
			}
			if p-last > limit {
				return nil, nil, v.fail(ErrBadFile, a.path(), rewriteHint, "row %d has %d values", row-1, p-last)
			}
			if row%rowBlock == 0 {
				x.base = append(x.base, p)
			}
			d := p - x.base[len(x.base)-1]
			if d > 1<<32-1 {
				return nil, nil, v.fail(ErrUnsupported, a.path(), "", "%d rows hold more than 2³² values", rowBlock)
			}
			x.off = append(x.off, uint32(d))
			last = p
		}
	}
	return x, sortedCounts(counts), nil
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
