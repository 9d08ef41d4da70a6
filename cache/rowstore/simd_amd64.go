//go:build amd64 && !purego

package rowstore

import "golang.org/x/sys/cpu"

// simdLevel is which vector unit kernels use.
type simdLevel uint8

const (
	noSIMD simdLevel = iota
	avx2
	avx512
)

// simd is a variable for the tests' sake.
var simd = detect()

func detect() simdLevel {
	x := &cpu.X86
	switch {
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VNNI && x.HasAVX512VBMI &&
		x.HasAVX512VBMI2 && x.HasBMI2 && x.HasPOPCNT: // Ice Lake, Zen 4 and later
		return avx512
	case x.HasAVX2 && x.HasBMI2 && x.HasPOPCNT:
		return avx2
	}
	return noSIMD
}

// columnsInto gives the columns of a row. Those of vectors are below cols and do not fall, whatever the row's bytes:
// place and filter rely on that. stream: past the caches, as below.
func (s *sections) columnsInto(idx []int32, cols int, stream bool) {
	idx = idx[:len(s.gaps)]
	last := uint32(max(1, cols) - 1)
	switch {
	case simd == noSIMD:
		s.walkInto(idx)
	case simd == avx2:
		columns256(idx, s.gaps, s.escapes, last)
	default:
		columns512(idx, s.gaps, s.escapes, last, stream, constants)
	}
}

// bound finds out what the largest of codes is, where a smaller table would be looked up faster.
func (t *codeTable) bound(codes []byte) {
	if simd == avx512 && t.size == 4 && !t.floats && t.most >= 64 {
		_, _, t.most = scan(codes, 0, 0)
	}
}

// expand writes the element of each code; stream: past the caches.
func (t *codeTable) expand(dst, codes []byte, stream bool) {
	switch {
	case simd == avx512 && t.size == 4:
		t.expand4(view[uint32](dst)[:len(codes)], codes, stream)
	case simd == avx512 && t.size == 2:
		lookupHalves512(view[uint16](dst)[:len(codes)], codes, view[uint16](t.elements), stream)
	case simd == avx2 && t.floats:
		floats256(view[uint32](dst)[:len(codes)], codes, stream)
	default:
		t.lookup(dst, codes)
	}
}

func (t *codeTable) expand4(dst []uint32, codes []byte, stream bool) {
	switch table := view[uint32](t.elements); {
	case t.floats:
		floats512(dst, codes, stream)
	case t.most < 32:
		lookup32(dst, codes, table, stream)
	case t.most < 64:
		lookup64(dst, codes, table, stream)
	default:
		lookup256(dst, codes, table, stream)
	}
}

// expandsZeros says whether expand is so fast that it pays to have it write the zeros of a row, too.
func (t *codeTable) expandsZeros() bool {
	return simd == avx512 && (t.size == 4 || t.size == 2) || simd == avx2 && t.floats
}

// place puts codes at their columns; where to is not nil, at what it maps them to.
func place(dst []byte, cols []int32, codes []byte, to []int32) {
	switch {
	case simd == noSIMD:
		placeEach(dst, cols, codes, to)
	case to == nil:
		place8(dst, cols, codes[:len(cols)])
	default:
		placeMapped8(dst, cols, codes[:len(cols)], to)
	}
}

// rename maps columns.
func rename(cols, to []int32) {
	if simd == avx512 {
		rename512(cols, to)
		return
	}
	renameEach(cols, to)
}

// placeWords puts elements of 4 bytes at their columns.
func placeWords(dst []uint32, cols []int32, vals []uint32) {
	if simd == noSIMD {
		scatterWords(dst, cols, vals)
		return
	}
	place32(dst, cols, vals[:len(cols)])
}

// filter keeps, of the columns of a row, those that the field has, and gives their positions. Both have room for 16 more.
// It is not ok when there are no vectors for it.
func (k *Kernel) filter(cols, positions []int32) (n int, ok bool) {
	if simd != avx512 {
		return 0, false
	}
	return filter512(cols, positions[:len(cols)], k.kept, constants), true
}

// widenFloats makes float32 of words.
func widenFloats(dst []float32, words []byte) {
	if simd == avx512 {
		words512(view[uint32](bytesOf(dst)), words[:2*len(dst)], false)
		return
	}
	widen(dst, words)
}

// streams says whether copyElements can go past the caches.
func streams(size int) bool { return simd == avx512 && size >= 4 }

// copyElements copies elements of size bytes; stream: past the caches.
func copyElements(dst, src []byte, size int, stream bool) {
	if stream && streams(size) {
		n := len(src) / 4
		copy512(view[uint32](dst)[:n], view[uint32](src), true)
		return
	}
	copy(dst, src)
}

// drains says whether there is a drain.
func drains() bool { return simd == avx512 }

// drain lists the columns of a row of codes that have one, and the codes, and clears it. idx has room for exactly these,
// codes for 64 more.
func drain(idx []int32, codes, row []byte) { drain512(idx, codes, row, constants) }

// emit lists the bits of set and clears it.
func emit(idx []int32, set []uint64) {
	if simd == avx512 {
		emit512(idx, set, constants)
		return
	}
	emitBits(idx, set)
}

// gapsBetween fills gaps, the first aside, and says whether none is an escape.
func gapsBetween(gaps []byte, idx []int32) bool {
	if simd == avx512 {
		return gaps512(gaps[:len(idx)], idx)
	}
	return gapsBetweenEach(gaps, idx)
}

// bytesOfFloats cuts the integers in vals to bytes; what it makes of others may differ.
func bytesOfFloats(codes []byte, vals []float32) {
	if simd == avx512 {
		bytesOfFloats512(codes[:len(vals)], vals)
		return
	}
	guessFloats(codes, vals)
}

// scan sums up bytes, each with the bits of flip turned round, says whether find is among them, and which is the largest.
func scan(b []byte, flip, find byte) (sum uint64, found bool, most byte) {
	if simd == noSIMD {
		return scanEach(b, flip, find)
	}
	whole := len(b) &^ 31
	sum, found, most = scan256(b[:whole], flip, find)
	s, f, m := scanEach(b[whole:], flip, find)
	return sum + s, found || f, max(most, m)
}

// published makes what went past the caches visible before anything that is written later.
func published(stream bool) {
	if stream && simd != noSIMD {
		storeFence()
	}
}

// prefetched is how many bytes of a row are asked for: the processor has found out by itself before it is through them.
const prefetched = 16 << 10

func (r Row) prefetch() { prefetch(r[:min(len(r), prefetched)]) }

// laneConstants are what vector code loads.
type laneConstants struct {
	weights [4][16][4]uint8 // of quarter q of 16 gaps, those that lane i is to sum are 1
	bias    [16]int32       // what the gaps up to a lane lack: their bias, and their own columns
	lanes   [16]int32
	bytes   [64]uint8
}

var constants = func() *laneConstants {
	c := new(laneConstants)
	for lane := range 16 {
		for gap := range lane + 1 {
			c.weights[gap/4][lane][gap%4] = 1
		}
		c.bias[lane] = int32(lane+1) * (gapBias + 1)
		c.lanes[lane] = int32(lane)
	}
	for i := range c.bytes {
		c.bytes[i] = uint8(i)
	}
	return c
}()

//go:noescape
func columns512(idx []int32, gaps, escapes []byte, last uint32, stream bool, c *laneConstants)

//go:noescape
func floats512(dst []uint32, codes []byte, stream bool)

//go:noescape
func columns256(idx []int32, gaps, escapes []byte, last uint32)

//go:noescape
func floats256(dst []uint32, codes []byte, stream bool)

//go:noescape
func lookupHalves512(dst []uint16, codes []byte, table []uint16, stream bool)

//go:noescape
func gaps512(gaps []byte, idx []int32) bool

//go:noescape
func bytesOfFloats512(codes []byte, vals []float32)

//go:noescape
func scan256(b []byte, flip, find uint8) (sum uint64, found bool, most uint8)

//go:noescape
func words512(dst []uint32, words []byte, stream bool)

//go:noescape
func copy512(dst, src []uint32, stream bool)

//go:noescape
func lookup32(dst []uint32, codes []byte, table []uint32, stream bool)

//go:noescape
func lookup64(dst []uint32, codes []byte, table []uint32, stream bool)

//go:noescape
func lookup256(dst []uint32, codes []byte, table []uint32, stream bool)

//go:noescape
func filter512(cols, positions []int32, kept []uint64, c *laneConstants) int

//go:noescape
func emit512(idx []int32, set []uint64, c *laneConstants)

//go:noescape
func drain512(idx []int32, codes, row []byte, c *laneConstants)

//go:noescape
func place8(dst []byte, cols []int32, codes []byte)

//go:noescape
func placeMapped8(dst []byte, cols []int32, codes []byte, to []int32)

//go:noescape
func rename512(cols, to []int32)

//go:noescape
func place32(dst []uint32, cols []int32, vals []uint32)

//go:noescape
func prefetch(row []byte)

func storeFence()
