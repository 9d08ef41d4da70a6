package rowstore

import "sync/atomic"

// An address says where a record is, in units of the table, over all its segments one behind the other. None begins at 0,
// which stands for a row that is not there. The highest bit of what is kept remembers that the record was checked: it is
// one word with the address, so that the record of a row that was rebuilt never inherits the check of the one before.
const (
	checked     = 1 << 31
	addressMask = checked - 1

	pageRows = 4096
)

type addressPage [pageRows]atomic.Uint32

// addresses holds the address of each row of a table, 4 bytes a row, in pages that are made as rows come. Readers and
// writers use it without a lock.
type addresses struct {
	rows   int64
	pages  []atomic.Pointer[addressPage]
	stored atomic.Int64
}

func newAddresses(rows int64) addresses {
	return addresses{rows: rows, pages: make([]atomic.Pointer[addressPage], (rows+pageRows-1)/pageRows)}
}

// word is where the address of a row is kept; nil when there is none, or no such row.
func (a *addresses) word(row int64) *atomic.Uint32 {
	if uint64(row) >= uint64(a.rows) {
		return nil
	}
	p := a.pages[row/pageRows].Load()
	if p == nil {
		return nil
	}
	return &p[row%pageRows]
}

// get is the address of a row, 0 when it is not there.
func (a *addresses) get(row int64) uint32 {
	if w := a.word(row); w != nil {
		return w.Load() & addressMask
	}
	return 0
}

// put gives a row its address, unless it has one.
func (a *addresses) put(row int64, address uint32) bool {
	p := &a.pages[row/pageRows]
	if p.Load() == nil {
		p.CompareAndSwap(nil, new(addressPage))
	}
	if !p.Load()[row%pageRows].CompareAndSwap(0, address) {
		return false
	}
	a.stored.Add(1)
	return true
}

// drop forgets a row, provided that it still has the address given.
func (a *addresses) drop(row int64, address uint32) bool {
	w := a.word(row)
	if w == nil {
		return false
	}
	for {
		v := w.Load()
		if v == 0 || v&addressMask != address {
			return false
		}
		if w.CompareAndSwap(v, 0) {
			a.stored.Add(-1)
			return true
		}
	}
}

// dropRange forgets the rows with addresses in [from, to).
func (a *addresses) dropRange(from, to uint32) {
	for i := range a.pages {
		p := a.pages[i].Load()
		if p == nil {
			continue
		}
		for j := range p {
			if v := p[j].Load() & addressMask; v >= from && v < to {
				a.drop(int64(i)*pageRows+int64(j), v)
			}
		}
	}
}
