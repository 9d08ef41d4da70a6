package rowstore

import (
	"cmp"
	"math/bits"
	"slices"
)

const (
	slotBits    = 12
	slots       = 1 << slotBits
	maxDistinct = slots / 4 // more are not worth a dictionary
	leftOut     = tableSize // in place of a code
)

// distinct counts the distinct elements of a row, in a table that rows use in turn.
type distinct struct {
	turn   uint32
	turns  [slots]uint32 // when a slot was taken last
	bits   [slots]uint64
	counts [slots]uint32
	codes  [slots]uint16 // in the dictionary, or leftOut
	taken  []uint16      // slots, the first ones met first; then the most frequent first
	slotOf []uint16      // of each element
}

// count says how many entries a dictionary of the elements gets, and how many elements it leaves out. When they are too
// many, it leaves out all.
func (t *distinct) count(size int, vals []byte) (entries, left int) {
	n := len(vals) / size
	t.slotOf = slices.Grow(t.slotOf[:0], n)[:n]
	t.taken = t.taken[:0]
	if t.turn++; t.turn == 0 {
		clear(t.turns[:])
		t.turn = 1
	}
	var ok bool
	switch size {
	case 2:
		ok = countDistinct(t, view[uint16](vals))
	case 4:
		ok = countDistinct(t, view[uint32](vals))
	default:
		ok = countDistinct(t, view[uint64](vals))
	}
	if !ok {
		return 0, n
	}
	t.taken = slices.DeleteFunc(t.taken, func(s uint16) bool {
		if t.bits[s] == 0 {
			t.codes[s] = 0
		}
		return t.bits[s] == 0
	})
	slices.SortFunc(t.taken, func(a, b uint16) int {
		return cmp.Or(cmp.Compare(t.counts[b], t.counts[a]), cmp.Compare(t.bits[a], t.bits[b]))
	})
	for i, s := range t.taken {
		t.codes[s] = uint16(min(i+1, leftOut))
		if i >= maxEntries {
			left += int(t.counts[s])
		}
	}
	return min(len(t.taken), maxEntries), left
}

func countDistinct[T uint16 | uint32 | uint64](t *distinct, vals []T) bool {
	slotOf := t.slotOf[:len(vals)]
	for i, v := range vals {
		s := t.find(uint64(v))
		if t.turns[s] != t.turn {
			if len(t.taken) == maxDistinct {
				return false
			}
			t.turns[s], t.bits[s], t.counts[s] = t.turn, uint64(v), 0
			t.taken = append(t.taken, uint16(s))
		}
		t.counts[s]++
		slotOf[i] = uint16(s)
	}
	return true
}

// find gives the slot of an element, which may be free.
func (t *distinct) find(v uint64) int {
	hi, lo := bits.Mul64(v, 0x9e3779b97f4a7c15)
	s := (hi ^ lo) >> (64 - slotBits)
	for t.turns[s%slots] == t.turn && t.bits[s%slots] != v {
		s++
	}
	return int(s % slots)
}

// useDictionary fills dictionary, codes and exceptions from what was counted.
func (c *chooser) useDictionary(size int) {
	t := &c.distinct
	for _, s := range t.taken[:min(len(t.taken), maxEntries)] {
		for i := range size {
			c.dictionary = append(c.dictionary, byte(t.bits[s]>>(8*i)))
		}
	}
	for i, s := range t.slotOf {
		code := t.codes[s]
		if code == leftOut {
			c.exceptions = append(c.exceptions, uint32(i))
			code = 0
		}
		c.codes[i] = byte(code)
	}
}
