package h5

import "fmt"

// readBTree1 reads the index of layout version 3: keys are stored size, filter mask, and the offsets in
// elements along each axis and within the element.
func (b *tableBuilder) readBTree1() error {
	dims := b.d.lay.dims
	w := btree1{f: b.d.f, kind: 1, keyLen: 8 + 8*(len(dims)+1), visited: map[uint64]bool{}}
	var coords [maxRank]uint64
	return w.walk(b.d.lay.addr, func(key []byte, child uint64) error {
		c := cursor{b: key}
		size, mask := c.u32(), c.u32()
		for k, d := range dims {
			x := c.u64()
			if x%uint64(d) != 0 {
				return corrupt(fmt.Sprintf("a chunk at element %d of axis %d, of chunks of %d", x, k, d))
			}
			coords[k] = x / uint64(d)
		}
		n := b.number(func(k int) uint64 { return coords[k] })
		return b.add(n, child, uint64(size), mask)
	})
}

func (b *tableBuilder) readSingle() error {
	size, mask := uint64(b.d.chunkBytes), uint32(0)
	if len(b.d.pipe) > 0 && b.d.lay.oneSize > 0 {
		size, mask = b.d.lay.oneSize, b.d.lay.oneMask
	}
	if b.t.n != 1 {
		return corrupt(fmt.Sprintf("an index of one chunk for %d", b.t.n))
	}
	return b.add(0, b.d.lay.addr, size, mask)
}

// readImplicit: chunks follow one another, unfiltered.
func (b *tableBuilder) readImplicit() error {
	size := uint64(b.d.chunkBytes)
	if err := b.planSlots(); err != nil {
		return err
	}
	if b.slots > b.d.f.size/int64(size) {
		return corrupt("more chunks than the file can hold")
	}
	for i := range b.slots {
		if err := b.add(b.slot(i), b.d.lay.addr+uint64(i)*size, size, 0); err != nil {
			return err
		}
	}
	return nil
}

// entries decodes the elements of fixed and extensible arrays: an address, and, of filtered chunks,
// the stored size and the filter mask.
type entries struct {
	b        *tableBuilder
	size     int // bytes of an entry
	sizeLen  int // bytes of the stored size, 0 when not filtered
	filtered bool
}

func (b *tableBuilder) entries(client uint8, size int) (entries, error) {
	e := entries{b: b, size: size, filtered: client == 1}
	want := b.d.f.offLen
	if e.filtered {
		e.sizeLen = size - want - 4
		want = size
	}
	if client > 1 || size != want || e.sizeLen < 0 || e.sizeLen > 8 || (e.filtered && e.sizeLen == 0) {
		return e, corrupt(fmt.Sprintf("chunk index: entries of %d bytes for client %d", size, client))
	}
	return e, nil
}

// add decodes n entries, for the slots from first on.
func (e entries) add(c *cursor, first int64, n int) error {
	for i := range n {
		addr, size, mask := c.addr(), uint64(e.b.d.chunkBytes), uint32(0)
		if e.filtered {
			size, mask = c.uint(e.sizeLen), c.u32()
		}
		if c.bad {
			return corrupt("chunk index: too short")
		}
		slot := first + int64(i)
		if slot >= e.b.slots {
			return nil // blocks are allocated whole
		}
		if err := e.b.add(e.b.slot(slot), addr, size, mask); err != nil {
			return err
		}
	}
	return nil
}

// readBTree2: records of scaled coordinates, with size and mask when filtered.
func (b *tableBuilder) readBTree2() error {
	t, err := b.d.f.btree2(b.d.lay.addr)
	if err != nil {
		return err
	}
	rank := len(b.d.lay.dims)
	var sizeLen int
	switch t.kind {
	case 10:
		if t.recSize != b.d.f.offLen+8*rank {
			return corrupt("chunk index: records of a wrong size")
		}
	case 11:
		sizeLen = t.recSize - b.d.f.offLen - 4 - 8*rank
		if sizeLen < 1 || sizeLen > 8 {
			return corrupt("chunk index: records of a wrong size")
		}
	default:
		return corrupt(fmt.Sprintf("B-tree of type %d where chunks belong", t.kind))
	}
	return t.each(func(rec []byte) error {
		c := b.d.f.cursor(rec)
		addr, size, mask := c.addr(), uint64(b.d.chunkBytes), uint32(0)
		if sizeLen > 0 {
			size, mask = c.uint(sizeLen), c.u32()
		}
		n := b.number(func(int) uint64 { return c.u64() })
		return b.add(n, addr, size, mask)
	})
}
