package rowstore

import "slices"

// Scratch is the working memory of one goroutine. It grows to the largest row it meets; the zero value is ready. It may be
// used with any kernel, by one goroutine at a time.
type Scratch struct {
	idx      []int32 // columns of a row
	vals     []byte  // its values as the field has them
	stored   []byte  // and as the matrix has them
	kept     []byte  // those of a row that its map keeps
	source   []byte  // elements of a record that stand askew
	elements []byte  // exceptions, cast
	table    []byte  // the dictionary, cast: 256 elements
	raw      []byte  // and as stored

	acc []byte   // values by column of the field
	set []uint64 // the columns that have one; clear between rows
}

func (s *Scratch) columns(n int) []int32 {
	if cap(s.idx) < n {
		s.idx = make([]int32, n+n/4)
	}
	return s.idx[:n]
}

func (s *Scratch) bitmap(width int) []uint64 {
	n := (width + 63) / 64
	if cap(s.set) < n {
		s.set = slices.Grow(s.set[:0], n)
	}
	return s.set[:n]
}
