package rowstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ErrFull is wrapped by what Append says when the budget or the disk has no room.
var ErrFull = errors.New("the row store has no room")

// ErrRecords is wrapped by what Append says of bytes that are not records of the rows given.
var ErrRecords = errors.New("not records of these rows")

// How long appending rests after it failed: there may be room again, or the disk may be well again.
const (
	fullRest  = 5 * time.Second
	errorRest = 30 * time.Second

	complainEvery = 10 * time.Minute
)

func folderOf(path string) string { return filepath.Dir(path) }

// Append keeps rows. records has their records, one behind the other; those of rows that the table has are skipped. Nothing of
// rows or records is kept after the call.
//
// The error wraps ErrFull when the budget or the disk has no room, and then Full is true until there is again. Other errors are
// logged too. Rows that were written before the error are kept, and whatever the table has is served as before.
func (t *Table) Append(rows []int64, records []byte) error {
	list, err := t.split(rows, records)
	if err != nil || len(list) == 0 {
		return err
	}
	if t.Full() {
		return t.fullError(nil)
	}
	t.writing.Lock()
	filled, err := t.append(list, records)
	t.writing.Unlock()
	for _, w := range filled {
		t.sealBehind(w)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EDQUOT):
		t.giveBack()
	}
	return t.rest(err)
}

// giveBack leaves a user whose quota is used up the room of the segment that is being written, so that not everything else that
// the user runs fails, and takes no more.
func (t *Table) giveBack() {
	t.writing.Lock()
	w := t.current
	t.current = nil
	t.writing.Unlock()
	if w != nil {
		t.withdraw(w.g)
		if err := w.abandon(); err != nil && !isGone(err) {
			t.warn("a file of the row store cannot be removed", w.g.name, "error", err)
		}
	}
	t.store.budget.stop()
}

// split finds the records of rows that the table does not have.
func (t *Table) split(rows []int64, records []byte) ([]placed, error) {
	list := make([]placed, 0, len(rows))
	at := 0
	for i, row := range rows {
		n, ok := Length(records[at:])
		if !ok || row < 0 || row >= t.spec.Rows || Row(records[at:]).Number() != row {
			return nil, fmt.Errorf("rowstore: %w: %s of %s, row %d (number %d of the call), byte %d", ErrRecords,
				t.spec.Matrix, t.spec.Source, row, i, at)
		}
		if !t.Has(row) {
			list = append(list, placed{row, at})
		}
		at += n
	}
	if at != len(records) {
		return nil, fmt.Errorf("rowstore: %w: %s of %s: %d bytes more than %d records", ErrRecords, t.spec.Matrix, t.spec.Source,
			len(records)-at, len(rows))
	}
	return list, nil
}

// append writes records, and returns the writers whose segments are full. t.writing is held.
func (t *Table) append(list []placed, records []byte) (filled []*writer, err error) {
	for len(list) > 0 {
		if t.current == nil {
			n, _ := Length(records[list[0].at:])
			if err := t.begin(alignUp(int64(n), t.unit)); err != nil {
				return filled, err
			}
		}
		if t.current.g.lost.Load() { // somebody has cut the file
			w := t.current
			t.current = nil
			if err := w.abandon(); err != nil && !isGone(err) {
				return filled, err
			}
			continue
		}
		n, err := t.gather(list, records)
		if len(t.run) > 0 {
			if err := t.current.write(t.scratch, t.run); err != nil {
				return filled, err
			}
		}
		list = list[n:]
		switch {
		case errors.Is(err, errNoRoom):
			filled = append(filled, t.current)
			t.current = nil
		case err != nil:
			return filled, err
		}
	}
	return filled, nil
}

// begin begins a segment. The first that a table needs takes in what short sessions have left.
func (t *Table) begin(need int64) error {
	w, err := t.newWriter(need)
	if err != nil {
		return err
	}
	t.current = w
	if t.merged {
		return nil
	}
	t.merged = true
	return t.merge()
}

// gather copies records to t.scratch, each padded to a unit, as long as the segment has room for them, and says how many of
// list are done with.
func (t *Table) gather(list []placed, records []byte) (n int, err error) {
	t.scratch, t.run = t.scratch[:0], t.run[:0]
	for _, p := range list {
		if t.Has(p.row) { // another goroutine was first
			n++
			continue
		}
		size, _ := Length(records[p.at:])
		if err := t.current.reserve(int64(len(t.scratch))+alignUp(int64(size), t.unit), len(t.run)+1); err != nil {
			return n, err
		}
		t.take(p.row, records[p.at:p.at+size])
		n++
	}
	return n, nil
}

// rest keeps a table from appending for a while after err.
func (t *Table) rest(err error) error {
	pause := errorRest
	if isFull(err) || errors.Is(err, ErrFull) || errors.Is(err, errNoAddresses) {
		pause, err = fullRest, t.fullError(err)
	} else {
		err = fmt.Errorf("rowstore: append to %s: %w", t.path(""), err)
	}
	t.retry.Store(t.store.sys.now().Add(pause).UnixNano())
	if t.complain.due(t.store.sys.now(), complainEvery) {
		t.store.log.Warn("rows are not kept for now, and are served from the source", "folder", t.path(""), "source", t.spec.Source, "error", err)
	}
	return err
}

func (t *Table) fullError(cause error) error {
	switch {
	case cause == nil:
		cause = ErrFull
	case !errors.Is(cause, ErrFull):
		cause = fmt.Errorf("%w: %w", ErrFull, cause)
	}
	return fmt.Errorf("rowstore: %s: %w (free some space, raise the budget, or choose another folder with LOADERD_ROWSTORE)", t.store.dir, cause)
}

// Full says whether appending is pointless for now. Every few seconds it finds out anew.
func (t *Table) Full() bool {
	until := t.retry.Load()
	if until == 0 {
		return false
	}
	now := t.store.sys.now()
	if now.UnixNano() < until || !t.retry.CompareAndSwap(until, now.Add(fullRest).UnixNano()) {
		return true
	}
	switch err := t.store.reserve(minStep); {
	case errors.Is(err, ErrFull):
		return true
	case err == nil:
		t.store.budget.give(minStep)
	}
	t.retry.Store(0) // after another error, who appends finds out
	return false
}

// Seal makes what was written durable, and lets other processes see it. An owner calls it when it has been idle.
func (t *Table) Seal() error {
	t.writing.Lock()
	w := t.current
	t.current = nil
	t.writing.Unlock()
	t.sealing.Lock()
	defer t.sealing.Unlock()
	for range cap(t.unsealed) { // until those that fell full before are sealed
		t.unsealed <- struct{}{}
	}
	defer func() {
		for range cap(t.unsealed) {
			<-t.unsealed
		}
	}()
	if w == nil {
		return nil
	}
	return w.seal()
}

// maxUnsealed is how many full segments may wait for the disk. Where rows come faster than it writes, they wait then.
const maxUnsealed = 8

// sealBehind seals a full segment beside the goroutine that filled it, which would otherwise wait for the disk.
func (t *Table) sealBehind(w *writer) {
	t.unsealed <- struct{}{}
	t.store.sealing.Go(func() error {
		defer func() { <-t.unsealed }()
		return w.seal()
	})
}
