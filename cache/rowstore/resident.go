package rowstore

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	samples   = 3  // rows of a batch that are looked at, which costs a microsecond each
	coldCalls = 32 // calls that ask for all rows after one was not in memory
	warmCalls = 64 // calls that look at some after which, if all were in memory,
	warmTurns = 8  // only one of so many calls looks
	vecPages  = 64 // pages of a row that are looked at
)

// vectors have room for what the kernel says of the pages of a row.
var vectors = sync.Pool{New: func() any { return new([vecPages]byte) }}

// residency is what is known of whether a table's rows are in memory.
type residency struct {
	turn atomic.Uint32
	cold atomic.Int32 // calls that still ask for all rows
	warm atomic.Int32 // calls in a row that found what they looked at in memory
}

// look says whether the call with this turn is to look at some rows.
func (r *residency) look(turn uint32) bool {
	return r.warm.Load() < warmCalls || turn%warmTurns == 0
}

// found notes what a call saw, and says whether it is to ask for all rows.
func (r *residency) found(resident bool) (ask bool) {
	if !resident {
		r.warm.Store(0)
		r.cold.Store(coldCalls)
		return true
	}
	if r.warm.Load() < warmCalls {
		r.warm.Add(1)
	}
	return r.cold.Load() > 0 && r.cold.Add(-1) >= 0
}

// Prefetch asks the kernel for the rows, all at once, so that the disk works on many instead of one fault after the other. It
// does not wait. As long as rows turn out to be in memory it is nearly free: it only looks at a few, now and then. One that is not
// among those makes it ask for all rows, then and for a while.
func (t *Table) Prefetch(rows []int64) {
	turn := t.residency.turn.Add(1)
	if len(rows) == 0 || !t.residency.look(turn) {
		return
	}
	t.touch()
	if !t.residency.found(t.sample(rows, int(turn))) {
		return
	}
	for _, row := range rows {
		if b := t.pages(row); len(b) > 0 {
			_ = unix.Madvise(b, unix.MADV_WILLNEED) // a hint
		}
	}
}

// sample says whether some of the rows, other ones each time, are in memory.
func (t *Table) sample(rows []int64, turn int) bool {
	vec := vectors.Get().(*[vecPages]byte)
	defer vectors.Put(vec)
	n := min(max(1, len(rows)/32), samples)
	first := turn * 7
	for i := range n {
		if !resident(t.pages(rows[(first+i*len(rows)/n)%len(rows)]), vec[:]) {
			return false
		}
	}
	return true
}

// pages are those of the mapping that a row probably lies in: its length is only known once it is touched.
func (t *Table) pages(row int64) []byte {
	at := t.rows.get(row)
	if at == 0 {
		return nil
	}
	g := t.segments.Load().at(at)
	if g == nil {
		return nil
	}
	from := int64(at-g.base) * t.unit
	to := min(from+g.usual.Load(), int64(len(g.data)))
	from &^= int64(pageSize - 1)
	if from >= to {
		return nil
	}
	return g.data[from:to]
}
