package rowstore

import (
	"sync"

	"golang.org/x/sys/unix"
)

const (
	samples   = 8   // rows that are looked at where all were in memory the last times
	coldCalls = 256 // calls that look at each row after one was not
	vecPages  = 64  // pages of a row that are looked at
)

// vectors have room for what the kernel says of the pages of a row.
var vectors = sync.Pool{New: func() any { return new([vecPages]byte) }}

// Prefetch asks the kernel for those of the rows that are not in memory, all at once, so that the disk works on many instead
// of one fault after the other. It does not wait. Where the rows are in memory it is nearly free: it looks at a few.
func (t *Table) Prefetch(rows []int64) {
	vec := vectors.Get().(*[vecPages]byte)
	defer vectors.Put(vec)
	if t.cold.Load() <= 0 {
		if t.sample(rows, vec[:]) {
			return
		}
		t.cold.Store(coldCalls)
	}
	missing := false
	for _, row := range rows {
		b := t.pages(row)
		if len(b) == 0 || resident(b, vec[:]) {
			continue
		}
		missing = true
		_ = unix.Madvise(b, unix.MADV_WILLNEED) // a hint
	}
	if missing {
		t.cold.Store(coldCalls)
	} else {
		t.cold.Add(-1)
	}
}

// sample says whether a few of the rows are in memory.
func (t *Table) sample(rows []int64, vec []byte) bool {
	n := min(samples, len(rows))
	for i := range n {
		if !resident(t.pages(rows[i*len(rows)/n]), vec) {
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
	to := min(from+g.lengths.usual(), int64(len(g.data)))
	from &^= int64(pageSize - 1)
	if from >= to {
		return nil
	}
	return g.data[from:to]
}
