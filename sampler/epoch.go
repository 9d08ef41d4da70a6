package sampler

import "fmt"

// how says which of an Epoch's fields holds the order.
type how uint8

const (
	byPosition how = iota
	byTable
	byFeistel
)

// Epoch is the order of one epoch: a permutation of [0, N) with random access. It is immutable and safe for
// concurrent use.
type Epoch struct {
	n     int64
	how   how
	table []uint16
	net   feistel
}

// N returns the number of rows, which is the number of positions.
func (e *Epoch) N() int64 { return e.n }

// At returns the row at position pos, in O(1) time. It panics unless 0 ≤ pos < N.
func (e *Epoch) At(pos int64) int64 {
	if pos < 0 || pos >= e.n {
		panic(fmt.Sprintf("sampler: position %d outside [0, %d)", pos, e.n))
	}
	switch e.how {
	case byTable:
		return int64(e.table[pos])
	case byFeistel:
		return int64(e.net.at(uint64(pos)))
	default:
		return pos
	}
}

// Fill sets dst[i] = At(pos + i·stride) for all of dst, at less than half the cost of as many calls of At. It
// panics, before it writes anything, unless stride ≥ 1 and every position is in [0, N). An empty dst asks for no
// position and always passes.
func (e *Epoch) Fill(dst []int64, pos, stride int64) {
	if len(dst) == 0 {
		return
	}
	// Written as a division: the last position itself may not fit an int64.
	if pos < 0 || pos >= e.n || stride < 1 || int64(len(dst)-1) > (e.n-1-pos)/stride {
		panic(fmt.Sprintf("sampler: %d positions from %d by %d leave [0, %d)", len(dst), pos, stride, e.n))
	}
	switch e.how {
	case byTable:
		for i := range dst {
			dst[i] = int64(e.table[pos+int64(i)*stride])
		}
	case byFeistel:
		e.fillFeistel(dst, uint64(pos), uint64(stride))
	default:
		for i := range dst {
			dst[i] = pos + int64(i)*stride
		}
	}
}

func (e *Epoch) fillFeistel(dst []int64, pos, stride uint64) {
	for len(dst) >= lanes {
		e.net.at4(dst[:lanes], pos, stride)
		dst = dst[lanes:]
		pos += lanes * stride // past the end after the last lane; unsigned, and then unused
	}
	for i := range dst {
		dst[i] = int64(e.net.at(pos + uint64(i)*stride))
	}
}

// Rows appends the rows of one rank's batch to dst: its own rows and, last, the pad row if it has one.
func (e *Epoch) Rows(dst []int64, b Batch) []int64 {
	own := b.N - b.Pad
	from := len(dst)
	dst = append(dst, make([]int64, b.N)...)
	e.Fill(dst[from:from+own], b.Pos, b.Stride)
	if b.Pad > 0 {
		dst[from+own] = e.At(b.First)
	}
	return dst
}
