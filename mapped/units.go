package mapped

// units says which chunks of a matrix are decoded together, and which rows that completes. The chunks of a unit are of no
// other one, so that each chunk is decoded once.
type units interface {
	// count is how many units there are.
	count() int64
	// of gives the units that a row needs: first to last, none where last is below first.
	of(row int64) (first, last int64)
	// rows says which rows need a unit.
	rows(u int64) unitRows
	// bytes is the memory that decoding a unit takes.
	bytes() int64
	// decode writes the rows that need no other unit, and gives what the unit has of others: of those that need units
	// before it, and of those that need only units behind it.
	decode(u int64, w *rowWriter) (left, right *zone, err error)
	// join writes rows from what their units have kept, and from the source where that is lost.
	join(rows []int64, kept func(u int64) [2]*zone, w *rowWriter) error
}

// unitRows are the rows that need a unit, by their numbers: from left on those that need units before it too, from whole on
// those that need no other, from right on to end those that need units behind it.
type unitRows struct{ left, whole, right, end int64 }

// extent is a range of elements.
type extent struct{ from, to int64 }

func (e extent) n() int64 { return max(0, e.to-e.from) }

// cut is what of e lies within o.
func (e extent) cut(o extent) extent { return extent{max(e.from, o.from), min(e.to, o.to)} }

// zone is what a unit keeps of rows that it has not whole: elements of both arrays.
type zone struct {
	rows   extent
	pieces [2]piece
}

func (z *zone) has(row int64) bool { return z != nil && z.rows.from <= row && row < z.rows.to }

// piece is a range of an array, kept until the rows it lies in are whole.
type piece struct {
	extent
	fragment
}

// chunkReader reads ranges of a vector, each chunk decoded once where the ranges rise. Its memory is the cache's, but
// nothing stays there.
type chunkReader struct {
	from   *source
	memory workMemory
	at     int64 // number of the chunk in it; -1: none
}

// read gives elements of the vector. They are valid until the next call.
func (r *chunkReader) read(e extent, s *Scratch, buf *[]byte) ([]byte, error) {
	size := int64(r.from.size)
	if e.n() == 0 {
		return nil, nil
	}
	if !r.from.chunked() {
		out := grow(buf, int(e.n()*size))
		return out, r.from.readInto(out, e.from, e.n(), s)
	}
	span := r.from.chunkRows
	if e.from/span == (e.to-1)/span {
		if err := r.load(e.from/span, s); err != nil {
			return nil, err
		}
		at := e.from % span * size
		return r.memory.buf[at : at+e.n()*size], nil
	}
	out := grow(buf, int(e.n()*size))
	for rest := out; e.from < e.to; {
		if err := r.load(e.from/span, s); err != nil {
			return nil, err
		}
		n := copy(rest, r.memory.buf[e.from%span*size:])
		rest, e.from = rest[n:], e.from+int64(n)/size
	}
	return out, nil
}

func (r *chunkReader) load(chunk int64, s *Scratch) error {
	if r.memory.buf == nil {
		r.memory = r.from.env.cache.work(r.from.chunkBytes)
	} else if r.at == chunk {
		return nil
	}
	r.at = -1
	if err := r.from.loadChunk(r.memory.buf, int(chunk), s); err != nil {
		return err
	}
	r.at = chunk
	return nil
}

// close gives the memory back.
func (r *chunkReader) close() { r.from.env.cache.done(r.memory) }
