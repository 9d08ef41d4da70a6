package mapped

import "context"

// LabelClasses says how many rows have each label of an obs column, or each combination of
// labels of several. These are numbered in the order in which rows first have them;
// a missing label is one of them.
type LabelClasses struct {
	Counts []int64 // rows of each combination
	Codes  []int32 // of each row, the number of its combination
	// Labels has, per column, the label in each combination.
	Labels []LabelValues
}

// LabelValues are labels in the form in which Labels has them.
type LabelValues struct {
	DType      string
	Categories []any
	Data       []byte
}

// LabelClasses counts the labels of obs columns, which need not be among
// Options.ObsKeys, over the rows that the filter keeps. Encoding plays no part.
//
// It fails with ErrInvalid without keys, and as Labels does.
func (c *Collection) LabelClasses(ctx context.Context, keys []string) (*LabelClasses, error) {
	if len(keys) == 0 {
		return nil, fail(ErrInvalid, stageRead, "obs_keys", "name at least one column of obs", "no keys")
	}
	all := newClasses(c.NObs())
	labels, raws := make([]*Labels, len(keys)), make([][]byte, len(keys))
	for i, key := range keys {
		l, err := c.Labels(ctx, key)
		if err != nil {
			return nil, err
		}
		labels[i], raws[i] = l, alignedBytes(int(l.Size()))
		l.Write(raws[i])
		all.split(raws[i], l)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	out := &LabelClasses{Counts: make([]int64, len(all.first)), Codes: all.of}
	for _, class := range all.of {
		out.Counts[class]++
	}
	for i, l := range labels {
		v := LabelValues{DType: l.DType, Categories: l.Categories}
		size := l.dtype.size()
		for _, row := range all.first {
			v.Data = append(v.Data, raws[i][row*size:][:size]...)
		}
		out.Labels = append(out.Labels, v)
	}
	return out, nil
}

// classes put rows into classes, numbered in the order of their first rows.
type classes struct {
	of    []int32 // per row
	first []int   // per class, its first row
}

// newClasses puts all rows into one.
func newClasses(rows int64) *classes {
	c := &classes{of: make([]int32, rows)}
	if rows > 0 {
		c.first = []int{0}
	}
	return c
}

// split parts rows of a class that have different labels.
func (c *classes) split(raw []byte, l *Labels) {
	switch {
	case l.Categories == nil || len(l.Categories)*len(c.first) > 1<<20:
		c.splitNumbers(raw, l.dtype)
	case l.dtype == int8Type:
		splitCodes(c, view[int8](raw), len(l.Categories))
	case l.dtype == int16Type:
		splitCodes(c, view[int16](raw), len(l.Categories))
	default:
		splitCodes(c, view[int32](raw), len(l.Categories))
	}
}

// splitCodes looks up the new class of each old one and code, -1 to categories-1, in a table.
func splitCodes[T int8 | int16 | int32](c *classes, codes []T, categories int) {
	width := categories + 1
	number := make([]int32, len(c.first)*width) // class + 1
	var first []int
	for i, code := range codes {
		at := int(c.of[i])*width + int(code) + 1
		if number[at] == 0 {
			first = append(first, i)
			number[at] = int32(len(first))
		}
		c.of[i] = number[at] - 1
	}
	c.first = first
}

// splitNumbers is split for any numbers; NaN is one, whatever its bits.
func (c *classes) splitNumbers(raw []byte, d dtype) {
	type pair struct {
		class int32
		nan   bool
		bits  uint64
	}
	number := make(map[pair]int32)
	var first []int
	for i, old := range c.of {
		key := pair{class: old, nan: true}
		if v, ok := numberAt(raw, d, i); ok {
			key = pair{old, false, v.bits}
		}
		class, known := number[key]
		if !known {
			class = int32(len(first))
			number[key] = class
			first = append(first, i)
		}
		c.of[i] = class
	}
	c.first = first
}
