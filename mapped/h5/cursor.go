package h5

import "encoding/binary"

// undefAddr is HDF5's "no address", whatever the file's size of offsets.
const undefAddr = ^uint64(0)

// cursor decodes little-endian fields of a slice. Reading past the end gives zeros and sets bad, so
// a parser may check once at its end; a loop whose count comes from the file checks each time.
type cursor struct {
	b      []byte
	pos    int
	offLen int // bytes of an address in this file
	lenLen int // bytes of a length in this file
	bad    bool
}

func (f *File) cursor(b []byte) cursor {
	return cursor{b: b, offLen: f.offLen, lenLen: f.lenLen}
}

func (c *cursor) left() int { return len(c.b) - c.pos }

func (c *cursor) take(n int) []byte {
	if n < 0 || n > c.left() {
		c.bad = true
		c.pos = len(c.b)
		return nil
	}
	p := c.b[c.pos : c.pos+n : c.pos+n]
	c.pos += n
	return p
}

func (c *cursor) skip(n int) { c.take(n) }

// pad skips to the next multiple of n from start.
func (c *cursor) pad(start, n int) {
	if r := (c.pos - start) % n; r != 0 {
		c.skip(n - r)
	}
}

func (c *cursor) u8() uint8 {
	if p := c.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if p := c.take(2); p != nil {
		return binary.LittleEndian.Uint16(p)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if p := c.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (c *cursor) u64() uint64 { return c.uint(8) }

// uint reads an unsigned integer of n ≤ 8 bytes.
func (c *cursor) uint(n int) uint64 {
	if n < 0 || n > 8 {
		c.bad = true
		return 0
	}
	var v uint64
	for i, x := range c.take(n) {
		v |= uint64(x) << (8 * i)
	}
	return v
}

func (c *cursor) length() uint64 { return c.uint(c.lenLen) }

func (c *cursor) addr() uint64 {
	v := c.uint(c.offLen)
	if c.offLen < 8 && v == 1<<(8*c.offLen)-1 {
		return undefAddr
	}
	return v
}

// signature consumes four bytes and reports whether they are s.
func (c *cursor) signature(s string) bool { return string(c.take(4)) == s }

// cstring reads up to and including a zero byte.
func (c *cursor) cstring() string {
	for i := c.pos; i < len(c.b); i++ {
		if c.b[i] == 0 {
			s := string(c.b[c.pos:i])
			c.pos = i + 1
			return s
		}
	}
	c.bad = true
	c.pos = len(c.b)
	return ""
}

// sizeBytes is how many bytes the format uses for a number that may be as large as max.
func sizeBytes(max uint64) int {
	n := 1
	for max >>= 8; max != 0; max >>= 8 {
		n++
	}
	return n
}
