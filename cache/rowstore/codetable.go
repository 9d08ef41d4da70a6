package rowstore

import "bytes"

// A codeTable has the element that each code stands for. Code 0 stands for the one without bits.
type codeTable struct {
	elements []byte // tableSize elements
	size     int    // bytes of an element
	most     uint8  // no code is larger
	floats   bool   // the elements are the codes themselves, as float32
}

func newCodeTable(elements []byte, size int) codeTable {
	return codeTable{elements, size, tableSize - 1, size == 4 && bytes.Equal(elements, byteTables[Float32])}
}

// lookup writes the element of each code.
func (t *codeTable) lookup(dst, codes []byte) {
	switch t.size {
	case 1:
		lookup(dst, codes, t.elements)
	case 2:
		lookup(view[uint16](dst), codes, view[uint16](t.elements))
	case 4:
		lookup(view[uint32](dst), codes, view[uint32](t.elements))
	case 8:
		lookup(view[uint64](dst), codes, view[uint64](t.elements))
	}
}

func lookup[T word](dst []T, codes []byte, table []T) {
	t, dst := (*[tableSize]T)(table), dst[:len(codes)]
	for i, c := range codes {
		dst[i] = t[c]
	}
}

// scatter puts the element of each value of a sparse row at its column.
func (t *codeTable) scatter(dst []byte, s *sections) {
	switch t.size {
	case 1:
		scatterCodes(dst, s, t.elements)
	case 2:
		scatterCodes(view[uint16](dst), s, view[uint16](t.elements))
	case 4:
		scatterCodes(view[uint32](dst), s, view[uint32](t.elements))
	case 8:
		scatterCodes(view[uint64](dst), s, view[uint64](t.elements))
	}
}

func scatterCodes[T word](dst []T, s *sections, table []T) {
	t, codes, w := (*[tableSize]T)(table), s.values[:len(s.gaps)], s.walk()
	c := -1
	for i, g := range s.gaps {
		if g == escape {
			c += w.escaped() + 1
		} else {
			c += int(int8(g)) + gapBias + 1
		}
		dst[c] = t[codes[i]]
	}
}
