package mapped

import (
	"slices"
	"strings"
)

// codes are numbers of table entries, -1 for none, in the narrowest type that holds them.
type codes struct {
	width int // bytes of a code
	b     []byte
}

// newCodes holds n codes below k.
func newCodes(n, k int) codes {
	width := 4
	switch {
	case k <= 1<<7:
		width = 1
	case k <= 1<<15:
		width = 2
	}
	return codes{width, alignedBytes(n * width)}
}

func (c codes) at(i int64) int32 {
	switch c.width {
	case 1:
		return int32(int8(c.b[i]))
	case 2:
		return int32(int16(uint16(c.b[2*i]) | uint16(c.b[2*i+1])<<8))
	}
	return view[int32](c.b)[i]
}

func (c codes) set(i int, code int32) {
	switch c.width {
	case 1:
		c.b[i] = byte(code)
	case 2:
		view[int16](c.b)[i] = int16(code)
	default:
		view[int32](c.b)[i] = code
	}
}

// fill takes the n codes of a file, of which -1 is none. It returns the first that is
// neither that nor in [0, k), or -1.
func (c codes) fill(raw []byte, from dtype, n, k int) (bad int) {
	var block [1024]int32
	for at := 0; at < n; at += len(block) {
		part := block[:min(len(block), n-at)]
		toIndices(part, raw[at*from.size():], from)
		for i, code := range part {
			if int(code) >= k {
				return at + i
			}
			// What does not fit into 32 bits is -1 here.
			if code < 0 {
				if v, _ := numberAt(raw, from, at+i); v != ofInt(-1) {
					return at + i
				}
			}
			c.set(at+i, code)
		}
	}
	return -1
}

// anyMissing looks for a code that is none.
func (c codes) anyMissing() bool {
	switch c.width {
	case 1:
		return anyNegative(view[int8](c.b))
	case 2:
		return anyNegative(view[int16](c.b))
	}
	return anyNegative(view[int32](c.b))
}

func anyNegative[T int8 | int16 | int32](codes []T) bool {
	least := T(0)
	for _, code := range codes {
		least = min(least, code)
	}
	return least < 0
}

// bitset holds one bit per row; nil holds none.
type bitset []uint64

func (b bitset) has(i int64) bool { return b != nil && b[i>>6]>>(i&63)&1 == 1 }

// column is an obs column of one store, in memory.
type column struct {
	source string
	n      int

	// Categorical and text columns: codes into table.
	coded bool
	codes codes
	table []value

	// Number and bool columns: native values, and which of them are missing. Of
	// codes of numbers, dtype is the type that the numbers had.
	dtype   dtype
	data    []byte
	missing bitset
}

// numberColumn takes native numbers; NaN is a missing value.
func numberColumn(d dtype, data []byte, n int) *column {
	c := &column{source: SourceNumber, n: n, dtype: d, data: data}
	if d == boolType {
		c.source = SourceBool
	}
	if d.isFloat() {
		for i := range n {
			if _, ok := numberAt(data, d, i); !ok {
				c.setMissing(i)
			}
		}
	}
	return c
}

// textColumn numbers the distinct texts in sorted order. missing may be nil.
func textColumn(texts []string, missing []bool) *column {
	c := &column{source: SourceString, n: len(texts), coded: true}
	if missing != nil {
		c.source = SourceNullable
	}
	number := make(map[string]int32)
	for i, t := range texts {
		if missing == nil || !missing[i] {
			number[t] = 0
		}
	}
	distinct := make([]string, 0, len(number))
	for t := range number {
		distinct = append(distinct, t)
	}
	slices.Sort(distinct)
	c.table = make([]value, len(distinct))
	for i, t := range distinct {
		number[t] = int32(i)
		c.table[i] = ofText(strings.Clone(t)) // t may be a piece of all the texts of the file
	}
	c.codes = newCodes(len(texts), len(distinct))
	for i, t := range texts {
		if missing == nil || !missing[i] {
			c.codes.set(i, number[t])
		} else {
			c.codes.set(i, -1)
		}
	}
	return c
}

func (c *column) setMissing(i int) {
	if c.coded {
		c.codes.set(i, -1)
		return
	}
	if c.missing == nil {
		c.missing = newBitset(int64(c.n))
	}
	c.missing.set(int64(i))
}

// has says whether row i has a value.
func (c *column) has(i int64) bool {
	if c.coded {
		return c.codes.at(i) >= 0
	}
	return !c.missing.has(i)
}

// anyMissing looks through the rows of a set.
func (c *column) anyMissing(rows rowSet) bool {
	switch {
	case !c.coded && c.missing == nil:
		return false
	case c.coded && rows.selected == nil:
		return c.codes.anyMissing()
	}
	for _, row := range rows.all() {
		if !c.has(row) {
			return true
		}
	}
	return false
}

// value of row i; false when it is missing.
func (c *column) value(i int) (value, bool) {
	if !c.has(int64(i)) {
		return value{}, false
	}
	if c.coded {
		return c.table[c.codes.at(int64(i))], true
	}
	return numberAt(c.data, c.dtype, i)
}

// values lists the values that are there.
func (c *column) values() []value {
	out := make([]value, 0, c.n)
	for i := range c.n {
		if v, ok := c.value(i); ok {
			out = append(out, v)
		}
	}
	return out
}

// texts are the values as text, as names of rows are: numbers as Python writes them, "nan" for none.
func (c *column) texts() []string {
	out := make([]string, c.n)
	for i := range out {
		out[i] = "nan"
		if v, ok := c.value(i); ok {
			out[i] = v.python()
		}
	}
	return out
}

// toCodes turns numbers into codes of their distinct values, sorted.
func (c *column) toCodes() *column {
	if c.coded {
		return c
	}
	number := make(map[value]int32)
	var table []value
	for i := range c.n {
		if v, ok := c.value(i); ok {
			if _, known := number[v.key()]; !known {
				number[v.key()] = 0
				table = append(table, v)
			}
		}
	}
	slices.SortFunc(table, compareValues)
	for i, v := range table {
		number[v.key()] = int32(i)
	}
	out := &column{source: c.source, n: c.n, dtype: c.dtype, coded: true, table: table, codes: newCodes(c.n, len(table))}
	for i := range c.n {
		code := int32(-1)
		if v, ok := c.value(i); ok {
			code = number[v.key()]
		}
		out.codes.set(i, code)
	}
	return out
}
