package mapped

import "sort"

// sparseUnits cuts the values of a CSR matrix. Its indices and data may be in chunks of different lengths, and a row may lie
// in several of each. A unit is one chunk of the array with the longer chunks, and those chunks of the other one that begin
// within it. So it has a range of either array; that of the other array begins, and ends, at the same element or up to a
// chunk behind. What lies in both is whole.
type sparseUnits struct {
	m      *csrMatrix
	long   *source // the array with the longer chunks
	other  *source
	chunk  int64 // elements of a chunk of long; 0: nothing is in chunks, and there are no units
	within int64 // elements of a chunk of other; 1 where it is not in chunks
	rowsN  int64
	end    int64 // behind the last value of the last row
}

// Numbers of the arrays in a zone.
const (
	longPiece  = 0
	otherPiece = 1
)

func newSparseUnits(m *matrix) *sparseUnits {
	s := m.sparse
	u := &sparseUnits{m: s, long: s.data, other: s.indices, within: 1, rowsN: m.rows, end: s.index.start(m.rows)}
	if s.indices.chunked() && (!s.data.chunked() || s.indices.chunkRows > s.data.chunkRows) {
		u.long, u.other = s.indices, s.data
	}
	if u.long.chunked() {
		u.chunk = u.long.chunkRows
	}
	if u.other.chunked() {
		u.within = u.other.chunkRows
	}
	return u
}

func (u *sparseUnits) count() int64 {
	if u.chunk == 0 {
		return 0
	}
	return (u.end + u.chunk - 1) / u.chunk
}

func (u *sparseUnits) bytes() int64 { return int64(u.long.chunkBytes + u.other.chunkBytes) }

func (u *sparseUnits) of(row int64) (first, last int64) {
	at, n := u.m.index.span(row)
	if n == 0 || u.chunk == 0 {
		return 0, -1
	}
	return at / u.within * u.within / u.chunk, (at + n - 1) / u.chunk
}

// ranges are a unit's of the long array and of the other.
func (u *sparseUnits) ranges(unit int64) (long, other extent) {
	long = extent{min(unit*u.chunk, u.end), min((unit+1)*u.chunk, u.end)}
	next := func(at int64) int64 { return min((at+u.within-1)/u.within*u.within, u.end) }
	return long, extent{next(long.from), next(long.to)}
}

func (u *sparseUnits) rows(unit int64) (r unitRows) {
	long, other := u.ranges(unit)
	if unit > 0 { // rows without values count with what is before them, the first with what follows
		r.left = u.endsAfter(long.from)
	}
	r.whole = max(r.left, u.beginsAt(other.from))
	r.right = max(r.whole, u.endsAfter(long.to))
	r.end = max(r.right, u.beginsAt(other.to))
	return r
}

// endsAfter is the first row that ends behind an element, or the number of rows.
func (u *sparseUnits) endsAfter(at int64) int64 {
	return int64(sort.Search(int(u.rowsN), func(r int) bool { return u.m.index.start(int64(r)+1) > at }))
}

// beginsAt is the first row that begins with an element or behind it, or the number of rows.
func (u *sparseUnits) beginsAt(at int64) int64 {
	return int64(sort.Search(int(u.rowsN), func(r int) bool { return u.m.index.start(int64(r)) >= at }))
}

func (u *sparseUnits) decode(unit int64, w *rowWriter) (left, right *zone, err error) {
	r := u.rows(unit)
	in := [2]extent{}
	in[longPiece], in[otherPiece] = u.ranges(unit)
	readers := [2]chunkReader{{from: u.long}, {from: u.other}}
	defer readers[0].close()
	defer readers[1].close()
	if left, err = u.keep(extent{r.left, r.whole}, in, &readers, w); err != nil {
		return nil, nil, err
	}
	for row := r.whole; row < r.right; row++ {
		if !w.table.missing(row) {
			continue
		}
		at, n := u.m.index.span(row)
		if err = u.write(row, extent{at, at + n}, &readers, w); err != nil {
			break
		}
	}
	if err == nil {
		right, err = u.keep(extent{r.right, r.end}, in, &readers, w)
	}
	if err != nil {
		w.drop(left)
		return nil, nil, err
	}
	return left, right, nil
}

// keep gives what in, of either array, has of rows; nil where none of them is missing.
func (u *sparseUnits) keep(rows extent, in [2]extent, from *[2]chunkReader, w *rowWriter) (*zone, error) {
	if !w.table.lacks(rows) {
		return nil, nil
	}
	z := &zone{rows: rows}
	of := extent{u.m.index.start(rows.from), u.m.index.start(rows.to)}
	for i := range z.pieces {
		p := &z.pieces[i]
		if p.extent = of.cut(in[i]); p.n() == 0 {
			continue
		}
		raw, err := from[i].read(p.extent, w.scratch, &w.buffers().raw[i])
		if err != nil {
			w.drop(z)
			return nil, err
		}
		p.fragment = w.table.keeper.fragments.keep(raw, from[i].from.elem.dtype, &w.buffers().record)
	}
	return z, nil
}

// write reads a whole row and writes it.
func (u *sparseUnits) write(row int64, e extent, from *[2]chunkReader, w *rowWriter) error {
	var raw [2][]byte
	for i := range from {
		var err error
		if raw[i], err = from[i].read(e, w.scratch, &w.buffers().raw[i]); err != nil {
			return err
		}
	}
	return u.put(row, raw, w)
}

// put writes a row of which both arrays are there.
func (u *sparseUnits) put(row int64, raw [2][]byte, w *rowWriter) error {
	if u.long == u.m.indices {
		return w.sparse(row, raw[longPiece], raw[otherPiece])
	}
	return w.sparse(row, raw[otherPiece], raw[longPiece])
}

func (u *sparseUnits) join(rows []int64, kept func(u int64) [2]*zone, w *rowWriter) error {
	opened := make(map[*piece][]byte)
	for _, row := range rows {
		at, n := u.m.index.span(row)
		var raw [2][]byte
		for i, from := range []*source{u.long, u.other} {
			raw[i] = grow(&w.buffers().raw[i], int(n)*from.size)
			if err := u.collect(raw[i], row, extent{at, at + n}, i, kept, opened, w); err != nil {
				return err
			}
		}
		if err := u.put(row, raw, w); err != nil {
			return err
		}
	}
	return nil
}

// collect fills dst with the elements e of array i, from the pieces that the row's units have kept.
func (u *sparseUnits) collect(dst []byte, row int64, e extent, i int, kept func(u int64) [2]*zone, opened map[*piece][]byte, w *rowWriter) error {
	from := u.long
	if i == otherPiece {
		from = u.other
	}
	size := int64(from.size)
	source := func(to int64) error { // what no piece has
		n := to - e.from
		if n <= 0 {
			return nil
		}
		err := from.readInto(dst[:n*size], e.from, n, w.scratch)
		dst, e.from = dst[n*size:], to
		return err
	}
	first, last := u.of(row)
	for unit := first; unit <= last; unit++ {
		for _, z := range kept(unit) {
			if !z.has(row) {
				continue
			}
			p := &z.pieces[i]
			part := p.cut(e)
			if part.n() == 0 {
				continue
			}
			have, ok := opened[p]
			if !ok {
				have = w.table.keeper.fragments.read(p.fragment, from.elem.dtype, p.n())
				opened[p] = have
			}
			if have == nil {
				continue // lost: the source has it
			}
			if err := source(part.from); err != nil {
				return err
			}
			n := copy(dst, have[(part.from-p.from)*size:(part.to-p.from)*size])
			dst, e.from = dst[n:], part.to
		}
	}
	return source(e.to)
}
