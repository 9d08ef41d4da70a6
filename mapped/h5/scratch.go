package h5

import (
	"sync"

	"github.com/loaderd/loaderd/mapped/codec"
)

// Scratch is what decoding needs: buffers that grow to the largest chunk met, and tables. The zero
// value is ready. One goroutine at a time may use a Scratch, for any datasets of any files; reusing
// it is what keeps reading free of allocations.
type Scratch struct {
	raw    []byte    // a chunk as stored
	stages [2][]byte // between two filters
	chunk  []byte    // the last chunk decoded for Rows
	of     *Dataset  // whose it is
	number int       // which

	rows []byte // compounds, for Field

	codec codec.Scratch
	block []byte // of bits, before they are brought into order
}

// pool lends Scratches to calls that take none, so that reading a thousand small arrays makes one decoder.
var pool = sync.Pool{New: func() any { return new(Scratch) }}

// poolBytes is how large a buffer may be and still go back to the pool.
const poolBytes = 4 << 20

func borrow() *Scratch { return pool.Get().(*Scratch) }

func giveBack(s *Scratch) {
	s.of = nil
	if cap(s.raw)+cap(s.stages[0])+cap(s.stages[1])+cap(s.chunk)+cap(s.rows)+cap(s.block) <= poolBytes {
		pool.Put(s)
	}
}

func grow(p *[]byte, n int) []byte {
	if cap(*p) < n {
		*p = make([]byte, n)
	}
	*p = (*p)[:n]
	return *p
}

func (s *Scratch) stage(i, n int) []byte { return grow(&s.stages[i], n) }
