package h5

import (
	"math"
	"math/bits"
)

// page reads n entries with a checksum of their own. A data block too long for one checksum is cut into
// such pages, with a bit for each that was ever written.
func (e entries) page(addr uint64, first int64, n int) error {
	if err := e.b.once(addr); err != nil {
		return err
	}
	b, err := e.b.d.f.bytes(addr, int64(n)*int64(e.size)+4)
	if err != nil {
		return err
	}
	if b, err = e.b.d.f.checksummed(b, "chunk index page"); err != nil {
		return err
	}
	c := e.b.d.f.cursor(b)
	return e.add(&c, first, n)
}

// readFixed reads a fixed array (format specification, VII.C).
func (b *tableBuilder) readFixed() error {
	f := b.d.f
	head, err := f.bytes(b.d.lay.addr, int64(4+1+1+1+1+f.lenLen+f.offLen+4))
	if err != nil {
		return err
	}
	if head, err = f.checksummed(head, "fixed array"); err != nil {
		return err
	}
	c := f.cursor(head)
	if !c.signature("FAHD") || c.u8() != 0 {
		return corrupt("fixed array: no signature, or unknown version")
	}
	client := c.u8()
	e, err := b.entries(client, int(c.u8()))
	if err != nil {
		return err
	}
	pageBits, n, block := c.u8(), c.length(), c.addr()
	if err := b.planSlots(); err != nil {
		return err
	}
	if n != uint64(b.slots) {
		return corrupt("fixed array: not as many entries as chunks")
	}
	if block == undefAddr {
		return nil
	}
	if pageBits < 32 && n > 1<<pageBits {
		return b.fixedPages(e, block, client, int64(1)<<pageBits)
	}
	return b.fixedBlock(e, block, client)
}

func (b *tableBuilder) fixedBlock(e entries, addr uint64, client uint8) error {
	f := b.d.f
	prefix := 4 + 1 + 1 + f.offLen
	blk, err := f.bytes(addr, int64(prefix)+b.slots*int64(e.size)+4)
	if err != nil {
		return err
	}
	if blk, err = f.checksummed(blk, "fixed array block"); err != nil {
		return err
	}
	c := f.cursor(blk)
	if !c.signature("FADB") || c.u8() != 0 || c.u8() != client || c.addr() != b.d.lay.addr {
		return corrupt("fixed array: not the block that was referred to")
	}
	return e.add(&c, 0, int(b.slots))
}

func (b *tableBuilder) fixedPages(e entries, addr uint64, client uint8, per int64) error {
	f := b.d.f
	pages := (b.slots + per - 1) / per
	prefix := int64(4+1+1+f.offLen) + (pages+7)/8 + 4
	blk, err := f.bytes(addr, prefix)
	if err != nil {
		return err
	}
	if blk, err = f.checksummed(blk, "fixed array block"); err != nil {
		return err
	}
	c := f.cursor(blk)
	if !c.signature("FADB") || c.u8() != 0 || c.u8() != client || c.addr() != b.d.lay.addr {
		return corrupt("fixed array: not the block that was referred to")
	}
	written := c.take(int((pages + 7) / 8))
	for p := range pages {
		if !bit(written, int(p)) {
			continue
		}
		n := min(per, b.slots-p*per)
		at := addr + uint64(prefix) + uint64(p)*uint64(per*int64(e.size)+4)
		if err := e.page(at, p*per, int(n)); err != nil {
			return err
		}
	}
	return nil
}

// bit reads a bitmap whose first bit is the most significant of its byte.
func bit(m []byte, i int) bool {
	return i/8 < len(m) && m[i/8]&(0x80>>(i%8)) != 0
}

// extArray is the header of an extensible array (format specification, VII.D) with what follows from
// it. Entries stand in an index block, then in data blocks of growing size: the first of these are named
// by the index block, the rest by super blocks.
type extArray struct {
	b         *tableBuilder
	e         entries
	client    uint8
	addr      uint64
	offBytes  int   // of a block's place in the array
	inIndex   int64 // entries in the index block
	minBlock  int64 // entries of the smallest data block
	minPtrs   int   // of a super block
	pageElems int64 // of a paged data block
	supers    int
	index     uint64
}

func (b *tableBuilder) readExtensible() error {
	f := b.d.f
	a := extArray{b: b, addr: b.d.lay.addr}
	head, err := f.bytes(a.addr, int64(4+1+1+6+6*f.lenLen+f.offLen+4))
	if err != nil {
		return err
	}
	if head, err = f.checksummed(head, "extensible array"); err != nil {
		return err
	}
	c := f.cursor(head)
	if !c.signature("EAHD") || c.u8() != 0 {
		return corrupt("extensible array: no signature, or unknown version")
	}
	a.client = c.u8()
	if a.e, err = b.entries(a.client, int(c.u8())); err != nil {
		return err
	}
	if err := b.planSlots(); err != nil {
		return err
	}
	if err := a.params(&c); err != nil || a.index == undefAddr {
		return err
	}
	return a.indexBlock()
}

func (a *extArray) params(c *cursor) error {
	maxBits, inIndex, minBlock, minPtrs, pageBits := int(c.u8()), c.u8(), c.u8(), c.u8(), c.u8()
	c.skip(6 * c.lenLen) // statistics
	a.index = c.addr()
	pow2 := func(v uint8) bool { return v != 0 && v&(v-1) == 0 }
	if c.bad || maxBits == 0 || maxBits > 64 || !pow2(minBlock) || !pow2(minPtrs) || pageBits == 0 || pageBits > 32 ||
		maxBits < bits.Len8(minBlock)-1 || minPtrs < 2 {
		return corrupt("extensible array: impossible parameters")
	}
	a.offBytes = (maxBits + 7) / 8
	a.inIndex, a.minBlock, a.minPtrs = int64(inIndex), int64(minBlock), int(minPtrs)
	a.pageElems = int64(1) << pageBits
	a.supers = 1 + maxBits - (bits.Len8(minBlock) - 1)
	return nil
}

// shape of super block s: how many data blocks, and how many entries in each.
func (a *extArray) shape(s int) (blocks int64, elems int64) {
	return int64(1) << (s / 2), (int64(1) << ((s + 1) / 2)) * a.minBlock
}

func (a *extArray) open(sign string, addr uint64, size int64) (cursor, error) {
	f := a.b.d.f
	if err := a.b.once(addr); err != nil {
		return cursor{}, err
	}
	blk, err := f.bytes(addr, size)
	if err != nil {
		return cursor{}, err
	}
	if blk, err = f.checksummed(blk, "extensible array block"); err != nil {
		return cursor{}, err
	}
	c := f.cursor(blk)
	if !c.signature(sign) || c.u8() != 0 || c.u8() != a.client || c.addr() != a.addr {
		return c, corrupt("extensible array: not the block that was referred to")
	}
	return c, nil
}

func (a *extArray) indexBlock() error {
	f := a.b.d.f
	firstSuper := 2 * (bits.Len(uint(a.minPtrs)) - 1) // super blocks whose data blocks the index block names
	blocks := 2 * (a.minPtrs - 1)
	supers := max(0, a.supers-firstSuper)
	size := 4 + 1 + 1 + f.offLen + int(a.inIndex)*a.e.size + (blocks+supers)*f.offLen + 4
	c, err := a.open("EAIB", a.index, int64(size))
	if err != nil {
		return err
	}
	if err := a.e.add(&c, 0, int(a.inIndex)); err != nil {
		return err
	}
	number := a.inIndex
	for s := range firstSuper {
		n, elems := a.shape(s)
		for range n {
			if elems > a.pageElems {
				return corrupt("extensible array: pages in a block of the index block")
			}
			if err := a.dataBlock(c.addr(), number, elems, nil, 0); err != nil {
				return err
			}
			number += elems
		}
	}
	for s := firstSuper; s < a.supers && number < a.b.slots; s++ {
		n, elems := a.shape(s)
		if addr := c.addr(); addr != undefAddr {
			if err := a.superBlock(addr, number, n, elems); err != nil {
				return err
			}
		}
		if elems > (math.MaxInt64-number)/n {
			break
		}
		number += n * elems
	}
	if c.bad {
		return corrupt("extensible array: too short")
	}
	return nil
}

func (a *extArray) superBlock(addr uint64, number, blocks, elems int64) error {
	f := a.b.d.f
	var bitmap int64
	if elems > a.pageElems {
		bitmap = (elems/a.pageElems + 7) / 8
	}
	if blocks > f.size || bitmap > f.size {
		return corrupt("extensible array: a super block larger than the file")
	}
	size := int64(4+1+1+f.offLen+a.offBytes) + blocks*(bitmap+int64(f.offLen)) + 4
	c, err := a.open("EASB", addr, size)
	if err != nil {
		return err
	}
	c.skip(a.offBytes)
	maps := c.take(int(blocks * bitmap))
	for i := range blocks {
		if number >= a.b.slots {
			return nil
		}
		// The bits of all data blocks follow one another, whatever the bytes reserved for each.
		if err := a.dataBlock(c.addr(), number, elems, maps, int(i*(elems/a.pageElems))); err != nil {
			return err
		}
		number += elems
	}
	return nil
}

// dataBlock reads elems entries; written's bits from first on say which of its pages exist.
func (a *extArray) dataBlock(addr uint64, number, elems int64, written []byte, first int) error {
	if addr == undefAddr || number >= a.b.slots {
		return nil
	}
	f := a.b.d.f
	prefix := int64(4 + 1 + 1 + f.offLen + a.offBytes)
	if elems <= a.pageElems {
		if elems > f.size {
			return corrupt("extensible array: a data block larger than the file")
		}
		c, err := a.open("EADB", addr, prefix+elems*int64(a.e.size)+4)
		if err != nil {
			return err
		}
		c.skip(a.offBytes)
		return a.e.add(&c, number, int(elems))
	}
	if _, err := a.open("EADB", addr, prefix+4); err != nil {
		return err
	}
	at := addr + uint64(prefix) + 4
	for p := range elems / a.pageElems {
		if bit(written, first+int(p)) {
			if err := a.e.page(at, number+p*a.pageElems, int(a.pageElems)); err != nil {
				return err
			}
		}
		at += uint64(a.pageElems*int64(a.e.size) + 4)
	}
	return nil
}
