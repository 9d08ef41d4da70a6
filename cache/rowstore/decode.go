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
		s.columnsInto(idx, maxColumns, false)
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
	size, w, t := s.dtype.Size(), s.walk(), s.table(bytesOf(table[:]))
	for lo := 0; lo < s.n; lo += blockValues {
		n := min(blockValues, s.n-lo)
		w.next(idx[:n])
		s.stored(bytesOf(vals[:])[:n*size], &t, lo, n)
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
	size, t := s.dtype.Size(), s.table(bytesOf(table[:]))
	s.stored(dst, &t, 0, s.n)
	for i := range s.exceptions() {
		p, _ := s.exception(i)
		copy(dst[p*size:(p+1)*size], s.elements[i*size:])
	}
}

// table gives what codes stand for. elements, all 0, has room for a dictionary.
func (s *sections) table(elements []byte) codeTable {
	size := s.dtype.Size()
	if s.form != dictionaryForm {
		return newCodeTable(byteTables[s.dtype], size)
	}
	copy(elements[size:], s.dictionary)
	return codeTable{elements: elements[:tableSize*size], size: size, most: uint8(len(s.dictionary) / size)}
}

// stored writes n elements from the one at lo on, without exceptions.
func (s *sections) stored(dst []byte, t *codeTable, lo, n int) {
	size := s.dtype.Size()
	switch s.form {
	case rawForm:
		copy(dst[:n*size], s.values[lo*size:])
	case wordForm:
		widenWords(s.dtype, dst, s.values[2*lo:], n)
	default:
		t.expand(dst, s.values[lo:lo+n], false)
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
