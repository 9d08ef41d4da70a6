package h5

import "math/bits"

// Decoding tables of deflate's Huffman codes. A table is indexed by the next bits of input; codes longer
// than the index continue in a subtable.
const (
	litBits  = 11
	distBits = 8
	preBits  = 7
	// A subtable serves two codes at least, so there are no more of them than half the symbols.
	litSize  = 1<<litBits + 288/2<<(maxBits-litBits)
	distSize = 1<<distBits + 32/2<<(maxBits-distBits)
	maxBits  = 15
)

// entry is one slot of a table: bits 0–4 how many bits to consume, 5–7 flags, 8–12 extra bits (of a subtable:
// its index bits), 16–31 a value (a byte, a length's or distance's base, a subtable's start). Zero is a code
// that is not in use.
type entry uint32

const (
	entrySub entry = 1 << 5
	entryEnd entry = 1 << 6
	entryLit entry = 1 << 7
)

func (e entry) bits() uint  { return uint(e & 31) }
func (e entry) extra() uint { return uint(e>>8) & 31 }
func (e entry) value() int  { return int(e >> 16) }

// What each symbol stands for, in the form of an entry without its bits.
var litMeaning, distMeaning = meanings()

func meanings() (lit [288]entry, dist [32]entry) {
	for b := range 256 {
		lit[b] = entryLit | entry(b)<<16
	}
	lit[256] = entryEnd
	base := 3
	for i := range 28 {
		extra := max(0, i/4-1)
		lit[257+i] = entry(base)<<16 | entry(extra)<<8
		base += 1 << extra
	}
	lit[285] = 258 << 16 // 286 and 287 mean nothing
	base = 1
	for i := range 30 {
		extra := max(0, i/2-1)
		dist[i] = entry(base)<<16 | entry(extra)<<8
		base += 1 << extra
	}
	return lit, dist
}

var preMeaning = func() (pre [19]entry) {
	for i := range pre {
		pre[i] = entryLit | entry(i)<<16
	}
	return pre
}()

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
	for sym, n := range lens {
		if n == 0 {
			continue
		}
		c := next[n]
		next[n]++
		rev := int(bits.Reverse16(uint16(c)) >> (16 - n))
		if int(n) <= index {
			for i := rev; i < 1<<index; i += 1 << n {
				table[i] = meaning[sym] | entry(n)*inUse(meaning[sym])
			}
			continue
		}
		low := rev & (1<<index - 1)
		if table[low] == 0 {
			clear(table[end : end+1<<width])
			table[low] = entrySub | entry(end)<<16 | entry(width)<<8 | entry(index)
			end += 1 << width
		}
		start := table[low].value()
		for i := rev >> index; i < 1<<width; i += 1 << (int(n) - index) {
			table[start+i] = meaning[sym] | entry(int(n)-index)*inUse(meaning[sym])
		}
	}
	return true
}

// inUse is 1 unless a symbol means nothing, whose entries must stay zero.
func inUse(e entry) entry {
	if e == 0 {
		return 0
	}
	return 1
}
