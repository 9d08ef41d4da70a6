package mapped

import "github.com/loaderd/loaderd/cache/rowstore"

// newKernel makes what expands rows of the store into the field.
func (p *part) newKernel() *rowstore.Kernel {
	stored := p.m.dtype()
	o := rowstore.KernelOptions{
		Stored: storedType(stored), Cols: p.m.cols, OutSize: p.out.size(), IntoFloat32: p.out == float32Type, To: p.to(), Width: p.width,
	}
	if stored != p.out || p.out == boolType {
		o.Cast = p.castStore
	}
	if p.cols == nil {
		o.Width = p.m.cols // rows that are not joined may be narrower than the field
	} else {
		o.Monotone = p.cols.monotone
	}
	return rowstore.NewKernel(o)
}

// storedSparse is writeSparse of a row that the row store has, whose codes may stand for other values.
func (p *part) storedSparse(idx []int32, vals []byte, r rowstore.Row, codes rowstore.FieldCodes, s *Scratch) int {
	size := p.out.size()
	if need := min(r.NNZ(), p.width); need > len(idx) {
		// A field of other columns than the row's has no room for all of them, though it has for those that it keeps.
		allIdx, allVals := view[int32](grow(&s.sortedIdx, need*4)), grow(&s.sortedVals, need*size)
		n := p.kernel.CSRCodes(allIdx[:need], allVals[:need*size], r, codes, &s.kernel)
		copy(idx, allIdx[:n])
		copy(vals, allVals[:n*size])
		return n
	}
	return p.kernel.CSRCodes(idx, vals, r, codes, &s.kernel)
}

// storedWhole gives a row of the store as the file's matrix has it: ascending columns and values, without zeros where the
// matrix is dense.
func (p *part) storedWhole(r rowstore.Row, s *Scratch) (idx []int32, vals []byte) {
	n, size := r.NNZ(), p.m.dtype().size()
	idx, vals = view[int32](grow(&s.idx, n*4)), grow(&s.rawVals, n*size)
	n = r.Decode(idx, vals)
	if p.m.sparse == nil && p.m.dtype().isFloat() {
		n = dropZeros(idx[:n], vals, size)
	}
	return idx[:n], vals[:n*size]
}

// dropZeros leaves out what is 0 but for its sign.
func dropZeros(idx []int32, vals []byte, size int) int {
	switch size {
	case 2:
		return dropZeroBits(idx, view[uint16](vals))
	case 4:
		return dropZeroBits(idx, view[uint32](vals))
	}
	return dropZeroBits(idx, view[uint64](vals))
}

func dropZeroBits[T uint16 | uint32 | uint64](idx []int32, vals []T) int {
	n := 0
	for k, c := range idx {
		idx[n], vals[n] = c, vals[k]
		if vals[n]<<1 != 0 {
			n++
		}
	}
	return n
}
