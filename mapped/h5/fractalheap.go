package h5

import (
	"fmt"
	"sync"
)

// fractalHeap reads the objects of a fractal heap (format specification, III.G): where new-style groups
// keep links, and objects with many attributes keep those. It is immutable but for its blocks, which
// are read on demand.
type fractalHeap struct {
	f          *File
	addr       uint64
	idLen      int
	filterLen  int
	checksums  bool // direct blocks carry one
	maxManaged uint32
	hugeTree   uint64
	width      int
	start      uint64 // size of the smallest block
	maxDirect  uint64
	offLen     int // bytes of an offset within the heap
	lenLen     int // bytes of a managed object's length
	root       uint64
	rows       int // of the root indirect block; 0: the root is a direct block
	filters    pipeline
	rootSize   uint64 // stored size of a filtered root direct block
	rootMask   uint32
	maxBits    int

	// Objects are asked for in the order of their hash, so nearly every one is in another block than
	// the last: blocks are kept, up to a budget.
	mu     sync.Mutex // guards the next two
	blocks map[uint64][]byte
	kept   int
}

const heapKeepBytes = 8 << 20

func (f *File) fractalHeap(addr uint64) (*fractalHeap, error) {
	fixed := 4 + 1 + 2 + 2 + 1 + 4 + 12*f.lenLen + 3*f.offLen + 4*2
	b, err := f.bytes(addr, int64(fixed)+4)
	if err != nil {
		return nil, err
	}
	h := &fractalHeap{f: f, addr: addr}
	c := f.cursor(b)
	if !c.signature("FRHP") || c.u8() != 0 {
		return nil, corrupt("fractal heap: no signature, or unknown version")
	}
	h.idLen, h.filterLen = int(c.u16()), int(c.u16())
	if h.filterLen > 0 {
		if b, err = f.bytes(addr, int64(fixed+f.lenLen+4+h.filterLen)+4); err != nil {
			return nil, err
		}
		c.b = b
	}
	if b, err = f.checksummed(b, "fractal heap"); err != nil {
		return nil, err
	}
	c.b = b
	h.parse(&c)
	if err := h.parseFilters(&c); err != nil {
		return nil, err
	}
	return h, h.check(&c)
}

func (h *fractalHeap) parse(c *cursor) {
	h.checksums = c.u8()&(1<<1) != 0
	h.maxManaged = c.u32()
	c.length() // next huge id
	h.hugeTree = c.addr()
	c.length() // free space
	c.addr()   // its manager
	c.skip(8 * c.lenLen)
	h.width = int(c.u16())
	h.start = c.length()
	h.maxDirect = c.length()
	h.maxBits = int(c.u16())
	c.u16() // starting rows
	h.root = c.addr()
	h.rows = int(c.u16())
	h.offLen = (h.maxBits + 7) / 8
	h.lenLen = min(sizeBytes(h.maxDirect), sizeBytes(uint64(h.maxManaged)))
}

func (h *fractalHeap) parseFilters(c *cursor) error {
	if h.filterLen == 0 {
		return nil
	}
	h.rootSize = c.length()
	h.rootMask = c.u32()
	p, err := parsePipeline(c.take(h.filterLen))
	if err != nil {
		return err
	}
	h.filters = p
	return p.unknown()
}

func (h *fractalHeap) check(c *cursor) error {
	pow2 := func(v uint64) bool { return v != 0 && v&(v-1) == 0 }
	switch {
	case c.bad:
		return corrupt("fractal heap: too short")
	case h.width == 0 || !pow2(uint64(h.width)) || !pow2(h.start) || !pow2(h.maxDirect),
		h.start > h.maxDirect, h.maxDirect > MaxChunkBytes, h.maxBits == 0 || h.maxBits > 64, h.rows > 64:
		return corrupt("fractal heap: impossible table of blocks")
	}
	return nil
}

// get reads the object of an id.
func (h *fractalHeap) get(id []byte) ([]byte, error) {
	if len(id) < 1 {
		return nil, corrupt("fractal heap: empty id")
	}
	switch kind := id[0] >> 4 & 3; {
	case id[0]>>6 != 0:
		return nil, corrupt("fractal heap: unknown version of id")
	case kind == 0:
		return h.managed(id)
	case kind == 1:
		return h.huge(id)
	case kind == 2:
		return h.tiny(id)
	}
	return nil, corrupt("fractal heap: unknown kind of id")
}

func (h *fractalHeap) tiny(id []byte) ([]byte, error) {
	n, at := int(id[0]&15)+1, 1
	if h.idLen > 18 { // lengths above 16 need a second byte
		if len(id) < 2 {
			return nil, corrupt("fractal heap: tiny object")
		}
		n, at = int(id[0]&15)<<8+int(id[1])+1, 2
	}
	if at+n > len(id) {
		return nil, corrupt("fractal heap: tiny object")
	}
	return id[at : at+n], nil
}

func (h *fractalHeap) managed(id []byte) ([]byte, error) {
	c := h.f.cursor(id)
	c.skip(1)
	off, n := c.uint(h.offLen), c.uint(h.lenLen)
	if c.bad || n == 0 || n > h.maxDirect {
		return nil, corrupt("fractal heap: bad id")
	}
	b, at, err := h.direct(off)
	if err != nil {
		return nil, err
	}
	from := off - at
	if from > uint64(len(b)) || n > uint64(len(b))-from {
		return nil, corrupt("fractal heap: an object beyond its block")
	}
	return b[from : from+n], nil
}

// direct reads the direct block that holds heap offset off, and says at which heap offset it starts.
func (h *fractalHeap) direct(off uint64) (b []byte, at uint64, err error) {
	if h.rows == 0 {
		stored := h.start
		if h.filterLen > 0 {
			stored = h.rootSize
		}
		b, err = h.directBlock(heapChild{addr: h.root, size: h.start, stored: stored, mask: h.rootMask})
		return b, 0, err
	}
	addr, rows := h.root, h.rows
	for range maxDepth {
		child, err := h.child(addr, rows, at, off)
		if err != nil {
			return nil, 0, err
		}
		at = child.at
		if child.rows == 0 {
			b, err = h.directBlock(child)
			return b, at, err
		}
		addr, rows = child.addr, child.rows
	}
	return nil, 0, corrupt("fractal heap: indirect blocks nested too deep")
}

// heapChild is one entry of an indirect block.
type heapChild struct {
	addr   uint64
	at     uint64 // heap offset it starts at
	size   uint64
	stored uint64 // bytes in the file: size unless filtered
	mask   uint32
	rows   int // 0: a direct block
}

// rowSize is the size of the blocks in a row of the doubling table.
func (h *fractalHeap) rowSize(row int) uint64 {
	if row == 0 {
		return h.start
	}
	return h.start << (row - 1)
}

// directRows is the number of rows of an indirect block that hold direct blocks.
func (h *fractalHeap) directRows() int {
	n := 1
	for s := h.start; s <= h.maxDirect; s <<= 1 {
		n++
	}
	return n
}

// child reads the indirect block at addr (heap offset base) and picks the entry that holds off.
func (h *fractalHeap) child(addr uint64, rows int, base, off uint64) (heapChild, error) {
	direct := min(rows, h.directRows())
	entry := h.f.offLen
	if h.filterLen > 0 {
		entry += h.f.lenLen + 4
	}
	head := 5 + h.f.offLen + h.offLen
	size := head + h.width*(direct*entry+(rows-direct)*h.f.offLen) + 4
	b, err := h.keep(addr, func() ([]byte, error) {
		b, err := h.f.bytes(addr, int64(size))
		if err != nil {
			return nil, err
		}
		return h.f.checksummed(b, "fractal heap indirect block")
	})
	if err != nil {
		return heapChild{}, err
	}
	c := h.f.cursor(b)
	if !c.signature("FHIB") || c.u8() != 0 || c.addr() != h.addr || c.uint(h.offLen) != base || off < base {
		return heapChild{}, corrupt("fractal heap: not the indirect block that was referred to")
	}
	rel := off - base
	for row := range rows {
		bs := h.rowSize(row)
		if span := bs * uint64(h.width); rel >= span {
			rel -= span
			base += span
			c.skip(h.width * pick(row < direct, entry, h.f.offLen))
			continue
		}
		col := rel / bs
		c.skip(int(col) * pick(row < direct, entry, h.f.offLen))
		return h.entry(&c, row, row < direct, base+col*bs)
	}
	return heapChild{}, corrupt("fractal heap: an offset beyond the heap")
}

func (h *fractalHeap) entry(c *cursor, row int, direct bool, at uint64) (heapChild, error) {
	k := heapChild{addr: c.addr(), at: at, size: h.rowSize(row)}
	k.stored = k.size
	if direct && h.filterLen > 0 {
		k.stored, k.mask = c.length(), c.u32()
	}
	if c.bad || k.addr == undefAddr {
		return k, corrupt("fractal heap: an object in a block that is not there")
	}
	if !direct {
		// An indirect block of this size has as many rows as add up to it.
		for sum := uint64(0); sum < k.size && k.rows < 64; k.rows++ {
			sum += h.rowSize(k.rows) * uint64(h.width)
		}
	}
	return k, nil
}

// keep gives the block at addr, from memory or from read.
func (h *fractalHeap) keep(addr uint64, read func() ([]byte, error)) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b, ok := h.blocks[addr]; ok {
		return b, nil
	}
	b, err := read()
	if err != nil {
		return nil, err
	}
	if h.kept += len(b); h.kept > heapKeepBytes || h.blocks == nil {
		h.blocks, h.kept = map[uint64][]byte{}, len(b)
	}
	h.blocks[addr] = b
	return b, nil
}

// directBlock is readDirect through keep.
func (h *fractalHeap) directBlock(k heapChild) ([]byte, error) {
	return h.keep(k.addr, func() ([]byte, error) { return h.readDirect(k.addr, k.at, k.size, k.stored, k.mask) })
}

func (h *fractalHeap) readDirect(addr, at, size, stored uint64, mask uint32) ([]byte, error) {
	if size > h.maxDirect || stored > uint64(h.f.size) {
		return nil, corrupt("fractal heap: block too large")
	}
	b, err := h.f.bytes(addr, int64(stored))
	if err != nil {
		return nil, err
	}
	if h.filterLen > 0 {
		if b, err = h.unpack(b, size, mask); err != nil {
			return nil, err
		}
	}
	c := h.f.cursor(b)
	if !c.signature("FHDB") || c.u8() != 0 || c.addr() != h.addr || c.uint(h.offLen) != at {
		return nil, corrupt("fractal heap: not the direct block that was referred to")
	}
	if h.checksums {
		return b, h.directChecksum(b, c.pos)
	}
	return b, nil
}

// directChecksum verifies a direct block, whose checksum is computed with its own field zeroed.
func (h *fractalHeap) directChecksum(b []byte, at int) error {
	if at+4 > len(b) {
		return corrupt("fractal heap: direct block too short")
	}
	var field, zero [4]byte
	copy(field[:], b[at:])
	copy(b[at:], zero[:])
	sum := lookup3(b)
	copy(b[at:], field[:])
	if !h.f.trusting && sum != uint32(field[0])|uint32(field[1])<<8|uint32(field[2])<<16|uint32(field[3])<<24 {
		return corrupt("fractal heap direct block: wrong checksum")
	}
	return nil
}

// huge reads an object that has its own space in the file: the id holds its address, or a key
// into a B-tree of addresses.
func (h *fractalHeap) huge(id []byte) ([]byte, error) {
	c := h.f.cursor(id)
	c.skip(1)
	filtered := h.filterLen > 0
	inID := h.f.offLen + h.f.lenLen
	if filtered {
		inID += 4 + h.f.lenLen
	}
	if h.idLen-1 >= inID {
		return h.hugeAt(&c, filtered)
	}
	key := c.uint(min(h.idLen-1, h.f.lenLen))
	if c.bad {
		return nil, corrupt("fractal heap: huge object")
	}
	t, err := h.f.btree2(h.hugeTree)
	if err != nil {
		return nil, err
	}
	var out []byte
	found := false
	err = t.each(func(rec []byte) error {
		c := h.f.cursor(rec)
		c.skip(inID)
		if found || c.length() != key || c.bad {
			return nil
		}
		found = true
		c.pos = 0
		var err error
		out, err = h.hugeAt(&c, filtered)
		return err
	})
	if err == nil && !found {
		err = corrupt("fractal heap: a huge object that is not in the tree")
	}
	return out, err
}

func (h *fractalHeap) hugeAt(c *cursor, filtered bool) ([]byte, error) {
	addr, n := c.addr(), c.length()
	var mask uint32
	size := n
	if filtered {
		mask, size = c.u32(), c.length()
	}
	if c.bad || n > uint64(h.f.size) || size > MaxChunkBytes {
		return nil, corrupt(fmt.Sprintf("fractal heap: huge object of %d bytes", size))
	}
	b, err := h.f.bytes(addr, int64(n))
	if err != nil || !filtered {
		return b, err
	}
	return h.unpack(b, size, mask)
}

// unpack undoes the heap's filters.
func (h *fractalHeap) unpack(b []byte, size uint64, mask uint32) ([]byte, error) {
	if err := h.filters.plausible(int64(size), int64(len(b))); err != nil {
		return nil, err
	}
	s := borrow()
	defer giveBack(s)
	out := make([]byte, size)
	return out, h.filters.decode(out, b, mask, s)
}

func pick(cond bool, a, b int) int {
	if cond {
		return a
	}
	return b
}
