package mapped

import "github.com/loaderd/loaderd/cache/rowstore"

// transforming is how the rows of a field are transformed on their way.
type transforming struct {
	*program
	base []byte // what 0 becomes, a row of the field; nil: zeros
	cast caster // float32 → the field's type, nil where that is float32
	// byValue says that what becomes of a value depends on nothing but the value and the row's total: then the codes of a row
	// of the row store are transformed, and not each value.
	byValue bool
}

func newTransforming(p *program, out dtype) *transforming {
	t := &transforming{program: p}
	if out != float32Type {
		t.cast = casterFor(out, float32Type)
	}
	t.byValue = p.zero == nil && p.rank == nil && len(p.passes) == 1 && p.passes[0].scale == nil
	if p.zero == nil {
		return t
	}
	raw := alignedBytes(4 * len(p.zero))
	copy(view[float32](raw), p.zero)
	if t.base = raw; t.cast != nil {
		t.base = alignedBytes(out.size() * len(p.zero))
		t.cast(t.base, raw, len(p.zero))
	}
	return t
}

// bytes are the values in the field's type.
func (t *transforming) bytes(vals []float32, raw []byte, out dtype, s *Scratch) []byte {
	if t.cast == nil {
		return raw[:4*len(vals)]
	}
	b := grow(&s.vals, len(vals)*out.size())
	t.cast(b, raw, len(vals))
	return b
}

// wholeRow gives a row by the file's columns, ascending and without repetition,
// its values as float32. Both are valid until the scratch is used again. r is as for writeDense.
func (p *part) wholeRow(row int64, r rowstore.Row, s *Scratch) (idx []int32, raw []byte, err error) {
	var stored []byte
	from := p.m.dtype()
	switch {
	case r != nil:
		idx, stored = p.storedWhole(r, s)
	case p.m.sparse == nil:
		first, cols := row*int64(p.m.cols), int64(p.m.cols)
		in, err := p.m.dense.borrow(first, cols, s, &s.row, &s.held[0])
		if err != nil {
			return nil, nil, p.readError(err)
		}
		idx, stored = view[int32](grow(&s.idx, p.m.cols*4)), grow(&s.sortedVals, p.m.cols*from.size())
		idx = idx[:p.stored.nonzero(in, nil, idx, stored)]
	default:
		if idx, stored, err = p.fetch(row, s); err != nil {
			return nil, nil, err
		}
		if !ascending(idx) {
			if idx, stored, err = p.canonical(idx, stored, row, nil, p.m.cols, s); err != nil {
				return nil, nil, err
			}
			from = p.sum
		} else if n := len(idx); n > 0 && int(idx[n-1]) >= p.m.cols {
			return nil, nil, p.badColumn(n-1, idx, row)
		}
	}
	raw = grow(&s.work, len(idx)*4)
	casterFor(float32Type, from)(raw, stored, len(idx))
	return idx, raw, nil
}

// transformed gives a row's values after the program, by joined column, in the
// order of the file's columns. They are valid until the scratch is used again.
func (p *part) transformed(row int64, r rowstore.Row, s *Scratch) (idx []int32, vals []float32, raw []byte, err error) {
	if idx, raw, err = p.wholeRow(row, r, s); err != nil {
		return nil, nil, nil, err
	}
	vals = view[float32](raw)[:len(idx)]
	to := p.to()
	passes := p.transform.passes
	for i := range p.transform.early {
		passes[i].run(vals, idx, passes[i].factor(vals, idx, to), &s.memo)
	}
	passes = passes[p.transform.early:]
	factor := 1.0
	if len(passes) > 0 {
		factor = passes[0].factor(vals, idx, to)
	}
	if to != nil {
		idx, vals = joinColumns(idx, vals, to, s)
	}
	for i := range passes {
		if i > 0 {
			factor = passes[i].factor(vals, idx, nil)
		}
		passes[i].run(vals, idx, factor, &s.memo)
	}
	return idx, vals, raw, nil
}

// joinColumns renames columns and drops those that are not joined, of the values in place.
func joinColumns(idx []int32, vals []float32, to []int32, s *Scratch) ([]int32, []float32) {
	out := view[int32](grow(&s.workIdx, 4*len(idx)))
	n := 0
	for k, c := range idx {
		if j := to[c]; j >= 0 {
			out[n], vals[n] = j, vals[k]
			n++
		}
	}
	return out[:n], vals[:n]
}

// transformDense fills dst, one row of the field, with transformed values.
func (p *part) transformDense(dst []byte, row int64, r rowstore.Row, s *Scratch) error {
	if codes, ok := p.transformCodes(r, s); ok {
		p.kernel.DenseCodes(dst, r, codes, &s.kernel)
		return nil
	}
	idx, vals, raw, err := p.transformed(row, r, s)
	if err != nil {
		return err
	}
	if p.transform.base != nil {
		copy(dst, p.transform.base)
	} else {
		clear(dst)
	}
	p.outs.put(dst, idx, p.transform.bytes(vals, raw, p.out, s), nil)
	return nil
}

// transformSparse is writeSparse with transformed values.
func (p *part) transformSparse(idx []int32, vals []byte, row int64, r rowstore.Row, s *Scratch) (int, error) {
	if codes, ok := p.transformCodes(r, s); ok {
		return p.storedSparse(idx, vals, r, codes, s), nil
	}
	from, values, raw, err := p.transformed(row, r, s)
	if err != nil {
		return 0, err
	}
	n := len(from)
	if p.cols != nil && !p.cols.monotone {
		from, raw = p.sorted(from, raw, s)
	}
	copy(idx, from)
	copy(vals, p.transform.bytes(values, raw, p.out, s)[:n*p.out.size()])
	return n, nil
}

// sorted puts distinct joined columns, and their float32 values, into ascending order.
func (p *part) sorted(idx []int32, raw []byte, s *Scratch) ([]int32, []byte) {
	n, k := len(idx), kernelTable[float32Type]
	acc, set := grow(&s.acc, p.width*4), s.bitmap(p.width)
	k.accumulate(acc, set, idx, raw, nil, p.width)
	outIdx, outVals := view[int32](grow(&s.sortedIdx, n*4)), grow(&s.sortedVals, n*4)
	k.emit(acc, set, outIdx, outVals)
	return outIdx[:n], outVals
}
