//go:build !libdeflate || !cgo

package codec

import "math/bits"

// Decoding tables of deflate's Huffman codes. A table is indexed by the next bits of input; codes longer
// than the index continue in a subtable.
const (
	litBits  = 11
	distBits = 8
	preBits  = 7
	maxBits  = 15
	// A subtable serves two codes at least, so there are no more of them than half the symbols.
	litSize  = 1<<litBits + 288/2<<(maxBits-litBits)
	distSize = 1<<distBits + 32/2<<(maxBits-distBits)
)

// entry is one slot of a table: bits 0–4 how many bits to consume, extra bits included; 5–7 flags; 8–11 how many of them are
// the code (of a subtable: its index bits); 16–31 a value (a byte, a length's or distance's base, a subtable's
// start). Zero is a code that is not in use.
type entry uint32

const (
	entrySub entry = 1 << 5
	entryEnd entry = 1 << 6
	entryLit entry = 1 << 7
)

func (e entry) bits() uint { return uint(e & 31) }
func (e entry) code() uint { return uint(e>>8) & 15 }
func (e entry) value() int { return int(e >> 16) }

// coded completes the meaning of a symbol with the length of its code. What means nothing stays zero.
func (e entry) coded(n int) entry {
	if e == 0 {
		return 0
	}
	return e + entry(n) + entry(n)<<8
}

// What each symbol stands for: an entry that lacks its code.
var litMeaning, distMeaning, preMeaning = meanings()

func meanings() (lit [288]entry, dist [32]entry, pre [19]entry) {
	for b := range 256 {
		lit[b] = entryLit | entry(b)<<16
	}
	lit[256] = entryEnd
	base := 3
	for i := range 28 {
		extra := max(0, i/4-1)
		lit[257+i] = entry(base)<<16 | entry(extra)
		base += 1 << extra
	}
	lit[285] = 258 << 16 // 286 and 287 mean nothing
	base = 1
	for i := range 30 {
		extra := max(0, i/2-1)
		dist[i] = entry(base)<<16 | entry(extra)
		base += 1 << extra
	}
	for i := range pre {
		pre[i] = entryLit | entry(i)<<16
	}
	return lit, dist, pre
}

// build fills a table for a canonical code given its lengths. It accepts what zlib accepts: complete codes,
// no code at all, and a single code of one bit.
func build(table []entry, index int, lens []uint8, meaning []entry) bool {
	var count, next [maxBits + 1]int
	longest := 0
	for _, n := range lens {
		count[n]++
		longest = max(longest, int(n))
	}
	clear(table[:1<<index])
	if longest == 0 {
		return true
	}
	code := 0
	for n := 1; n <= longest; n++ {
		code <<= 1
		next[n] = code
		code += count[n]
	}
	if code != 1<<longest && !(code == 1 && longest == 1) {
		return false
	}
	end, width := 1<<index, max(0, longest-index)
	for sym, length := range lens {
		n := int(length)
		if n == 0 {
			continue
		}
		reversed := int(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		if n <= index {
			for i := reversed; i < 1<<index; i += 1 << n {
				table[i] = meaning[sym].coded(n)
			}
			continue
		}
		low := reversed & (1<<index - 1)
		if table[low] == 0 {
			clear(table[end : end+1<<width])
			table[low] = entrySub | entry(end)<<16 | entry(width)<<8
			end += 1 << width
		}
		start := table[low].value()
		for i := reversed >> index; i < 1<<width; i += 1 << (n - index) {
			table[start+i] = meaning[sym].coded(n - index)
		}
	}
	return true
}

// fixedCodes makes the tables of blocks that bring none.
func (f *memoryInflater) fixedCodes() {
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

// dynamicCodes makes the tables that a block begins with.
func (f *memoryInflater) dynamicCodes(r *bitReader) bool {
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
	return build(f.pre[:], preBits, pre[:], preMeaning[:]) && f.readLens(r, nlit+ndist) &&
		build(f.lit[:], litBits, f.lens[:nlit], litMeaning[:]) &&
		build(f.dist[:], distBits, f.lens[nlit:nlit+ndist], distMeaning[:])
}

func (f *memoryInflater) readLens(r *bitReader, n int) bool {
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
