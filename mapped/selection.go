package mapped

import (
	"iter"
	"math/bits"
)

// selection is the rows of one store that a filter keeps, in the order of the
// file: a bit a row, and a directory that finds the k-th kept row in a few steps.
// It takes 0.15 bytes a row. nil keeps every row.
type selection struct {
	keep bitset
	kept int64
	// ranks holds, per block of rows, how many rows are kept before it.
	ranks []int64
	// hints holds the block of every selectStep-th kept row, and last the number of blocks.
	hints []uint32
}

const (
	selectBlock = 512 // rows of a block: 8 words of the bitmap
	selectStep  = 512 // kept rows between two hints
)

// newSelection takes the bitmap of a store of rows rows; bits past them must be 0. It is nil
// when the bitmap keeps every row.
func newSelection(keep bitset, rows int64) *selection {
	s := &selection{keep: keep}
	const words = selectBlock / 64
	for from := 0; from < len(keep); from += words {
		s.ranks = append(s.ranks, s.kept)
		for _, w := range keep[from:min(from+words, len(keep))] {
			s.kept += int64(bits.OnesCount64(w))
		}
		for int64(len(s.hints))*selectStep < s.kept {
			s.hints = append(s.hints, uint32(from/words))
		}
	}
	if s.kept == rows {
		return nil
	}
	s.hints = append(s.hints, uint32(len(s.ranks)))
	return s
}

// row is the row of the file that is the k-th kept one; 0 ≤ k < kept.
func (s *selection) row(k int64) int64 {
	lo := int(s.hints[k/selectStep])
	hi := min(int(s.hints[k/selectStep+1])+1, len(s.ranks))
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; s.ranks[mid] <= k {
			lo = mid
		} else {
			hi = mid
		}
	}
	left, word := int(k-s.ranks[lo]), lo*(selectBlock/64)
	for n := bits.OnesCount64(s.keep[word]); n <= left; n = bits.OnesCount64(s.keep[word]) {
		left -= n
		word++
	}
	return int64(word)*64 + int64(selectBit(s.keep[word], left))
}

// selectBit is the place of the k-th set bit of w.
func selectBit(w uint64, k int) int {
	at := 0
	for half := 32; half > 0; half /= 2 {
		if n := bits.OnesCount64(w & (1<<half - 1)); n <= k {
			k -= n
			at += half
			w >>= half
		} else {
			w &= 1<<half - 1
		}
	}
	return at
}

// rowSet is the rows of a store, and which of them the collection has.
type rowSet struct {
	rows     int64 // of the file
	selected *selection
}

// kept is how many rows of the store the collection has.
func (r rowSet) kept() int64 {
	if r.selected == nil {
		return r.rows
	}
	return r.selected.kept
}

// has says whether the collection has a row of the file.
func (r rowSet) has(row int64) bool {
	return r.selected == nil || r.selected.keep[row>>6]>>(row&63)&1 != 0
}

// within counts the rows that the collection has of some of the file's.
func (r rowSet) within(rows extent) (n int64) {
	if r.selected == nil {
		return rows.n()
	}
	for row := rows.from; row < rows.to; row++ {
		if r.has(row) {
			n++
		}
	}
	return n
}

// row is the row of the file that is the k-th of the store; 0 ≤ k < kept.
func (r rowSet) row(k int64) int64 {
	if r.selected == nil {
		return k
	}
	return r.selected.row(k)
}

// all lists the rows of the file that the collection has, in order, and how many come before each.
func (r rowSet) all() iter.Seq2[int64, int64] {
	return func(yield func(k, row int64) bool) {
		if r.selected == nil {
			for row := range r.rows {
				if !yield(row, row) {
					return
				}
			}
			return
		}
		k := int64(0)
		for i, w := range r.selected.keep {
			for ; w != 0; w &= w - 1 {
				if !yield(k, int64(i)*64+int64(bits.TrailingZeros64(w))) {
					return
				}
				k++
			}
		}
	}
}

// newBitset has a bit for each of n rows, all 0.
func newBitset(n int64) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int64) { b[i>>6] |= 1 << (i & 63) }

// and keeps what other has too.
func (b bitset) and(other bitset) {
	for i, w := range other {
		b[i] &= w
	}
}

func (b bitset) or(other bitset) {
	for i, w := range other {
		b[i] |= w
	}
}

// not turns the bits of n rows around, and leaves those past them 0.
func (b bitset) not(n int64) {
	for i := range b {
		b[i] = ^b[i]
	}
	if rest := n & 63; rest != 0 {
		b[len(b)-1] &= 1<<rest - 1
	}
}
