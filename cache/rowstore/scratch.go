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

	byColumn []byte     // values by column of the field
	sorted   []byte     // and in the order of these
	set      []uint64   // the columns that have one; clear between rows
	codes    clearRow   // codes by column of the field
	row      clearRow   // elements by column of the field
	given    FieldCodes // in place of what the codes of the row in work would be
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

// A clearRow is memory that is all 0 between its uses.
type clearRow struct {
	memory []byte
	inUse  bool // or a fault in the memory of a row kept its user from clearing it
}

// take gives n bytes, all 0, and up to 63 more that are, too.
func (c *clearRow) take(n int) []byte {
	if c.inUse {
		clear(c.memory[:cap(c.memory)])
	}
	c.inUse = true
	return grow(&c.memory, (n+63)&^63)
}

// give takes them back, clear again.
func (c *clearRow) give() { c.inUse = false }
