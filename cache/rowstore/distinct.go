package rowstore

import (
	"cmp"
	"slices"
)

const (
	slotBits    = 12
	slots       = 1 << slotBits
	maxDistinct = slots / 4 // more are not worth a dictionary
	leftOut     = tableSize // in place of a code
)

// A slot counts how often a row has an element.
type slot struct {
	bits  uint64
	count uint32
	turn  uint32 // of the row that took it
}

// distinct counts the distinct elements of a row, in a table that rows use in turn.
type distinct struct {
	turn   uint32
	slots  [slots]slot
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
		t.slots, t.turn = [slots]slot{}, 1
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
	return t.order()
}

func countDistinct[T uint16 | uint32 | uint64](t *distinct, vals []T) bool {
	slotOf := t.slotOf[:len(vals)]
	for i, v := range vals {
		at := hash(uint64(v))
		s := &t.slots[at%slots]
		for s.turn == t.turn && s.bits != uint64(v) {
			at++
			s = &t.slots[at%slots]
		}
		if s.turn != t.turn {
			if len(t.taken) == maxDistinct {
				return false
			}
			*s = slot{uint64(v), 0, t.turn}
			t.taken = append(t.taken, uint16(at%slots))
		}
		s.count++
		slotOf[i] = uint16(at % slots)
	}
	return true
}

// hash mixes the upper half into the lower one, as the lower bits of floats with few digits are 0.
func hash(v uint64) uint {
	return uint((v ^ v>>32) * 0x9e3779b97f4a7c15 >> (64 - slotBits))
}

// order gives the most frequent elements the codes.
func (t *distinct) order() (entries, left int) {
	t.taken = slices.DeleteFunc(t.taken, func(s uint16) bool {
		if t.slots[s].bits == 0 {
			t.codes[s] = 0
		}
		return t.slots[s].bits == 0
	})
	slices.SortFunc(t.taken, func(a, b uint16) int {
		return cmp.Or(cmp.Compare(t.slots[b].count, t.slots[a].count), cmp.Compare(t.slots[a].bits, t.slots[b].bits))
	})
	for i, s := range t.taken {
		t.codes[s] = uint16(min(i+1, leftOut))
		if i >= maxEntries {
			left += int(t.slots[s].count)
		}
	}
	return min(len(t.taken), maxEntries), left
}

// useDictionary fills dictionary, codes and exceptions from what was counted.
func (c *chooser) useDictionary(size int) {
	t := &c.distinct
	for _, s := range t.taken[:min(len(t.taken), maxEntries)] {
		for i := range size {
			c.dictionary = append(c.dictionary, byte(t.slots[s].bits>>(8*i)))
		}
	}
	codes := c.codes[:len(t.slotOf)]
	for i, s := range t.slotOf {
		code := t.codes[s%slots]
		if code == leftOut {
			c.exceptions = append(c.exceptions, uint32(i))
			code = 0
		}
		codes[i] = byte(code)
	}
}
