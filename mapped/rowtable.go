package mapped

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// rowTable is the place of a matrix in the row store. It opens when rows are first asked for, and fills as they are: who
// misses a row has the chunks decoded that hold it, and writes all rows that these have.
//
// Units of chunks are decoded once, each by one goroutine, different ones at once. Whatever goes wrong, rows come from the source as
// if there were no table.
type rowTable struct {
	m      *matrix
	keeper *rowKeeper
	plain  *part // the matrix as it is stored
	units  units

	opening sync.Once
	failure error                          // of opening; set with it
	table   atomic.Pointer[rowstore.Table] // nil: not open, or cannot be
	refused rowMarks                       // rows that cannot be stored
	asked   rowMarks                       // of a matrix that is read in place: rows that were asked for

	mu     sync.Mutex // guards what follows
	states map[int64]*unitState
}

// unitState is what is known of a unit that is being decoded, or has kept something.
type unitState struct {
	done chan struct{} // closed at the end of the decoding in work; nil: none is
	// kept is set, when the decoding has come so far, of rows that lack other units.
	kept [2]*zone
}

func (st *unitState) has(row int64) bool { return st.kept[0].has(row) || st.kept[1].has(row) }

func newRowTable(k *rowKeeper, m *matrix) *rowTable {
	t := &rowTable{m: m, keeper: k, plain: newPart(m, nil, m.cols, m.dtype()), states: make(map[int64]*unitState)}
	if m.sparse != nil {
		t.units = newSparseUnits(m)
	} else {
		t.units = denseUnits{m, m.dense}
	}
	return t
}

// open finds the table, or begins it; nil where there can be none.
func (t *rowTable) open() *rowstore.Table {
	t.opening.Do(func() {
		v := t.m.env
		if v.identity == "" || !v.identified() {
			t.failure = fail(ErrChanged, stageOpen, t.m.object(), "open the files again", "the file changed while it was opened")
			return
		}
		spec := rowstore.Spec{Source: v.source, Identity: v.identity, Matrix: t.m.path, Rows: t.m.rows, Cols: t.m.cols,
			DType: storedType(t.m.dtype()), NNZ: t.m.nnz}
		if t.m.sparse == nil {
			spec.NNZ = 0
		}
		table, err := t.keeper.store.Table(spec)
		if err != nil {
			slog.Warn("rows are read from the source, for the row store cannot keep them", "object", t.m.object(), "error", err)
			t.failure = failOf(err, ErrNoSpace, stageRead, t.keeper.store.Dir(), "let this user write there, or choose another folder with LOADERD_ROWSTORE",
				"the row store cannot keep rows of %s", t.m.object())
			return
		}
		t.table.Store(table)
	})
	return t.table.Load()
}

// row finds a row; nil where the source has to be read. It is valid until the collection is closed.
func (t *rowTable) row(row int64) rowstore.Row {
	if table := t.table.Load(); table != nil {
		if r, ok := table.Row(row); ok {
			return r
		}
	}
	return nil
}

// expect asks the processor for the head of a row that is about to be looked up.
func (t *rowTable) expect(row int64) {
	if table := t.table.Load(); table != nil {
		table.Expect(row)
	}
}

// prefetch asks for the pages of rows that are about to be read.
func (t *rowTable) prefetch(rows []int64) {
	if table := t.table.Load(); table != nil {
		table.Prefetch(rows)
	}
}

// missing says whether a row is not there and may be.
func (t *rowTable) missing(row int64) bool { return !t.table.Load().Has(row) && !t.refused.has(row) }

// lacks says whether any of some rows is missing.
func (t *rowTable) lacks(rows extent) bool {
	for row := rows.from; row < rows.to; row++ {
		if t.missing(row) {
			return true
		}
	}
	return false
}

// refuse leaves those of the rows that are missing with the source, for as long as the collection is open.
func (t *rowTable) refuse(rows extent) {
	for row := rows.from; row < rows.to; row++ {
		if t.missing(row) {
			t.refused.set(row, t.m.rows)
		}
	}
}

// blocked says that the table takes no rows at present.
func (t *rowTable) blocked() bool { return t.table.Load().Full() }

// forget drops what units have kept, which would only take room while the table is blocked.
func (t *rowTable) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for u, st := range t.states {
		t.settle(u, st, [2]*zone{})
	}
}

// fill has rows written to the table that are missing, as far as that can be. It returns nil or what ends its waiting: the
// context's error, or ErrClosed.
func (t *rowTable) fill(ctx context.Context, rows []int64, s *Scratch) error {
	if t.open() == nil || t.blocked() {
		return nil
	}
	var later, together []int64
	for _, row := range rows {
		wait, err := t.need(ctx, row, s)
		if err != nil {
			return err
		}
		if wait != nil {
			later = append(later, row)
		}
	}
	for _, row := range later {
		if err := t.await(ctx, row, s); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if t.missing(row) && !t.first(row) {
			together = append(together, row)
		}
	}
	t.join(together, s)
	return nil
}

// first says whether a row is asked for the first time, where that matters.
func (t *rowTable) first(row int64) bool {
	if t.m.encoded() || t.asked.has(row) {
		return false
	}
	t.asked.set(row, t.m.rows)
	return true
}

// need decodes the units of a row, but for those that others are at: of these it gives one to wait for.
func (t *rowTable) need(ctx context.Context, row int64, s *Scratch) (wait <-chan struct{}, err error) {
	first, last := t.units.of(row)
	for u := first; u <= last; u++ {
		mine, done := t.claim(u, row)
		if done != nil {
			wait = done
		}
		if !mine {
			continue
		}
		if err := t.run(ctx, u, s); err != nil || t.blocked() {
			return nil, err
		}
	}
	return wait, nil
}

// await is need to the end.
func (t *rowTable) await(ctx context.Context, row int64, s *Scratch) error {
	for t.missing(row) && !t.blocked() {
		wait, err := t.need(ctx, row, s)
		if err != nil || wait == nil {
			return err
		}
		if err := t.sit(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

// sit waits until another has done its unit, or gives up.
func (t *rowTable) sit(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.keeper.closing:
		return errClosed()
	}
}

// claim makes decoding unit u the caller's, if row needs it. done is not nil while another is at it.
func (t *rowTable) claim(u, row int64) (mine bool, done <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := t.states[u]
	switch {
	case st != nil && st.done != nil:
		return false, st.done
	case st != nil && st.has(row), !t.missing(row):
		return false, nil
	case st == nil:
		st = &unitState{}
		t.states[u] = st
	}
	st.done = make(chan struct{})
	return true, nil
}

// claimUnit makes decoding unit u the caller's, if that is wanted and nobody is at it or has been. done is not nil while
// another is at it.
func (t *rowTable) claimUnit(u int64, wanted func() bool) (mine bool, done <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if st := t.states[u]; st != nil {
		return false, st.done
	}
	if t.blocked() || !wanted() {
		return false, nil
	}
	t.states[u] = &unitState{done: make(chan struct{})}
	return true, nil
}

// run decodes a unit that the caller has claimed. Its error is the context's.
func (t *rowTable) run(ctx context.Context, u int64, s *Scratch) error {
	defer t.leave(u)
	n := min(t.units.bytes(), keeperWork)
	if err := t.keeper.work.Acquire(ctx, n); err != nil {
		return err
	}
	defer t.keeper.work.Release(n)
	rows, decoded := t.units.rows(u), false
	defer func() {
		if !decoded { // also when the decoder panics
			t.refuse(extent{rows.left, rows.end})
		}
	}()
	w := newRowWriter(t, s)
	left, right, err := t.units.decode(u, w)
	if err == nil {
		err = w.flush()
	}
	decoded = err == nil || errors.Is(err, errNotStored)
	if err != nil || t.blocked() {
		t.keeper.dropZone(left)
		t.keeper.dropZone(right)
		return nil
	}
	// Rows that are missing now were found damaged meanwhile: who asks for them decodes the unit again.
	t.join(t.publish(u, left, right), s)
	return nil
}

// join writes rows of which all units have kept theirs, and rows that no unit holds. Others it leaves alone.
func (t *rowTable) join(rows []int64, s *Scratch) {
	ready := rows[:0]
	t.mu.Lock()
	for _, row := range rows {
		if t.together(row) {
			ready = append(ready, row)
		}
	}
	t.mu.Unlock()
	if len(ready) == 0 || t.blocked() {
		return
	}
	w := newRowWriter(t, s)
	err := t.units.join(ready, t.kept, w)
	if err == nil {
		err = w.flush()
	}
	if errors.Is(err, errNotStored) {
		return
	}
	for _, row := range ready {
		t.refuse(extent{row, row + 1})
	}
}

// publish shows what unit u has kept, and gives the rows that this may have made whole.
func (t *rowTable) publish(u int64, left, right *zone) (rows []int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle(u, t.states[u], [2]*zone{left, right})
	for _, z := range []*zone{left, right} {
		if z == nil {
			continue
		}
		for row := z.rows.from; row < z.rows.to; row++ {
			if t.missing(row) {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// together says, to who holds mu, whether all units of a row have kept theirs.
func (t *rowTable) together(row int64) bool {
	first, last := t.units.of(row)
	for u := first; u <= last; u++ {
		if st := t.states[u]; st == nil || !st.has(row) {
			return false
		}
	}
	return true
}

// kept are the zones of a unit.
func (t *rowTable) kept(u int64) [2]*zone {
	t.mu.Lock()
	defer t.mu.Unlock()
	if st := t.states[u]; st != nil {
		return st.kept
	}
	return [2]*zone{}
}

// leave ends the decoding of unit u, and drops what no row needs any more, of the units around too.
func (t *rowTable) leave(u int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := t.states[u]
	close(st.done)
	st.done = nil
	from, to := u, u
	rows := t.units.rows(u)
	for _, part := range []extent{{rows.left, rows.whole}, {rows.right, rows.end}} {
		for row := part.from; row < part.to; row++ {
			if first, last := t.units.of(row); first <= last {
				from, to = min(from, first), max(to, last)
			}
		}
	}
	for u := from; u <= to; u++ {
		st := t.states[u]
		if st == nil {
			continue
		}
		kept := st.kept
		for i, z := range kept {
			if z != nil && !t.lacks(z.rows) {
				kept[i] = nil
			}
		}
		t.settle(u, st, kept)
	}
}

// settle leaves a unit with these zones, and forgets it where there is nothing to know. The caller holds mu.
func (t *rowTable) settle(u int64, st *unitState, kept [2]*zone) {
	for i, z := range st.kept {
		if z != kept[i] {
			t.keeper.dropZone(z)
		}
	}
	st.kept = kept
	if st.done == nil && kept == [2]*zone{} {
		delete(t.states, u)
	}
}
