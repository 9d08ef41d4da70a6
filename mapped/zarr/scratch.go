package zarr

import (
	"sync"

	"github.com/loaderd/loaderd/mapped/codec"
)

// Scratch is what decoding needs: buffers that grow to the largest chunk met, and decoders. The zero value is
// ready. One goroutine at a time may use a Scratch, for any arrays of any stores; reusing it is what keeps reading free of
// allocations.
type Scratch struct {
	codec  codec.Scratch
	raw    []byte    // a chunk as stored
	stages [2][]byte // between two codecs
	stored []byte    // a chunk decoded, its axes still in stored order
	whole  []byte    // a shard within a shard
	chunk  []byte    // the last chunk decoded for Rows
	of     *Array    // whose it is
	number int64     // which
	rows   []byte    // records, for Field
}

// scratches lends to calls that take no Scratch, so that reading a thousand small arrays makes one set of decoders.
var scratches = sync.Pool{New: func() any { return new(Scratch) }}

// inflaters serve members of archives.
var inflaters = sync.Pool{New: func() any { return new(codec.Scratch) }}

// poolBytes is how large buffers may be and still go back to the pool.
const poolBytes = 4 << 20

func borrow() *Scratch { return scratches.Get().(*Scratch) }

func giveBack(s *Scratch) {
	s.of = nil
	total := cap(s.raw) + cap(s.stages[0]) + cap(s.stages[1]) + cap(s.stored) + cap(s.whole) + cap(s.chunk) + cap(s.rows)
	if total <= poolBytes {
		scratches.Put(s)
	}
}

func grow(p *[]byte, n int64) []byte {
	if int64(cap(*p)) < n {
		*p = make([]byte, n)
	}
	*p = (*p)[:n]
	return *p
}
