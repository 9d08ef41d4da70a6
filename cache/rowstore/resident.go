package rowstore

import (
	"sync"

	"golang.org/x/sys/unix"
)

const (
	samples   = 3  // rows of a batch that are looked at, which costs a microsecond each
	coldCalls = 32 // calls that ask for all rows after one was not in memory
	vecPages  = 64 // pages of a row that are looked at
)

// vectors have room for what the kernel says of the pages of a row.
var vectors = sync.Pool{New: func() any { return new([vecPages]byte) }}

// Prefetch asks the kernel for the rows, all at once, so that the disk works on many instead of one fault after the other. It
// does not wait. As long as rows turn out to be in memory it is nearly free: it only looks at a few. One that is not among
// those makes it ask for all rows, then and for a while.
func (t *Table) Prefetch(rows []int64) {
	if len(rows) == 0 {
		return
	}
	t.touch()
	if !t.sample(rows) {
		t.cold.Store(coldCalls)
	} else if t.cold.Load() <= 0 || t.cold.Add(-1) < 0 {
		return
	}
	for _, row := range rows {
		if b := t.pages(row); len(b) > 0 {
			_ = unix.Madvise(b, unix.MADV_WILLNEED) // a hint
		}
	}
}

// sample says whether some of the rows, other ones each time, are in memory.
func (t *Table) sample(rows []int64) bool {
	vec := vectors.Get().(*[vecPages]byte)
	defer vectors.Put(vec)
	n := min(max(1, len(rows)/32), samples)
	first := int(t.turn.Add(1)) * 7
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
