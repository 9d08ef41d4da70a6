package mapped

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// RowStoreUsage says where a collection's decoded rows are kept, and how much room they take.
type RowStoreUsage struct {
	Dir     string // folder of the row store; "": there is none, or nothing of the collection goes there
	Rows    int64  // rows, of all its matrices, that may be in the store
	Stored  int64  // rows that are
	Bytes   int64  // what those take on disk
	Needs   int64  // what all will take: an estimate until they are there
	Total   int64  // what the rows of all collections take
	Allowed int64  // the most they may take
	Free    int64  // free bytes of the disk
	Problem error  // why rows of some of its matrices cannot be kept; nil: they can
}

// RowStoreUsage opens the tables of the collection, if they are not open, and looks at them and at the folder. It is zero after Close.
func (c *Collection) RowStoreUsage() (u RowStoreUsage) {
	if c.keeper == nil || len(c.keeper.tables) == 0 {
		return u
	}
	c.using.RLock()
	defer c.using.RUnlock()
	if c.closed.Load() {
		return u
	}
	var g errgroup.Group // opening waits for the disk
	g.SetLimit(8)
	for _, t := range c.keeper.tables {
		g.Go(func() error { t.open(); return nil })
	}
	_ = g.Wait()
	for _, t := range c.keeper.tables {
		table := t.table.Load()
		if table == nil {
			u.Rows, u.Problem = u.Rows+t.m.rows, cmp.Or(u.Problem, t.failure)
			continue
		}
		of := table.Usage()
		u.Rows, u.Stored, u.Bytes, u.Needs = u.Rows+of.Rows, u.Stored+of.Stored, u.Bytes+of.Bytes, u.Needs+of.Needs
	}
	all := c.keeper.store.Usage()
	u.Dir, u.Total, u.Allowed, u.Free = all.Dir, all.Bytes, all.Allowed, all.Free
	return u
}

// Prepare fills the row store with all rows of the collection, in the order of the files and with all processors, so that
// no later batch decodes a chunk. It goes on from where an earlier one, or reading, has got to. progress, if not nil, is
// told, by one goroutine at a time, how many of how many rows have been looked after.
//
// It fails as Fill does, with ErrNoSpace when the row store has no room for all rows, and when ctx ends; what was stored by
// then stays. Without a row store it does nothing.
func (c *Collection) Prepare(ctx context.Context, progress func(done, total int64)) error {
	if err := c.Wait(ctx); err != nil || c.keeper == nil {
		return err
	}
	p := &preparation{c: c, progress: progress}
	p.find()
	g, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error { return p.work(ctx) })
	}
	err := g.Wait()
	if err == nil {
		err = c.useRows(NewScratch(), p.end)
	}
	if err != nil && c.closed.Load() {
		return errClosed()
	}
	return err
}

// preparation is one Prepare.
type preparation struct {
	c        *Collection
	progress func(done, total int64)
	tables   []prepared
	total    int64

	mu   sync.Mutex // guards what follows
	at   int        // the table in work
	unit int64      // the next of its units
	done int64
	told time.Time
}

// prepared is a table, and of its rows those that the collection has.
type prepared struct {
	*rowTable
	kept rowSet
}

// tellEvery is how often progress is told.
const tellEvery = 50 * time.Millisecond

func (p *preparation) find() {
	seen := make(map[*rowTable]bool)
	for _, s := range p.c.stores {
		for _, m := range append(append([]*matrix(nil), s.layers...), s.obsm...) {
			if m == nil || m.table == nil || seen[m.table] {
				continue
			}
			seen[m.table] = true
			p.tables = append(p.tables, prepared{m.table, s.rowSet})
			p.total += s.kept()
		}
	}
}

// next gives work to do; false when there is none left.
func (p *preparation) next() (t prepared, unit int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.at < len(p.tables) {
		t := p.tables[p.at]
		if p.unit < t.steps() {
			p.unit++
			return t, p.unit - 1, true
		}
		p.at, p.unit = p.at+1, 0
	}
	return t, 0, false
}

func (p *preparation) work(ctx context.Context) (err error) {
	s := NewScratch()
	defer func() {
		if r := recover(); r != nil {
			slog.Error("panic while preparing rows", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic while preparing rows: %v", r)
		}
	}()
	for {
		t, u, ok := p.next()
		if !ok {
			return nil
		}
		if err := p.c.useRows(s, func() error { return t.prepare(ctx, u, s) }); err != nil {
			return err
		}
		p.tell(t, u)
	}
}

func (p *preparation) tell(t prepared, u int64) {
	rows := t.begun(u)
	n := t.kept.within(rows)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	if now := time.Now(); p.progress != nil && now.Sub(p.told) >= tellEvery {
		p.told = now
		p.progress(p.done, p.total)
	}
}

// end makes what was stored last, and looks whether it was of the files that were opened.
func (p *preparation) end() error {
	if p.progress != nil {
		p.progress(p.done, p.total)
	}
	var err error
	for _, t := range p.tables {
		if table := t.table.Load(); table != nil {
			err = errors.Join(err, t.notDurable(table.Seal()))
		}
		if changed := t.m.env.file.changed(); changed != nil {
			return t.m.env.readError(t.m.path, changed)
		}
	}
	return err
}

// notDurable is the error of rows that could not be sealed.
func (t prepared) notDurable(err error) error {
	if err == nil {
		return nil
	}
	kind, hint := ErrNoSpace, "free some space, or choose another folder with LOADERD_ROWSTORE, and prepare again"
	if errors.Is(err, fs.ErrNotExist) {
		kind, hint = ErrNotFound, "its files were removed while they were in use: run `loaderd stop`, then prepare again"
	}
	return failOf(err, kind, stageRead, t.keeper.store.Dir(), hint, "rows of %s are not on the disk", t.m.object())
}

// prepareRows is how many rows of a matrix without chunks are one step.
const prepareRows = 256

// steps is how many pieces the work is cut into: units where there are any.
func (t prepared) steps() int64 {
	if n := t.units.count(); n > 0 {
		return n
	}
	return (t.m.rows + prepareRows - 1) / prepareRows
}

// prepare has the rows of a step stored that the collection has.
func (t prepared) prepare(ctx context.Context, step int64, s *Scratch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.open() == nil {
		return t.failure
	}
	rows := t.begun(step)
	if t.units.count() > 0 {
		of := t.units.rows(step)
		rows = extent{of.whole, of.right}
		if err := t.take(ctx, step, extent{of.left, of.end}, s); err != nil {
			return err
		}
	} else {
		wanted := s.wanted[:0]
		for row := rows.from; row < rows.to; row++ {
			if t.missing(row) && t.kept.has(row) {
				wanted = append(wanted, row)
			}
		}
		s.wanted = wanted
		t.join(wanted, s)
	}
	if t.blocked() && t.wanted(rows) {
		return t.full()
	}
	return t.explain(rows, s)
}

// wanted says whether a row of the collection is missing.
func (t prepared) wanted(rows extent) bool {
	for row := rows.from; row < rows.to; row++ {
		if t.missing(row) && t.kept.has(row) {
			return true
		}
	}
	return false
}

// explain gives the error of the source, if there is one, for rows that could not be stored.
func (t prepared) explain(rows extent, s *Scratch) error {
	for row := rows.from; row < rows.to; row++ {
		if !t.refused.has(row) || !t.kept.has(row) {
			continue
		}
		_, _, err := t.plain.wholeRow(row, nil, s)
		s.release(t.plain.m.env.cache)
		if err != nil {
			return err
		}
	}
	return nil
}

// take decodes unit u, unless none of its rows is wanted. Where another is at it, it is waited for, and may have to be
// done after all: the other's client may hang up.
func (t prepared) take(ctx context.Context, u int64, rows extent, s *Scratch) error {
	for {
		mine, done := t.claimUnit(u, func() bool { return t.wanted(rows) })
		if mine {
			return t.run(ctx, u, s)
		}
		if done == nil {
			return nil
		}
		if err := t.sit(ctx, done); err != nil {
			return err
		}
	}
}

func (t prepared) full() error {
	u, of := t.keeper.store.Usage(), t.table.Load().Usage()
	return fail(ErrNoSpace, stageRead, u.Dir, "allow it more, free some space, or choose another folder with LOADERD_ROWSTORE",
		"the row store has %d MB of the %d MB that it may take; %s has %d of %d rows there, and all need about %d MB",
		u.Bytes/1e6, u.Allowed/1e6, t.m.object(), of.Stored, of.Rows, of.Needs/1e6)
}

// begun are the rows that count as done with a step: each row does with one.
func (t prepared) begun(step int64) extent {
	begin := func(step int64) int64 {
		switch {
		case step == 0:
			return 0
		case step == t.steps():
			return t.m.rows
		case t.units.count() > 0:
			return t.units.rows(step).whole
		}
		return step * prepareRows
	}
	return extent{begin(step), begin(step + 1)}
}
