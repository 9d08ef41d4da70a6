package h5

import (
	"encoding/binary"
	"hash/adler32"
	"math/bits"
)

// inflater decodes zlib streams (RFC 1950, 1951) whose decoded length is known, from memory to memory: what
// chunks are. Knowing both ends lets it look ahead without asking, which makes it about twice as fast as
// decoders of streams, and it allocates nothing.
type inflater struct {
	lit   [litSize]entry
	dist  [distSize]entry
	pre   [1 << preBits]entry
	lens  [286 + 30]uint8
	fixed bool // lit and dist are those of fixed blocks
}

// bitReader holds up to 63 bits of input ahead. Past the input's end it gives zeros, and counts them.
type bitReader struct {
	src  []byte
	pos  int
	hold uint64
	n    uint // bits in hold
	over int  // bytes read past the end
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

// inflate decodes src, which must fill dst exactly, and verifies the checksum at its end.
func inflate(dst, src []byte, _ []uint32, s *Scratch) error {
	if s.inf == nil {
		s.inf = new(inflater)
	}
	if len(src) < 2 || src[0]&15 != 8 || src[0]>>4 > 7 || (int(src[0])<<8|int(src[1]))%31 != 0 || src[1]&32 != 0 {
		return corrupt("deflate: no zlib header")
	}
	r := bitReader{src: src, pos: 2}
	n, ok := s.inf.blocks(dst, &r)
	if !ok || r.bad() {
		return corrupt("deflate: invalid or truncated stream")
	}
	if n != len(dst) {
		return corrupt("deflate: fewer bytes than the chunk has")
	}
	r.take(r.n & 7)
	r.refill()
	if sum := bits.ReverseBytes32(uint32(r.hold)); sum != adler32.Checksum(dst) || r.over > int(r.n>>3)-4 {
		return corrupt("deflate: wrong checksum")
	}
	return nil
}

// blocks decodes all blocks and returns how many bytes they gave.
func (f *inflater) blocks(dst []byte, r *bitReader) (at int, ok bool) {
	for final := false; !final; {
		r.refill()
		final = r.take(1) == 1
		switch r.take(2) {
		case 0:
			at, ok = stored(dst, at, r)
		case 1:
			f.fixedCodes()
			at, ok = f.block(dst, at, r)
		case 2:
			if !f.dynamicCodes(r) {
				return at, false
			}
			at, ok = f.block(dst, at, r)
		default:
			return at, false
		}
		if !ok || r.bad() {
			return at, false
		}
	}
	return at, true
}

func stored(dst []byte, at int, r *bitReader) (int, bool) {
	r.take(r.n & 7)
	r.refill()
	n := r.take(16)
	if r.take(16) != n^0xffff || r.bad() {
		return at, false
	}
	// Give back the whole bytes that were read ahead.
	from := r.pos - int(r.n>>3) + r.over
	r.hold, r.n, r.over = 0, 0, 0
	if n > len(r.src)-from || n > len(dst)-at {
		return at, false
	}
	copy(dst[at:], r.src[from:from+n])
	r.pos = from + n
	return at + n, true
}

func (f *inflater) fixedCodes() {
	if f.fixed {
		return
	}
	var lens [288]uint8
	for i := range lens {
		switch {
		case i < 144, i >= 280:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		default:
			lens[i] = 7
		}
	}
	build(f.lit[:], litBits, lens[:], litMeaning[:])
	for i := range 32 {
		lens[i] = 5
	}
	build(f.dist[:], distBits, lens[:32], distMeaning[:])
	f.fixed = true
}

// preOrder is the order in which the lengths of the code of lengths are stored.
var preOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (f *inflater) dynamicCodes(r *bitReader) bool {
	f.fixed = false
	nlit, ndist, npre := 257+r.take(5), 1+r.take(5), 4+r.take(4)
	if nlit > 286 || ndist > 30 {
		return false
	}
	var pre [19]uint8
	for i := range npre {
		if i%8 == 0 {
			r.refill()
		}
		pre[preOrder[i]] = uint8(r.take(3))
	}
	if !build(f.pre[:], preBits, pre[:], preMeaning[:]) || !f.readLens(r, nlit+ndist) {
		return false
	}
	return build(f.lit[:], litBits, f.lens[:nlit], litMeaning[:]) &&
		build(f.dist[:], distBits, f.lens[nlit:nlit+ndist], distMeaning[:])
}

func (f *inflater) readLens(r *bitReader, n int) bool {
	for i := 0; i < n; {
		r.refill()
		e := f.pre[r.hold&(1<<preBits-1)]
		if e == 0 || r.bad() {
			return false
		}
		r.take(e.bits())
		v, times := uint8(e.value()), 1
		switch v {
		case 16:
			if i == 0 {
				return false
			}
			v, times = f.lens[i-1], 3+r.take(2)
		case 17:
			v, times = 0, 3+r.take(3)
		case 18:
			v, times = 0, 11+r.take(7)
		}
		if times > n-i {
			return false
		}
		for ; times > 0; times-- {
			f.lens[i] = v
			i++
		}
	}
	return true
}

// block decodes the symbols of one block. While there is room on both sides it takes several steps per
// look at the bounds; the last bytes are taken one at a time.
func (f *inflater) block(dst []byte, at int, r *bitReader) (int, bool) {
	at, done, ok := f.fast(dst, at, r)
	for ok && !done {
		r.refill()
		e := f.lit[r.hold&(1<<litBits-1)]
		if e&entrySub != 0 {
			r.take(litBits)
			e = f.lit[e.value()+int(r.hold&(1<<e.extra()-1))]
		}
		if e == 0 || r.bad() {
			return at, false
		}
		r.take(e.bits())
		switch {
		case e&entryLit != 0:
			if at >= len(dst) {
				return at, false
			}
			dst[at] = byte(e.value())
			at++
			continue
		case e&entryEnd != 0:
			return at, true
		}
		n := e.value() + r.take(e.extra())
		e = f.dist[r.hold&(1<<distBits-1)]
		if e&entrySub != 0 {
			r.take(distBits)
			e = f.dist[e.value()+int(r.hold&(1<<e.extra()-1))]
		}
		if e == 0 {
			return at, false
		}
		r.take(e.bits())
		from := at - e.value() - r.take(e.extra())
		if from < 0 || n > len(dst)-at {
			return at, false
		}
		at = repeatFrom(dst, at, from, n)
	}
	return at, ok
}

// fast is block while 16 bytes of input and 300 of output are left. done: the block has ended.
func (f *inflater) fast(dst []byte, at int, r *bitReader) (_ int, done, ok bool) {
	src, pos, hold, n := r.src, r.pos, r.hold, r.n
	lit, dist := &f.lit, &f.dist
	ok = true
	for pos+16 <= len(src) && at+300 <= len(dst) {
		hold |= binary.LittleEndian.Uint64(src[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		e := lit[hold&(1<<litBits-1)]
		if e&entryLit != 0 {
			// Up to three literals from one refill: 33 bits of 56.
			hold, n = hold>>e.bits(), n-e.bits()
			dst[at] = byte(e >> 16)
			at++
			if e = lit[hold&(1<<litBits-1)]; e&entryLit != 0 {
				hold, n = hold>>e.bits(), n-e.bits()
				dst[at] = byte(e >> 16)
				at++
				if e = lit[hold&(1<<litBits-1)]; e&entryLit != 0 {
					hold, n = hold>>e.bits(), n-e.bits()
					dst[at] = byte(e >> 16)
					at++
					continue
				}
			}
			hold |= binary.LittleEndian.Uint64(src[pos:]) << (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
		}
		if e&entrySub != 0 {
			hold, n = hold>>litBits, n-litBits
			e = lit[(e.value()+int(hold&(1<<e.extra()-1)))%litSize]
			if e&entryLit != 0 {
				hold, n = hold>>e.bits(), n-e.bits()
				dst[at] = byte(e >> 16)
				at++
				continue
			}
		}
		hold, n = hold>>e.bits(), n-e.bits()
		if e&entryEnd != 0 || e == 0 {
			done, ok = e != 0, e != 0
			break
		}
		length := e.value() + int(hold&(1<<e.extra()-1))
		hold, n = hold>>e.extra(), n-e.extra()
		e = dist[hold&(1<<distBits-1)]
		if e&entrySub != 0 {
			hold, n = hold>>distBits, n-distBits
			e = dist[(e.value()+int(hold&(1<<e.extra()-1)))%distSize]
		}
		hold, n = hold>>e.bits(), n-e.bits()
		back := e.value() + int(hold&(1<<e.extra()-1))
		hold, n = hold>>e.extra(), n-e.extra()
		from := at - back
		if from < 0 || e == 0 {
			ok = false
			break
		}
		copyMatch(dst, at, from, length)
		at += length
	}
	r.pos, r.hold, r.n = pos, hold, n
	return at, done, ok
}

// copyMatch copies length ≤ 258 bytes from from to at, as if one by one. It may write seven bytes more.
func copyMatch(dst []byte, at, from, length int) {
	end := at + length
	if at-from >= 8 {
		for ; at < end; at, from = at+8, from+8 {
			binary.LittleEndian.PutUint64(dst[at:], binary.LittleEndian.Uint64(dst[from:]))
		}
		return
	}
	for ; at < end; at, from = at+1, from+1 {
		dst[at] = dst[from]
	}
}
