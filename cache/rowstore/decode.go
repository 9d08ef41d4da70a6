package rowstore

// blockValues is how many values are decoded at a time where they are not decoded straight to where they stay.
const blockValues = 256

// Decode gives the row as it is stored: ascending columns, and elements of the row's type, aligned to it. idx has room
// for NNZ() columns and vals for as many elements. It returns how many there are; of a row that was given as a dense one,
// those with any bit set. The row must have passed Check.
func (r Row) Decode(idx []int32, vals []byte) int {
	s := r.mustParse()
	idx, vals = idx[:s.n], vals[:s.n*s.dtype.Size()]
	s.storedAll(vals)
	if s.layout&layoutDense == 0 {
		w := s.walk()
		w.next(idx)
		return s.n
	}
	switch s.dtype.Size() {
	case 1:
		return compactBits(idx, vals)
	case 2:
		return compactBits(idx, view[uint16](vals))
	case 4:
		return compactBits(idx, view[uint32](vals))
	default:
		return compactBits(idx, view[uint64](vals))
	}
}

// DecodeDense gives the whole row: dst holds an element of the row's type for each column, aligned to it. The row must
// have passed Check.
func (r Row) DecodeDense(dst []byte) {
	s := r.mustParse()
	if s.layout&layoutDense != 0 {
		s.storedAll(dst)
		return
	}
	clear(dst)
	var table, vals [tableSize]uint64
	var idx [blockValues]int32
	s.fillTable(bytesOf(table[:]))
	size, w := s.dtype.Size(), s.walk()
	for lo := 0; lo < s.n; lo += blockValues {
		n := min(blockValues, s.n-lo)
		w.next(idx[:n])
		s.stored(bytesOf(vals[:])[:n*size], bytesOf(table[:]), lo, n)
		scatter(size, dst, idx[:n], bytesOf(vals[:]))
	}
	for i := range s.exceptions() {
		_, c := s.exception(i)
		copy(dst[c*size:(c+1)*size], s.elements[i*size:])
	}
}

// storedAll writes all elements, exceptions too, to dst, which is aligned.
func (s *sections) storedAll(dst []byte) {
	var table [tableSize]uint64
	s.fillTable(bytesOf(table[:]))
	s.stored(dst, bytesOf(table[:]), 0, s.n)
	size := s.dtype.Size()
	for i := range s.exceptions() {
		p, _ := s.exception(i)
		copy(dst[p*size:(p+1)*size], s.elements[i*size:])
	}
}

// fillTable copies the dictionary, if there is one, to behind the element without bits.
func (s *sections) fillTable(table []byte) { copy(table[s.dtype.Size():], s.dictionary) }

// stored writes n elements from the one at lo on, without exceptions. table has the dictionary.
func (s *sections) stored(dst, table []byte, lo, n int) {
	size := s.dtype.Size()
	switch s.form {
	case rawForm:
		copy(dst[:n*size], s.values[lo*size:])
	case byteForm:
		lookup(size, dst, s.values[lo:lo+n], byteTables[s.dtype])
	case wordForm:
		widenWords(s.dtype, dst, s.values[2*lo:], n)
	case dictionaryForm:
		lookup(size, dst, s.values[lo:lo+n], table[:tableSize*size])
	}
}

// compactBits keeps elements with any bit set, and lists their columns.
func compactBits[T word](idx []int32, vals []T) int {
	n := 0
	for c, v := range vals {
		vals[n] = v
		idx[n] = int32(c)
		if v != 0 {
			n++
		}
	}
	return n
}

// scatter puts elements of size bytes at their columns of a dense row.
func scatter(size int, dst []byte, idx []int32, vals []byte) {
	switch size {
	case 1:
		scatterWords(dst, idx, vals)
	case 2:
		scatterWords(view[uint16](dst), idx, view[uint16](vals))
	case 4:
		scatterWords(view[uint32](dst), idx, view[uint32](vals))
	case 8:
		scatterWords(view[uint64](dst), idx, view[uint64](vals))
	}
}

func scatterWords[T word](dst []T, idx []int32, vals []T) {
	vals = vals[:len(idx)]
	for i, c := range idx {
		dst[c] = vals[i]
	}
}
