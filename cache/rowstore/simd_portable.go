//go:build !amd64 || purego

package rowstore

// columns gives the columns of a row.
func (s *sections) columnsInto(idx []int32, _ int, _ bool) { s.walkInto(idx) }

// bound has nothing to gain here.
func (t *codeTable) bound(_ []byte) {}

// expand writes the element of each code.
func (t *codeTable) expand(dst, codes []byte, _ bool) { t.lookup(dst, codes) }

// expandsZeros says whether expand is so fast that it pays to have it write the zeros of a row, too.
func (t *codeTable) expandsZeros() bool { return false }

// place puts codes at their columns; where to is not nil, at what it maps them to.
func place(dst []byte, cols []int32, codes []byte, to []int32) { placeEach(dst, cols, codes, to) }

// rename maps columns.
func rename(cols, to []int32) { renameEach(cols, to) }

func placeWords(dst []uint32, cols []int32, vals []uint32) { scatterWords(dst, cols, vals) }

// filter has no vectors here.
func (k *Kernel) filter(_, _ []int32) (n int, ok bool) { return 0, false }

// widenFloats makes float32 of words.
func widenFloats(dst []float32, words []byte) { widen(dst, words) }

func streams(_ int) bool { return false }

// copyElements copies elements of size bytes; stream: past the caches.
func copyElements(dst, src []byte, _ int, _ bool) { copy(dst, src) }

func drains() bool { return false }

// drain is never called here.
func drain(_ []int32, _, _ []byte) {}

// emit lists the bits of set and clears it.
func emit(idx []int32, set []uint64) { emitBits(idx, set) }

// gapsBetween fills gaps, the first aside, and says whether none is an escape.
func gapsBetween(gaps []byte, idx []int32) bool { return gapsBetweenEach(gaps, idx) }

func bytesOfFloats(codes []byte, vals []float32) { guessFloats(codes, vals) }

// scan sums up bytes, each with the bits of flip turned round, says whether find is among them, and which is the largest.
func scan(b []byte, flip, find byte) (sum uint64, found bool, most byte) {
	return scanEach(b, flip, find)
}

// published has nothing to do here: nothing goes past the caches.
func published(_ bool) {}

func (r Row) prefetch() {}
