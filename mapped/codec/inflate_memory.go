//go:build !libdeflate || !cgo

package codec

import (
	"encoding/binary"
	"hash/crc32"
)

// memoryInflater decodes deflate (RFC 1951) from memory to memory, about twice as fast as a library that reads a stream
// byte by byte and keeps a window of its own. It has no verdict on data: what it does not like, or what fails its
// checksum, the library is asked about.
type memoryInflater struct {
	lit   [litSize]entry
	dist  [distSize]entry
	pre   [1 << preBits]entry
	lens  [286 + 30]uint8
	fixed bool // lit and dist are those of fixed blocks
}

// into decodes a zlib stream, or a gzip member that is alone and has a plain header. ok is false when it is neither, is
// damaged, or does not fit into dst; otherwise its checksum was right.
func (f *memoryInflater) into(k Kind, dst, src []byte) (n int, ok bool) {
	switch {
	case k == Zlib && len(src) >= 6 && src[0]&15 == 8 && src[0]>>4 <= 7 && src[1]&32 == 0 &&
		binary.BigEndian.Uint16(src)%31 == 0:
		n, used, ok := f.blocks(dst, src[2:])
		rest := src[2+used:]
		return n, ok && len(rest) >= 4 && binary.BigEndian.Uint32(rest) == adler32(dst[:n])
	case k == Gzip && len(src) >= 18 && src[0] == 0x1f && src[1] == 0x8b && src[2] == 8 && src[3] == 0:
		n, used, ok := f.blocks(dst, src[10:])
		rest := src[10+used:]
		return n, ok && len(rest) == 8 && binary.LittleEndian.Uint32(rest[4:]) == uint32(n) &&
			binary.LittleEndian.Uint32(rest) == crc32.ChecksumIEEE(dst[:n])
	}
	return 0, false
}

// bitReader holds up to 63 bits of input ahead. Past the input's end it gives zeros, and counts them.
type bitReader struct {
	src  []byte
	pos  int
	hold uint64 // n bits, and above them perhaps some that are to come
	n    uint
	over int // bytes read past the end
}

// refill makes n at least 56.
func (r *bitReader) refill() {
	if r.pos+8 <= len(r.src) {
		r.hold |= binary.LittleEndian.Uint64(r.src[r.pos:]) << r.n
		r.pos += int((63 - r.n) >> 3)
		r.n |= 56
		return
	}
	for r.n < 56 {
		if r.pos < len(r.src) {
			r.hold |= uint64(r.src[r.pos]) << r.n
			r.pos++
		} else {
			r.over++
		}
		r.n += 8
	}
}

func (r *bitReader) take(n uint) int {
	v := int(r.hold & (1<<n - 1))
	r.hold >>= n
	r.n -= n
	return v
}

// bad reports whether bits were used that the input does not have.
func (r *bitReader) bad() bool { return r.over > int(r.n>>3) }

// align drops the rest of a byte and what was read ahead, and says where the next byte is.
func (r *bitReader) align() int {
	r.pos += r.over - int(r.n>>3)
	r.hold, r.n, r.over = 0, 0, 0
	return r.pos
}

// blocks decodes all blocks of src into dst, and says how many bytes they gave and how many they are.
func (f *memoryInflater) blocks(dst, src []byte) (made, used int, ok bool) {
	r := bitReader{src: src}
	for final := false; !final; {
		r.refill()
		final = r.take(1) == 1
		switch r.take(2) {
		case 0:
			made, ok = stored(dst, made, &r)
		case 1:
			f.fixedCodes()
			made, ok = f.block(dst, made, &r)
		case 2:
			if ok = f.dynamicCodes(&r); ok {
				made, ok = f.block(dst, made, &r)
			}
		default:
			ok = false
		}
		if !ok || r.bad() {
			return 0, 0, false
		}
	}
	return made, r.align(), true
}

func stored(dst []byte, at int, r *bitReader) (int, bool) {
	from := r.align() + 4
	if from > len(r.src) {
		return at, false
	}
	n := int(binary.LittleEndian.Uint16(r.src[from-4:]))
	if n^0xffff != int(binary.LittleEndian.Uint16(r.src[from-2:])) || n > len(r.src)-from || n > len(dst)-at {
		return at, false
	}
	copy(dst[at:], r.src[from:from+n])
	r.pos = from + n
	return at + n, true
}

// block decodes the symbols of one block: most of them by fast, the last ones with a look at the bounds for each.
func (f *memoryInflater) block(dst []byte, at int, r *bitReader) (_ int, ok bool) {
	at, done, ok := f.fast(dst, at, r)
	for ok && !done {
		r.refill()
		e := f.lit[r.hold&(1<<litBits-1)]
		if e&entrySub != 0 {
			r.take(litBits)
			e = f.lit[e.value()+int(r.hold&(1<<e.code()-1))]
		}
		n := r.take(e.bits()) >> e.code()
		switch {
		case e == 0 || r.bad():
			return at, false
		case e&entryEnd != 0:
			return at, true
		case e&entryLit != 0:
			if at == len(dst) {
				return at, false
			}
			dst[at] = byte(e.value())
			at++
			continue
		}
		n += e.value()
		d := f.dist[r.hold&(1<<distBits-1)]
		if d&entrySub != 0 {
			r.take(distBits)
			d = f.dist[d.value()+int(r.hold&(1<<d.code()-1))]
		}
		from := at - d.value() - r.take(d.bits())>>d.code()
		if d == 0 || from < 0 || n > len(dst)-at || r.bad() {
			return at, false
		}
		for ; n > 0; n-- {
			dst[at] = dst[from]
			at++
			from++
		}
	}
	return at, ok
}

const (
	fastIn  = 16  // two refills of eight bytes
	fastOut = 272 // a literal, a match of 258, and seven bytes that its last step may write behind it
)

// fast is block while fastIn bytes of input and fastOut of output are left. done: the block has ended. It is one function
// because its variables then stay in registers.
func (f *memoryInflater) fast(dst []byte, at int, r *bitReader) (_ int, done, ok bool) {
	src, pos, hold, n := r.src, r.pos, r.hold, r.n
	lit, dist := &f.lit, &f.dist
	lastIn, lastOut := len(src)-fastIn, len(dst)-fastOut
	ok = true
	for pos <= lastIn && at <= lastOut {
		hold |= binary.LittleEndian.Uint64(src[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		e := lit[hold&(1<<litBits-1)]
		if e&entryLit != 0 {
			hold, n = hold>>e.bits(), n-e.bits()
			dst[at] = byte(e.value())
			at++
			// Behind a literal stands a match more often than not.
			if e = lit[hold&(1<<litBits-1)]; e&entryLit != 0 {
				hold, n = hold>>e.bits(), n-e.bits()
				dst[at] = byte(e.value())
				at++
				continue
			}
			hold |= binary.LittleEndian.Uint64(src[pos:]) << (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
		}
		if e&entrySub != 0 {
			hold, n = hold>>litBits, n-litBits
			e = lit[(e.value()+int(hold&(1<<e.code()-1)))%litSize]
			if e&entryLit != 0 {
				hold, n = hold>>e.bits(), n-e.bits()
				dst[at] = byte(e.value())
				at++
				continue
			}
		}
		length := e.value() + int(hold&(1<<e.bits()-1)>>e.code())
		hold, n = hold>>e.bits(), n-e.bits()
		if e&entryEnd != 0 {
			done = true
			break
		}
		d := dist[hold&(1<<distBits-1)]
		if d&entrySub != 0 {
			hold, n = hold>>distBits, n-distBits
			d = dist[(d.value()+int(hold&(1<<d.code()-1)))%distSize]
		}
		back := d.value() + int(hold&(1<<d.bits()-1)>>d.code())
		hold, n = hold>>d.bits(), n-d.bits()
		if e == 0 || d == 0 || back > at {
			ok = false
			break
		}
		from, end := at-back, at+length
		switch {
		case back >= 8:
			binary.LittleEndian.PutUint64(dst[at:], binary.LittleEndian.Uint64(dst[from:]))
			for ; length > 8; length -= 8 {
				at, from = at+8, from+8
				binary.LittleEndian.PutUint64(dst[at:], binary.LittleEndian.Uint64(dst[from:]))
			}
		case length <= 8:
			// Byte by byte: a wider load of bytes that were just written waits for all of them.
			dst[at] = dst[from]
			dst[at+1] = dst[from+1]
			dst[at+2] = dst[from+2]
			for at += 3; at < end; at++ {
				dst[at] = dst[at-back]
			}
		default:
			// What repeats every back bytes does so every step bytes, too.
			b := uint(back)
			v := binary.LittleEndian.Uint64(dst[from:]) & (1<<(8*b&63) - 1)
			v |= v << (8 * b & 63)
			v |= v << (16 * b)
			v |= v << (32 * b)
			for step := 8 - 8%back; at < end; at += step {
				binary.LittleEndian.PutUint64(dst[at:], v)
			}
		}
		at = end
	}
	r.pos, r.hold, r.n = pos, hold, n
	return at, done, ok
}
