package mapped

import "sync"

// segment is a run of stored values of a CSC matrix, sorted into buckets in
// memory. One goroutine works on it.
type segment struct {
	from *cscMatrix
	to   *spill
	rows int64 // of the matrix

	indices, data window
	scratch       *Scratch
	raw           []byte
	row           []int32 // as read
	vals          []byte
	slot          []int32 // where each goes
	counts        []int32 // values of each bucket
	outRow        []int32
	outCol        []int32
	outVals       []byte
}

func newSegment(from *cscMatrix, to *spill, rows int64, room int) *segment {
	return &segment{
		from: from, to: to, rows: rows, scratch: NewScratch(),
		indices: window{src: from.indices}, data: window{src: from.data},
		raw: alignedBytes(room * from.indices.size), vals: alignedBytes(room * to.size),
		row: make([]int32, room), slot: make([]int32, room), counts: make([]int32, len(to.buckets)+1),
		outRow: make([]int32, room), outCol: make([]int32, room), outVals: alignedBytes(room * to.size),
	}
}

// segmentBytes is what a segment takes for each value.
func segmentBytes(from *cscMatrix) int { return from.indices.size + 2*from.data.size + 16 }

// read takes n values from first and sorts them.
func (g *segment) read(first int64, n int) error {
	m, v := g.from, g.from.env
	raw := g.raw[:n*m.indices.size]
	if err := g.indices.read(raw, first, int64(n), g.scratch); err != nil {
		return v.readError(m.indices.path, err)
	}
	toIndices(g.row[:n], raw, m.indices.elem.dtype)
	if err := g.data.read(g.vals[:n*m.data.size], first, int64(n), g.scratch); err != nil {
		return v.readError(m.data.path, err)
	}
	clear(g.counts)
	for i, r := range g.row[:n] {
		if uint32(r) >= uint32(g.rows) {
			return fail(ErrBadFile, stageRead, element(v.path, m.indices.path), rewriteHint,
				"column %d has the row %d, and the matrix %d rows", m.column(first+int64(i)), r, g.rows)
		}
		g.counts[r>>g.to.shift+1]++
	}
	for b := 1; b < len(g.counts); b++ {
		g.counts[b] += g.counts[b-1]
	}
	g.place(first, n)
	return nil
}

// place moves the values to their buckets. counts[b], where bucket b begins,
// becomes where it ends.
func (g *segment) place(first int64, n int) {
	col := g.from.column(first)
	next := g.from.starts[col+1] - first
	for i, r := range g.row[:n] {
		for int64(i) >= next {
			col++
			next = g.from.starts[col+1] - first
		}
		b := r >> g.to.shift
		slot := g.counts[b]
		g.counts[b]++
		g.slot[i], g.outRow[slot], g.outCol[slot] = slot, r, int32(col)
	}
	scatterTable[g.to.size](g.outVals, g.vals, g.slot[:n])
}

// deliver adds what was sorted to the buckets.
func (g *segment) deliver() error {
	from := int32(0)
	for b, to := range g.counts[:len(g.counts)-1] {
		if to > from {
			size := int32(g.to.size)
			if err := g.to.add(b, g.outRow[from:to], g.outCol[from:to], g.outVals[from*size:to*size]); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

func (g *segment) close() {
	g.indices.release()
	g.data.release()
}

// scatterTable moves values of 1, 2, 4 or 8 bytes: dst[at[i]] = src[i].
var scatterTable = map[int]func(dst, src []byte, at []int32){
	1: scatter[uint8], 2: scatter[uint16], 4: scatter[uint32], 8: scatter[uint64],
}

func scatter[T uint8 | uint16 | uint32 | uint64](dst, src []byte, at []int32) {
	out, vals := view[T](dst), view[T](src)[:len(at)]
	for i, k := range at {
		out[k] = vals[i]
	}
}

// window reads an array front to back. It holds the chunk it is in, so that a
// chunk of any size is decoded once.
type window struct {
	src   *source
	chunk int64
	held  *cached
}

// read copies n elements from first.
func (w *window) read(dst []byte, first, n int64, sc *Scratch) error {
	s := w.src
	if s.mem != nil || s.direct {
		return s.readInto(dst, first, n, sc)
	}
	size := int64(s.size)
	for n > 0 {
		chunk, in := first/s.chunkRows, first%s.chunkRows
		if w.held == nil || w.chunk != chunk {
			w.release()
			c, err := s.chunk(chunk, sc)
			if err != nil {
				return err
			}
			w.held, w.chunk = c, chunk
		}
		run := min(n, s.chunkRows-in)
		copy(dst[:run*size], w.held.buf[in*size:])
		dst, first, n = dst[run*size:], first+run, n-run
	}
	return nil
}

func (w *window) release() {
	if w.held != nil {
		w.src.env.cache.put(w.held)
		w.held = nil
	}
}

// turnstile lets goroutines through one at a time, in the order of their
// numbers. The first error in that order is the one that stays.
type turnstile struct {
	mu    sync.Mutex // guards what follows
	moved sync.Cond
	next  int64
	err   error
}

func newTurnstile() *turnstile {
	t := &turnstile{}
	t.moved.L = &t.mu
	return t
}

// pass waits for turn n, and runs do unless err is set or somebody before failed.
func (t *turnstile) pass(n int64, err error, do func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.next != n && t.err == nil {
		t.moved.Wait()
	}
	if t.err == nil {
		if t.err = err; err == nil {
			t.err = do()
		}
		t.next++
		t.moved.Broadcast()
	}
	return t.err
}
