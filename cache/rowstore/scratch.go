package rowstore

// Scratch is the working memory of one goroutine. It grows to the largest row it meets; the zero value is ready. It may be
// used with any kernel, by one goroutine at a time.
type Scratch struct {
	idx       []int32 // columns of a row
	positions []int32 // those of its values that a map keeps
	vals      []byte  // its values as the field has them
	stored    []byte  // and as the matrix has them
	kept      []byte  // and those that a map keeps
	source    []byte  // elements of a record that stand askew
	elements  []byte  // exceptions, cast
	table     []byte  // the dictionary, cast
	raw       []byte  // and as stored

	byColumn []byte   // values by column of the field
	sorted   []byte   // and in the order of these
	set      []uint64 // the columns that have one; clear between rows
	codes    []byte   // codes by column of the field; clear between rows, unless
	soiled   bool     // a fault in the memory of a row kept it from being cleared
}

// slack is how much more than a row vector units may write of columns.
const slack = 16

func (s *Scratch) columns(n int) []int32 { return growColumns(&s.idx, n) }

func growColumns(buf *[]int32, n int) []int32 {
	if cap(*buf) < n+slack {
		*buf = make([]int32, n+n/4+slack)
	}
	return (*buf)[:n]
}

func (s *Scratch) bitmap(width int) []uint64 {
	n := (width + 63) / 64
	if cap(s.set) < n {
		s.set = make([]uint64, n)
	}
	return s.set[:n]
}

// codeRow gives a code for each column, all 0, and some more, to a multiple of 64. Its users clear it again.
func (s *Scratch) codeRow(width int) []byte {
	if s.soiled {
		clear(s.codes[:cap(s.codes)])
		s.soiled = false
	}
	return grow(&s.codes, (width+63)&^63)
}
