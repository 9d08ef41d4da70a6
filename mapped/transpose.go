package mapped

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// passLimits say what turning a matrix takes in memory, beside 4 bytes for each
// row, 8 for each column, and the decoded chunks that goroutines are in.
type passLimits struct {
	workers int
	cache   int64 // bytes of chunks between segments
	spill   int   // bytes of all blocks being filled, of which one has block
	block   int
	segment int  // bytes of all segments being read, in the first pass
	gather  int  // bytes of all rows being gathered, in the second
	shift   uint // a bucket has at most 1<<shift rows,
	buckets int64
}

// defaultLimits are 64 MB in all.
func defaultLimits() passLimits {
	return passLimits{
		workers: min(8, runtime.GOMAXPROCS(0)), cache: 8 << 20, spill: 24 << 20, block: 256 << 10,
		segment: 12 << 20, gather: 16 << 20, shift: 18, buckets: 1 << 12,
	}
}

// transposer turns one CSC matrix into rows: one pass over its columns sorts the
// values into buckets of rows, another over the buckets puts each into order.
// Columns of a row ascend, and repeated ones stay in the order of the file.
type transposer struct {
	m       *matrix
	limits  passLimits
	spill   *spill
	index   *rowIndex
	indices *span
	data    *span
	counts  []map[int64]int64
}

// newTransposer plans the work on m. rows gets the result from its byte end on,
// spilled what is in between.
func newTransposer(m *matrix, l passLimits, rows *tempFile, end int64, spilled *tempFile) *transposer {
	size := m.columns.data.size
	n := m.columns.stored()
	t := &transposer{
		m: m, limits: l, index: newRowIndex(m.rows),
		indices: &span{rows, end, n, 4}, data: &span{rows, end + n*4, n, int64(size)},
	}
	shift := l.shift
	for bucketsOf(m.rows, shift) < l.buckets/2 && n/bucketsOf(m.rows, shift) > int64(t.gatherLimit()/2) && 1<<shift > rowBlock {
		shift--
	}
	t.spill = newSpill(spilled, l, size, m.rows, shift)
	return t
}

// gatherLimit is how many values a gatherer may have in memory.
func (t *transposer) gatherLimit() int {
	return t.limits.gather / t.limits.workers / (4 + t.m.columns.data.size)
}

// resultBytes and spillBytes are what the matrix takes in the two files.
func resultBytes(m *matrix) int64 { return m.columns.stored() * int64(4+m.columns.data.size) }
func spillBytes(m *matrix) int64 {
	return m.columns.stored() * int64(8+m.columns.data.size) / 100 * 101
}

// run does the work. The rows are in m then.
func (t *transposer) run(ctx context.Context) error {
	env := t.m.columns.env
	env.cache = newChunkCache(t.limits.cache)
	defer func() { env.cache = nil }()
	if err := t.changed(); err != nil {
		return err
	}
	if err := t.sort(ctx); err != nil {
		return err
	}
	if err := t.gather(ctx); err != nil {
		return err
	}
	return t.changed()
}

func (t *transposer) changed() error {
	if err := t.m.env.file.changed(); err != nil {
		return t.m.env.readError(t.m.path, err)
	}
	return nil
}

// sort brings all values into buckets.
func (t *transposer) sort(ctx context.Context) error {
	from := t.m.columns
	room := int64(t.limits.segment / t.limits.workers / segmentBytes(from))
	if c := from.indices.chunkRows; c > 0 && c < room {
		room -= room % c
	}
	first, end := from.starts[0], from.starts[len(from.starts)-1]
	room = max(1, min(room, end-first))
	turns := newTurnstile()
	var next atomic.Int64
	return t.parallel(func(int) error {
		var g *segment
		defer func() {
			if g != nil {
				g.close()
			}
		}()
		for {
			turn := next.Add(1) - 1
			at := first + turn*room
			if at >= end {
				return nil
			}
			if g == nil {
				g = newSegment(from, t.spill, t.m.rows, int(room))
			}
			err := ctx.Err()
			if err == nil {
				err = guarded(t.m, func() error { return g.read(at, int(min(room, end-at))) })
			}
			if err = turns.pass(turn, err, func() error { return guarded(t.m, g.deliver) }); err != nil {
				return err
			}
		}
	})
}

// gather puts the values of each bucket into the order of rows.
func (t *transposer) gather(ctx context.Context) error {
	starts := make([]int64, len(t.spill.buckets)+1)
	for b := range t.spill.buckets {
		starts[b+1] = starts[b] + t.spill.buckets[b].n
	}
	t.counts = make([]map[int64]int64, t.limits.workers)
	var next atomic.Int64
	err := t.parallel(func(worker int) error {
		g := &gatherer{
			m: t.m, from: t.spill, index: t.index, indices: t.indices, data: t.data,
			limit: t.gatherLimit(), counts: make(map[int64]int64),
		}
		t.counts[worker] = g.counts
		for {
			b := int(next.Add(1) - 1)
			if b >= len(t.spill.buckets) {
				return nil
			}
			if err := g.bucket(ctx, b, starts[b]); err != nil {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	return t.finish(starts[len(starts)-1])
}

// finish gives the matrix its rows.
func (t *transposer) finish(stored int64) error {
	if !t.index.set(t.m.rows, stored) {
		return t.m.env.fail(ErrUnsupported, t.m.path, "", "%d rows hold more than 2³² values", rowBlock)
	}
	all := make(map[int64]int64)
	for _, counts := range t.counts {
		for n, rows := range counts {
			all[n] += rows
		}
	}
	s := t.m.sparse
	s.index, s.counts = t.index, sortedCounts(all)
	s.indices.arr, s.data.arr = t.indices, t.data
	t.m.columns = nil
	return nil
}

// parallel runs work on all workers. It reports the first error, in time.
func (t *transposer) parallel(work func(worker int) error) error {
	var g errgroup.Group
	for w := range t.limits.workers {
		g.Go(func() error { return guarded(t.m, func() error { return work(w) }) })
	}
	return g.Wait()
}
