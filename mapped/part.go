package mapped

import "github.com/loaderd/loaderd/cache/rowstore"

// part writes the rows of one store's matrix into a field of a batch.
type part struct {
	m     *matrix
	cols  *colMap // nil: columns are as they are
	width int     // of the field
	most  int     // values of a row
	out   dtype

	// sum is the type in which repeated columns are added: the file's, as scipy
	// does, except that halves are added as float32.
	sum       dtype
	widen     caster // file → sum, nil when they are the same
	cast      caster // sum → out, nil when they are the same
	castStore caster // file → out
	straight  bool   // rows may be read into the batch as they are
	addable   bool   // values may be added to a dense row as they are
	sums      kernels
	stored    kernels
	outs      movers
	storeds   movers

	transform *transforming    // nil: values are given as they are
	kernel    *rowstore.Kernel // nil: the row store has no rows of the matrix
}

func newPart(m *matrix, cols *colMap, width int, out dtype) *part {
	stored := m.dtype()
	p := &part{m: m, cols: cols, width: width, most: most(cols, m.cols, width), out: out, sum: stored}
	if stored == float16Type {
		p.sum = float32Type
		p.widen = casterFor(float32Type, float16Type)
	}
	// Booleans are made 0 or 1 on the way.
	if p.sum != out || out == boolType {
		p.cast = casterFor(out, p.sum)
	}
	p.castStore = casterFor(out, stored)
	p.sums, p.stored = kernelTable[p.sum], kernelTable[stored]
	p.outs, p.storeds = moverTable[out.size()], moverTable[stored.size()]
	p.straight = stored == out && out != boolType && cols == nil
	p.addable = stored == out && p.widen == nil && p.sums.add != nil
	return p
}

// to and from are the column maps or nil.
func (p *part) to() []int32 {
	if p.cols == nil {
		return nil
	}
	return p.cols.to
}

func (p *part) from() []int32 {
	if p.cols == nil {
		return nil
	}
	return p.cols.from
}

// most is how many columns of the store a row of the field can have.
func most(cols *colMap, stored, width int) int {
	if cols != nil {
		stored = cols.kept
	}
	return min(stored, width)
}

// bound is how many values a row can have in a CSR batch.
func (p *part) bound(row int64) int {
	if p.m.sparse == nil {
		return p.most
	}
	_, n := p.m.sparse.index.span(row)
	return int(min(n, int64(p.most)))
}

// writeDense fills dst, one row of the field, from r, or from the source where r is nil.
func (p *part) writeDense(dst []byte, row int64, r rowstore.Row, s *Scratch) error {
	switch {
	case p.transform != nil:
		return p.transformDense(dst, row, r, s)
	case r != nil:
		p.kernel.Dense(dst, r, &s.kernel)
		return nil
	}
	if p.m.sparse == nil {
		return p.denseToDense(dst, row, s)
	}
	idx, vals, err := p.fetch(row, s)
	if err != nil {
		return err
	}
	clear(dst)
	if ascending(idx) {
		out := vals
		if p.out != p.m.dtype() || p.out == boolType {
			out = grow(&s.vals, len(idx)*p.out.size())
			p.castStore(out, vals, len(idx))
		}
		return p.badColumn(p.outs.put(dst, idx, out, p.to()), idx, row)
	}
	if p.addable {
		return p.badColumn(p.sums.add(dst, idx, vals, p.to()), idx, row)
	}
	idx, vals, err = p.canonical(idx, vals, row, p.to(), p.width, s)
	if err != nil {
		return err
	}
	return p.badColumn(p.outs.put(dst, idx, p.toOut(vals, len(idx), s), nil), idx, row)
}

// fetch reads a row's columns and values as stored. They are valid until the
// scratch is released.
func (p *part) fetch(row int64, s *Scratch) (idx []int32, vals []byte, err error) {
	m := p.m.sparse
	first, n := m.index.span(row)
	raw, err := m.indices.borrow(first, n, s, &s.rawIdx, &s.held[0])
	if err != nil {
		return nil, nil, p.m.env.readError(m.indices.path, err)
	}
	// uint32 columns past 2³¹ show as negative ones, which no matrix has.
	if d := m.indices.elem.dtype; d == int32Type || d == uint32Type {
		idx = view[int32](raw)
	} else {
		idx = view[int32](grow(&s.idx, int(n)*4))
		toIndices(idx, raw, d)
	}
	vals, err = m.data.borrow(first, n, s, &s.rawVals, &s.held[1])
	if err != nil {
		return nil, nil, p.m.env.readError(m.data.path, err)
	}
	return idx, vals, nil
}

// canonical sums repeated columns and sorts the rest, with columns mapped by to, below width.
func (p *part) canonical(idx []int32, vals []byte, row int64, to []int32, width int, s *Scratch) ([]int32, []byte, error) {
	n, size := len(idx), p.sum.size()
	if p.widen != nil {
		wide := grow(&s.widened, n*size)
		p.widen(wide, vals, n)
		vals = wide
	}
	acc, set := grow(&s.acc, width*size), s.bitmap(width)
	if bad := p.sums.accumulate(acc, set, idx, vals, to, p.m.cols); bad >= 0 {
		clear(set)
		return nil, nil, p.badColumn(bad, idx, row)
	}
	n = min(n, width)
	outIdx, outVals := view[int32](grow(&s.sortedIdx, n*4)), grow(&s.sortedVals, n*size)
	n = p.sums.emit(acc, set, outIdx, outVals)
	return outIdx[:n], outVals[:n*size], nil
}

func (p *part) toOut(vals []byte, n int, s *Scratch) []byte {
	if p.cast == nil {
		return vals
	}
	out := grow(&s.vals, n*p.out.size())
	p.cast(out, vals, n)
	return out
}

func (p *part) badColumn(at int, idx []int32, row int64) error {
	if at < 0 {
		return nil
	}
	return fail(ErrBadFile, stageRead, element(p.m.env.path, p.m.sparse.indices.path), rewriteHint,
		"row %d has the column %d, and the matrix %d columns", row, idx[at], p.m.cols)
}

func (p *part) denseToDense(dst []byte, row int64, s *Scratch) error {
	first, n := row*int64(p.m.cols), int64(p.m.cols)
	if p.straight {
		return p.readError(p.m.dense.readInto(dst, first, n, s))
	}
	vals, err := p.m.dense.borrow(first, n, s, &s.row, &s.held[0])
	if err != nil {
		return p.readError(err)
	}
	if p.cols == nil {
		p.castStore(dst, vals, int(n))
		return nil
	}
	if p.m.dtype() != p.out || p.out == boolType {
		out := grow(&s.vals, int(n)*p.out.size())
		p.castStore(out, vals, int(n))
		vals = out
	}
	p.outs.gather(dst, vals, p.cols.from)
	return nil
}

func (p *part) readError(err error) error {
	if err == nil {
		return nil
	}
	return p.m.env.readError(p.m.path, err)
}

// writeSparse writes one row, sorted and without repetition, to the front of idx
// and vals, which hold bound(row) elements, and returns how many it has. r is as for writeDense.
func (p *part) writeSparse(idx []int32, idxBytes, vals []byte, row int64, r rowstore.Row, s *Scratch) (int, error) {
	switch {
	case p.transform != nil:
		return p.transformSparse(idx, vals, row, r, s)
	case r != nil:
		return p.storedSparse(idx, vals, r, rowstore.FieldCodes{}, s), nil
	}
	if p.m.sparse == nil {
		return p.denseToSparse(idx, vals, row, s)
	}
	if d := p.m.sparse.indices.elem.dtype; p.straight && (d == int32Type || d == uint32Type) {
		if first, n := p.m.sparse.index.span(row); int(n) <= len(idx) {
			return p.readStraight(idx, idxBytes, vals, first, n, row, s)
		}
	}
	in, stored, err := p.fetch(row, s)
	if err != nil {
		return 0, err
	}
	if !ascending(in) || p.cols != nil && !p.cols.monotone {
		return p.writeCanonical(in, stored, idx, vals, row, s)
	}
	if n := len(in); n > 0 && int(in[n-1]) >= p.m.cols {
		return 0, p.badColumn(n-1, in, row)
	}
	n := len(in)
	if p.cols == nil {
		copy(idx, in)
	} else {
		kept := grow(&s.sortedVals, n*p.m.dtype().size())
		out := view[int32](grow(&s.sortedIdx, n*4))
		n = p.storeds.compact(in, stored, p.cols.to, out, kept)
		copy(idx, out[:n])
		stored = kept
	}
	p.castStore(vals, stored, n)
	return n, nil
}

// readStraight reads a row to where it belongs, and puts it right there if need be.
func (p *part) readStraight(idx []int32, idxBytes, vals []byte, first, n, row int64, s *Scratch) (int, error) {
	m := p.m.sparse
	if err := m.indices.readInto(idxBytes[:n*4], first, n, s); err != nil {
		return 0, p.m.env.readError(m.indices.path, err)
	}
	vals = vals[:n*int64(p.out.size())]
	if err := m.data.readInto(vals, first, n, s); err != nil {
		return 0, p.m.env.readError(m.data.path, err)
	}
	in := idx[:n]
	if !ascending(in) {
		return p.writeCanonical(in, vals, idx, vals, row, s)
	}
	if n > 0 && int(in[n-1]) >= p.m.cols {
		return 0, p.badColumn(int(n)-1, in, row)
	}
	return int(n), nil
}

// writeCanonical may be given its own output as input.
func (p *part) writeCanonical(in []int32, stored []byte, idx []int32, vals []byte, row int64, s *Scratch) (int, error) {
	sorted, sums, err := p.canonical(in, stored, row, p.to(), p.width, s)
	if err != nil {
		return 0, err
	}
	copy(idx, sorted)
	copy(vals, p.toOut(sums, len(sorted), s)[:len(sorted)*p.out.size()])
	return len(sorted), nil
}

func (p *part) denseToSparse(idx []int32, vals []byte, row int64, s *Scratch) (int, error) {
	first, cols := row*int64(p.m.cols), int64(p.m.cols)
	in, err := p.m.dense.borrow(first, cols, s, &s.row, &s.held[0])
	if err != nil {
		return 0, p.readError(err)
	}
	kept := grow(&s.sortedVals, len(idx)*p.m.dtype().size())
	n := p.stored.nonzero(in, p.from(), idx, kept)
	p.castStore(vals, kept, n)
	return n, nil
}
