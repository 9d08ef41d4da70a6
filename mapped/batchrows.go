package mapped

import (
	"context"
	"errors"
	"slices"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// fillJob is a Fill in work. It lies in the scratch with a function that is bound once, so that Fill allocates nothing.
type fillJob struct {
	batch  *Batch
	ctx    context.Context
	lo, hi int
	run    func() error
}

// bound gives the job as a function.
func (s *Scratch) bound() func() error {
	if s.job.run == nil {
		s.job.run = func() error { return s.job.batch.fill(s.job.ctx, s, s.job.lo, s.job.hi) }
	}
	return s.job.run
}

// reset forgets working memory that may be half-written.
func (s *Scratch) reset() { *s = Scratch{job: s.job} }

// faultsBorne is how often rows are looked up again after their memory failed, before the row store is left aside: each
// time it has forgotten what failed.
const faultsBorne = 16

// useRows runs fn, which uses rows of the row store with this scratch, while the collection is kept open. Where the memory
// of rows fails, fn runs again from its beginning.
func (c *Collection) useRows(s *Scratch, fn func() error) (err error) {
	whole := false
	defer func() {
		s.release(c.cache)
		if !whole { // a panic
			s.reset()
		}
	}()
	if c.keeper == nil {
		err, whole = fn(), true
		return err
	}
	c.using.RLock()
	defer c.using.RUnlock()
	if c.closed.Load() {
		whole = true
		return errClosed()
	}
	for tries := 1; ; tries++ {
		if err = c.keeper.store.Guard(fn); !errors.Is(err, rowstore.ErrFault) {
			break
		}
		s.release(c.cache)
		s.reset()
		s.sourceOnly = tries >= faultsBorne
	}
	s.sourceOnly, whole = false, true
	return err
}

// find looks the rows [lo, hi) of the batch up in the row store, after it had those written there that are missing. What
// it gives is nil where a row has to be read from the source, or where its store lacks the matrix.
func (b *Batch) find(ctx context.Context, p *plan, s *Scratch, lo, hi int) ([]rowstore.Row, error) {
	s.found = slices.Grow(s.found[:0], hi-lo)[:hi-lo]
	clear(s.found)
	missing := s.missing[:0]
	for i := lo; i < hi; i++ {
		b.expect(p, i)
	}
	for i := lo; i < hi; i++ {
		if b.lookUp(p, s, lo, i) {
			missing = append(missing, int32(i))
		}
	}
	s.missing = missing
	if len(missing) == 0 {
		return s.found, nil
	}
	for len(missing) > 0 {
		store, rows, rest := b.store[missing[0]], s.wanted[:0], missing[:0]
		for _, i := range missing {
			if b.store[i] == store {
				rows = append(rows, b.local[i])
			} else {
				rest = append(rest, i)
			}
		}
		s.wanted, missing = rows, rest
		if err := p.parts[store].m.table.fill(ctx, rows, s); err != nil {
			return nil, err
		}
	}
	for i := lo; i < hi; i++ {
		if s.found[i-lo] == nil && b.lookUp(p, s, lo, i) {
			b.markRead(i)
		}
	}
	return s.found, nil
}

// expect has the head of row i come from memory.
func (b *Batch) expect(p *plan, i int) {
	if part := p.parts[b.store[i]]; part != nil && part.m.table != nil {
		part.m.table.expect(b.local[i])
	}
}

// lookUp looks row i up, and says whether it is missing in a table.
func (b *Batch) lookUp(p *plan, s *Scratch, lo, i int) (missing bool) {
	part := p.parts[b.store[i]]
	if part == nil {
		return false
	}
	if part.m.table == nil || s.sourceOnly {
		b.markRead(i)
		return false
	}
	r := part.m.table.row(b.local[i])
	s.found[i-lo] = r
	return r == nil
}

// markRead notes that the source of row i is read.
func (b *Batch) markRead(i int) {
	if mark := &b.read[b.store[i]]; mark.Load() != b.gen {
		mark.Store(b.gen)
	}
}

// prefetch asks for the pages of the batch's rows in the row store.
func (b *Batch) prefetch() {
	c := b.e.c
	if c.keeper == nil {
		return
	}
	c.using.RLock()
	defer c.using.RUnlock()
	if c.closed.Load() {
		return
	}
	grouped := false
	for i := range b.e.plans {
		p := &b.e.plans[i]
		if !p.tabled || p.filled {
			continue
		}
		if !grouped {
			b.group()
			grouped = true
		}
		for k, store := range b.touched {
			if part := p.parts[store]; part != nil && part.m.table != nil {
				part.m.table.prefetch(b.grouped[b.ends[k]:b.ends[k+1]])
			}
		}
	}
}

// group sorts the rows by their stores: grouped[ends[k]:ends[k+1]] are those of the store touched[k].
func (b *Batch) group() {
	b.ends = append(b.ends[:0], 0)
	if len(b.touched) == 1 {
		b.grouped = append(b.grouped[:0], b.local...)
		b.ends = append(b.ends, len(b.local))
		return
	}
	for k, store := range b.touched {
		b.slots[store] = int32(k)
		b.ends = append(b.ends, 0)
	}
	for _, store := range b.store {
		b.ends[b.slots[store]+1]++
	}
	for k := range b.touched {
		b.ends[k+1] += b.ends[k]
	}
	b.grouped = slices.Grow(b.grouped[:0], len(b.local))[:len(b.local)]
	// Each end moves through its range while that is filled, and arrives at the next one's.
	for i, store := range b.store {
		at := &b.ends[b.slots[store]]
		b.grouped[*at] = b.local[i]
		*at++
	}
	copy(b.ends[1:], b.ends[:len(b.touched)])
	b.ends[0] = 0
}
