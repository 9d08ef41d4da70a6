package mapped

import "slices"

// spill sorts values into buckets by their row: bucket b has those of rows from
// b<<shift. What is put into a bucket stays in order. Full blocks of a bucket go
// to a file; each block points to the one before, so little is kept in memory.
type spill struct {
	size    int // bytes of a value
	shift   uint
	room    int // values of a block
	file    *tempFile
	end     int64
	buckets []bucket
}

type bucket struct {
	n    int64 // values
	last int64 // where the last block in the file begins; -1: none
	buf  []byte
}

const blockHead = 8 // bytes of the place of the block before

// bucketsOf is how many buckets rows fall into.
func bucketsOf(rows int64, shift uint) int64 { return max(rows-1, 0)>>shift + 1 }

func newSpill(file *tempFile, l passLimits, size int, rows int64, shift uint) *spill {
	s := &spill{size: size, shift: shift, file: file, buckets: make([]bucket, bucketsOf(rows, shift))}
	s.room = max(1, (min(l.block, l.spill/len(s.buckets))-blockHead)/s.valueBytes())
	for b := range s.buckets {
		s.buckets[b].last = -1
	}
	return s
}

// valueBytes is what a value takes in a block, with row and column.
func (s *spill) valueBytes() int { return 8 + s.size }

// block shows the parts of a block's memory.
func (s *spill) block(buf []byte) (rows, cols []int32, vals []byte) {
	at := blockHead + 4*s.room
	return view[int32](buf[blockHead:at]), view[int32](buf[at : at+4*s.room]), buf[at+4*s.room:]
}

// add puts values into bucket b. One goroutine at a time.
func (s *spill) add(b int, rows, cols []int32, vals []byte) error {
	to := &s.buckets[b]
	for len(rows) > 0 {
		if to.buf == nil {
			to.buf = alignedBytes(blockHead + s.room*s.valueBytes())
		}
		used := int(to.n % int64(s.room))
		n := min(len(rows), s.room-used)
		toRows, toCols, toVals := s.block(to.buf)
		copy(toRows[used:], rows[:n])
		copy(toCols[used:], cols[:n])
		copy(toVals[used*s.size:], vals[:n*s.size])
		rows, cols, vals = rows[n:], cols[n:], vals[n*s.size:]
		if to.n += int64(n); used+n == s.room {
			if err := s.flush(to); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *spill) flush(b *bucket) error {
	view[int64](b.buf)[0] = b.last
	if err := s.file.write(b.buf, s.end); err != nil {
		return err
	}
	b.last = s.end
	s.end += int64(len(b.buf))
	return nil
}

// each visits the values of bucket b in order, a block at a time. buf is memory
// for blocks. Different buckets may be visited at once.
func (s *spill) each(b int, buf *[]byte, rowsOnly bool, visit func(rows, cols []int32, vals []byte) error) error {
	of := &s.buckets[b]
	places, err := s.places(of)
	if err != nil {
		return err
	}
	mem := grow(buf, blockHead+s.room*s.valueBytes())
	part := mem
	if rowsOnly {
		part = mem[:blockHead+4*s.room]
	}
	for _, at := range places {
		if err := s.file.read(part, at); err != nil {
			return err
		}
		rows, cols, vals := s.block(mem)
		if err := visit(rows, cols, vals); err != nil {
			return err
		}
	}
	if rest := int(of.n % int64(s.room)); rest > 0 {
		rows, cols, vals := s.block(of.buf)
		return visit(rows[:rest], cols[:rest], vals[:rest*s.size])
	}
	return nil
}

// places lists the blocks of a bucket in the file, first to last.
func (s *spill) places(b *bucket) ([]int64, error) {
	out := make([]int64, 0, b.n/int64(s.room))
	head := alignedBytes(blockHead)
	for at := b.last; at >= 0; at = view[int64](head)[0] {
		out = append(out, at)
		if err := s.file.read(head, at); err != nil {
			return nil, err
		}
	}
	slices.Reverse(out)
	return out, nil
}
