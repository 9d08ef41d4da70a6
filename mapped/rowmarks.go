package mapped

import "sync/atomic"

// rowMarks is a bit for each row of a matrix. It takes memory when the first is set. Safe for concurrent use.
type rowMarks struct {
	words atomic.Pointer[[]atomic.Uint64]
}

func (m *rowMarks) has(row int64) bool {
	w := m.words.Load()
	return w != nil && (*w)[row>>6].Load()>>(row&63)&1 != 0
}

// set marks one of so many rows.
func (m *rowMarks) set(row, rows int64) {
	if m.words.Load() == nil {
		words := make([]atomic.Uint64, (rows+63)/64)
		m.words.CompareAndSwap(nil, &words)
	}
	(*m.words.Load())[row>>6].Or(1 << (row & 63))
}
