package mapped

import "math"

var nan = math.NaN()

// absentValue is what a missing value of a column looks like: -1 for codes, NaN
// for floats, 0 and false for others.
func absentValue(d dtype) []byte {
	if d.isFloat() {
		return nanBytes(d)
	}
	return alignedBytes(8)[:d.size()]
}

// fillColumn writes the values of an obs column.
func (b *Batch) fillColumn(p *plan, lo, hi int) {
	buf := b.bufs[p.buf]
	switch {
	case p.column.Categories == nil:
		b.fillNumbers(p, buf, lo, hi)
	case p.dtype == int64Type:
		fillCodes(b, p.column.parts, view[int64](buf), lo, hi)
	default:
		fillCodes(b, p.column.parts, view[int32](buf), lo, hi)
	}
}

func fillCodes[T int32 | int64](b *Batch, parts []columnPart, out []T, lo, hi int) {
	for i := lo; i < hi; i++ {
		out[i] = -1
		part := &parts[b.store[i]]
		if part.column == nil {
			continue
		}
		if code := part.column.codes.at(b.local[i]); code >= 0 {
			out[i] = T(part.remap[code])
		}
	}
}

func (b *Batch) fillNumbers(p *plan, buf []byte, lo, hi int) {
	size := p.dtype.size()
	for i := lo; i < hi; i++ {
		dst := buf[i*size : (i+1)*size]
		part := &p.column.parts[b.store[i]]
		c, row := part.column, b.local[i]
		if c == nil || !c.has(row) {
			copy(dst, p.column.absent)
			continue
		}
		if p.column.table != nil {
			copy(dst, p.column.table[int(c.codes.at(row))*size:])
			continue
		}
		part.cast(dst, c.data[row*int64(c.dtype.size()):], 1)
	}
}

// fillMask says for each row whether the field has a value there.
func (b *Batch) fillMask(p *plan, lo, hi int) {
	out := b.bufs[p.buf][lo:hi]
	switch {
	case p.of.column != nil:
		for i := range out {
			c := p.of.column.parts[b.store[lo+i]].column
			out[i] = truth(c != nil && c.has(b.local[lo+i]))
		}
	case p.of.parts != nil:
		for i := range out {
			out[i] = truth(p.of.parts[b.store[lo+i]] != nil)
		}
	default: // _idx: all but the rows that pad
		for i := range out {
			out[i] = truth(lo+i < len(b.rows)-b.pad)
		}
	}
}
