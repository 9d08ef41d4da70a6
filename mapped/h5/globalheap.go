package h5

import "fmt"

// globalHeap reads variable-length values: collections of small objects (format specification,
// III.E). One reader serves one call; it keeps the collections last met, since neighbouring elements
// lie in the same one.
type globalHeap struct {
	f    *File
	open map[uint64]*collection
	kept int
}

// collection is one block of the heap. Its bytes are a string, of which objects are substrings.
type collection struct {
	b     string
	spans map[uint16]span
}

type span struct{ at, n int }

const collectionKeepBytes = 8 << 20

func (h *globalHeap) get(addr uint64, index uint32) (string, error) {
	k, ok := h.open[addr]
	if !ok {
		var err error
		if k, err = h.f.collection(addr); err != nil {
			return "", err
		}
		cost := len(k.b) + 32*len(k.spans)
		if h.kept += cost; h.kept > collectionKeepBytes || h.open == nil {
			h.open, h.kept = map[uint64]*collection{}, cost
		}
		h.open[addr] = k
	}
	s, ok := k.spans[uint16(index)]
	if !ok || index > 0xffff {
		return "", corrupt(fmt.Sprintf("global heap: no object %d at %#x", index, addr))
	}
	return k.b[s.at : s.at+s.n], nil
}

func (f *File) collection(addr uint64) (*collection, error) {
	head, err := f.bytes(addr, int64(8+f.lenLen))
	if err != nil {
		return nil, err
	}
	c := f.cursor(head)
	if !c.signature("GCOL") || c.u8() != 1 {
		return nil, corrupt(fmt.Sprintf("global heap: no collection at %#x", addr))
	}
	c.skip(3)
	size := c.length()
	if size > uint64(f.size) || size < uint64(len(head)) {
		return nil, corrupt("global heap: impossible size")
	}
	b, err := f.bytes(addr, int64(size))
	if err != nil {
		return nil, err
	}
	k := &collection{b: string(b), spans: map[uint16]span{}}
	c.b = b
	c.pad(0, 8)
	return k, k.parse(&c)
}

func (k *collection) parse(c *cursor) error {
	for c.left() >= 8+c.lenLen {
		index := c.u16()
		c.skip(2 + 4) // reference count, reserved
		n := c.length()
		c.pad(0, 8)
		if index == 0 { // the free space, always last
			return nil
		}
		if n > uint64(c.left()) {
			return corrupt("global heap: an object beyond its collection")
		}
		k.spans[index] = span{at: c.pos, n: int(n)}
		c.skip(min(int(n+7)&^7, c.left()))
	}
	return nil
}
