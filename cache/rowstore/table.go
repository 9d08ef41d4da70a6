package rowstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Table keeps rows of one matrix. It is used by any number of goroutines.
type Table struct {
	store   *Store
	spec    Spec
	id      tableID
	folder  string // name of its folder
	unit    int64
	opening sync.Once
	failure error // of opening

	rows      addresses
	segments  atomic.Pointer[segments] // replaced under mapping
	damaged   atomic.Int64             // rows and segments found damaged
	look      schedule                 // for segments of others
	used      schedule                 // to say that the table is in use
	retry     atomic.Int64             // Unix time in ns until which appending is pointless; 0: it is not
	complain  schedule                 // that rows are not kept
	residency residency                // of its rows

	users int // guarded by the store's lock

	mapping sync.Mutex // guards what follows
	known   map[string]bool
	use     *os.File // its lock says that somebody has the table open; nil when the folder could not be made

	writing sync.Mutex // guards what follows; taken before mapping
	current *writer
	merged  bool
	scratch []byte // what is being written
	run     []placed

	sealing  sync.Mutex    // held by who waits for all segments to be sealed
	unsealed chan struct{} // has one for each full segment that is being sealed
}

const (
	sealedEnding = ".seg"
	openEnding   = ".open"

	lookEvery = 3 * time.Second
)

func newTable(s *Store, spec Spec) *Table {
	id := spec.id()
	t := &Table{
		store: s, spec: spec, id: id, folder: id.folder(), unit: spec.unit(), rows: newAddresses(spec.Rows),
		known: make(map[string]bool), unsealed: make(chan struct{}, maxUnsealed),
	}
	t.segments.Store(&segments{})
	return t
}

func (t *Table) path(name string) string { return filepath.Join(t.store.root, t.folder, name) }

func (t *Table) open() error {
	t.store.removeOutdated(t)
	t.mapping.Lock()
	defer t.mapping.Unlock()
	if err := t.openFolder(); err != nil {
		if isFull(err) {
			return nil // the folder is made when rows come and there is room
		}
		return dirError(t.path(""), err)
	}
	t.recover()
	t.load(true)
	t.look.postpone(t.store.sys.now(), lookEvery)
	return nil
}

// Close takes back one Table. With the last, what was written is sealed and the rows are gone: none may be used after it.
func (t *Table) Close() {
	if t.store.release(t) {
		_ = t.shut() // it has been logged
	}
}

// shut ends a table that nobody uses.
func (t *Table) shut() error {
	err := t.Seal()
	t.mapping.Lock()
	defer t.mapping.Unlock()
	for _, g := range t.segments.Load().all {
		err = errors.Join(err, g.unmap())
	}
	t.segments.Store(&segments{})
	if t.use != nil {
		t.used.next.Store(0)
		t.touch()
		err = errors.Join(err, t.use.Close())
		t.use = nil
	}
	return err
}

// Row is a row's record, checked. It is false when the table does not have the row: it was not appended, or it was found damaged,
// which is logged, and forgotten. The Row is a view of a mapped file: it is valid until Close, and touching it can fault, so Row and
// all use of what it gives belongs inside [Store.Guard].
//
// It takes no lock and allocates nothing, apart from a look for segments of other processes every few seconds when rows are missed.
func (t *Table) Row(row int64) (Row, bool) {
	r, ok := t.find(row)
	if !ok && t.lookAgain() {
		return t.find(row)
	}
	return r, ok
}

// Expect asks the processor for the head of a row's record, ahead of Row. Heads lie at random places: asked for together
// they come together, where each by itself would be waited for. It looks at nothing and says nothing of the row.
func (t *Table) Expect(row int64) {
	w := t.rows.word(row)
	if w == nil {
		return
	}
	at := w.Load() & addressMask
	if g := t.segments.Load().at(at); at != 0 && g != nil {
		g.expect(int64(at-g.base) * t.unit)
	}
}

func (t *Table) find(row int64) (Row, bool) {
	w := t.rows.word(row)
	if w == nil {
		return nil, false
	}
	v := w.Load()
	if v == 0 {
		return nil, false
	}
	at := v & addressMask
	g := t.segments.Load().at(at)
	if g == nil {
		t.rows.drop(row, at)
		return nil, false
	}
	r := g.record(int64(at-g.base) * t.unit)
	if v&checked != 0 && r != nil {
		return r, true
	}
	if err := t.check(r, row); err != nil {
		t.discard(g, row, at, err)
		return nil, false
	}
	w.CompareAndSwap(v, v|checked)
	return r, true
}

func (t *Table) check(r Row, row int64) error {
	if r == nil {
		return fmt.Errorf("%w: row %d: no record begins there", ErrDamaged, row)
	}
	return r.Check(row, t.spec.DType, t.spec.Cols)
}

// logged is how many damaged rows of a segment are named one by one.
const logged = 16

// discard forgets a damaged row.
func (t *Table) discard(g *segment, row int64, at uint32, err error) {
	if !t.rows.drop(row, at) {
		return // another reader was first
	}
	t.damaged.Add(1)
	switch n := g.damaged.Add(1); {
	case n < logged:
		t.warn("a row of the row store is damaged: it is forgotten, and made anew when it is asked for", g.name, "row", row, "error", err)
	case n == logged:
		t.warn("many rows of this file are damaged: further ones are only counted", g.name, "row", row, "error", err)
	}
}

// forget forgets a segment.
func (t *Table) forget(g *segment, err error) {
	if t.withdraw(g) {
		t.damaged.Add(1)
		t.warn("a file of the row store is forgotten", g.name, "error", err)
	}
}

// withdraw takes the rows of a segment out of the table. Those who have some go on with them. It is false when it was done before.
func (t *Table) withdraw(g *segment) bool {
	if g.lost.Swap(true) {
		return false
	}
	t.mapping.Lock()
	t.segments.Store(t.segments.Load().without(g))
	t.mapping.Unlock()
	t.rows.dropRange(g.base, g.end(t.unit))
	return true
}

func (t *Table) warn(text, name string, args ...any) {
	t.store.log.Warn(text, append([]any{"file", t.path(name + sealedEnding), "source", t.spec.Source, "matrix", t.spec.Matrix}, args...)...)
}

// Has says whether the table has a row. It may still turn out to be damaged.
func (t *Table) Has(row int64) bool { return t.rows.get(row) != 0 }

// Complete says whether the table has all rows.
func (t *Table) Complete() bool { return t.rows.stored.Load() == t.spec.Rows }

// Address grows with the place of a row on disk, so that it sorts rows for locality. 0: the table does not have it.
func (t *Table) Address(row int64) uint64 { return uint64(t.rows.get(row)) * uint64(t.unit) }

// schedule lets one goroutine through at a time, and not again before its time.
type schedule struct{ next atomic.Int64 }

func (s *schedule) due(now time.Time, every time.Duration) bool {
	next := s.next.Load()
	return now.UnixNano() >= next && s.next.CompareAndSwap(next, now.Add(every).UnixNano())
}

func (s *schedule) postpone(now time.Time, d time.Duration) { s.next.Store(now.Add(d).UnixNano()) }
