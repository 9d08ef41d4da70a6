package h5

import (
	"cmp"
	"fmt"
	"slices"
)

// globalHeap reads variable-length values: collections of small objects (format specification,
// III.E). One reader serves one call; it keeps the collections last met, since neighbouring elements
// lie in the same one.
type globalHeap struct {
	f    *File
	open map[uint64]*collection
	kept int
	last *collection // of the last call, at lastAddr
	at   uint64
	buf  []byte
}

// collection is one block of the heap. Its bytes are a string, of which objects are substrings.
type collection struct {
	b     string
	spans []span // by index
}

type span struct {
	index uint16
	at, n int
}

const (
	collectionKeepBytes = 8 << 20
	// collectionBytes is what libhdf5 takes for a collection, unless an object needs more.
	collectionBytes = 4096
	spanBytes       = 24
)

func (h *globalHeap) get(addr uint64, index uint32) (string, error) {
	if h.last == nil || h.at != addr {
		k, ok := h.open[addr]
		if !ok {
			var err error
			if k, err = h.read(addr); err != nil {
				return "", err
			}
			cost := len(k.b) + spanBytes*cap(k.spans)
			if h.kept += cost; h.kept > collectionKeepBytes || h.open == nil {
				h.open, h.kept = map[uint64]*collection{}, cost
			}
			h.open[addr] = k
		}
		h.last, h.at = k, addr
	}
	k := h.last
	s, ok := k.find(index)
	if !ok {
		return "", corrupt(fmt.Sprintf("global heap: no object %d at %#x", index, addr))
	}
	return k.b[s.at : s.at+s.n], nil
}

// find looks where the object is unless others were removed, then everywhere.
func (k *collection) find(index uint32) (span, bool) {
	if i := int(index) - 1; i >= 0 && i < len(k.spans) && uint32(k.spans[i].index) == index {
		return k.spans[i], true
	}
	i, ok := slices.BinarySearchFunc(k.spans, index, func(s span, index uint32) int {
		return cmp.Compare(uint32(s.index), index)
	})
	if !ok {
		return span{}, false
	}
	return k.spans[i], true
}

// read reads a collection; most need one call of the file.
func (h *globalHeap) read(addr uint64) (*collection, error) {
	f := h.f
	head := int64(8 + f.lenLen)
	if err := h.fill(addr, head, collectionBytes); err != nil {
		return nil, err
	}
	c := f.cursor(h.buf)
	if !c.signature("GCOL") || c.u8() != 1 {
		return nil, corrupt(fmt.Sprintf("global heap: no collection at %#x", addr))
	}
	c.skip(3)
	size := c.length()
	if size > uint64(f.size) || size < uint64(head) {
		return nil, corrupt("global heap: impossible size")
	}
	if size > uint64(len(h.buf)) {
		if err := h.fill(addr, int64(size), int64(size)); err != nil {
			return nil, err
		}
	}
	k := &collection{b: string(h.buf[:size])}
	c.b = h.buf[:size]
	c.pad(0, 8)
	if err := k.parse(&c); err != nil {
		return nil, err
	}
	return k, nil
}

// fill reads at least least bytes into buf, and up to most where the file has them.
func (h *globalHeap) fill(addr uint64, least, most int64) error {
	off, err := h.f.abs(addr, least)
	if err != nil {
		return err
	}
	_, err = h.f.ReadAt(grow(&h.buf, int(min(most, h.f.size-off))), off)
	return err
}

func (k *collection) parse(c *cursor) error {
	k.spans = make([]span, 0, len(k.b)/40)
	for c.left() >= 8+c.lenLen {
		index := c.u16()
		c.skip(2 + 4) // reference count, reserved
		n := c.length()
		c.pad(0, 8)
		if index == 0 { // the free space, always last
			break
		}
		if n > uint64(c.left()) {
			return corrupt("global heap: an object beyond its collection")
		}
		k.spans = append(k.spans, span{index: index, at: c.pos, n: int(n)})
		c.skip(min(int(n+7)&^7, c.left()))
	}
	byIndex := func(a, b span) int { return cmp.Compare(a.index, b.index) }
	if !slices.IsSortedFunc(k.spans, byIndex) {
		slices.SortStableFunc(k.spans, byIndex)
	}
	return nil
}
