package mapped

import "slices"

// openFrameMatrix opens a data frame in obsm as the array that pandas' to_numpy
// makes of it: columns in the order of the frame, of numbers only. It is kept in memory.
func openFrameMatrix(v *env, root, g group) (*matrix, error) {
	f, err := openFrame(v, root, g)
	if err != nil {
		return nil, err
	}
	columns, err := f.numbers()
	if err != nil {
		return nil, err
	}
	types := make([]dtype, len(columns))
	for i, c := range columns {
		types[i] = c.dtype
	}
	if slices.Contains(types, boolType) && len(unique(types)) > 1 {
		return nil, v.fail(ErrUnsupported, g.path(), "store it as an array: .to_numpy(float)", "booleans and numbers in one data frame")
	}
	d := promoteAll(types...)
	if len(columns) == 0 {
		d = float64Type
	}
	width := int64(len(columns))
	m := &matrix{env: v, path: g.path(), rows: f.rows, cols: len(columns), nnz: f.rows * width}
	m.dense = &source{
		env: v, path: g.path(), elem: elem{kind: elemNumber, dtype: d, text: d.String()}, size: d.size(),
		rows: f.rows, cols: width, mem: alignedBytes(int(m.nnz) * d.size()),
	}
	one := alignedBytes(int(f.rows) * d.size())
	for i, c := range columns {
		casterFor(d, c.dtype)(one, c.data, c.n)
		interleaveTable[d.size()](m.dense.mem, one, i, len(columns), c.n)
	}
	return m, nil
}

// numbers reads the columns without the index, in the order of the frame.
func (f *frame) numbers() ([]*column, error) {
	order, ok, err := f.group.attrTexts("column-order")
	if err != nil {
		return nil, f.env.wrap(err)
	}
	if !ok {
		if order, err = f.keys(); err != nil {
			return nil, err
		}
		order = slices.DeleteFunc(order, func(key string) bool { return key == f.index })
	}
	var out []*column
	for _, key := range order {
		c, err := f.column(key)
		switch {
		case err != nil:
			return nil, err
		case c == nil:
			return nil, f.env.fail(ErrBadFile, f.at(key), rewriteHint, "the column is in the frame's list and not in the frame")
		case c.coded:
			return nil, f.env.fail(ErrUnsupported, f.at(key), "keep columns of numbers only, or move this one to obs", "a column of text or categories in obsm")
		case c.source == SourceNullable && c.missing != nil:
			return nil, f.env.fail(ErrUnsupported, f.at(key), "fill them: .fillna(0), or .astype(float)", "missing values in obsm")
		}
		out = append(out, c)
	}
	return out, nil
}

// interleaveTable moves a column of n values of 1, 2, 4 or 8 bytes into an array of width columns.
var interleaveTable = map[int]func(dst, src []byte, col, width, n int){
	1: interleave[uint8], 2: interleave[uint16], 4: interleave[uint32], 8: interleave[uint64],
}

func interleave[T uint8 | uint16 | uint32 | uint64](dst, src []byte, col, width, n int) {
	out := view[T](dst)
	for i, v := range view[T](src)[:n] {
		out[i*width+col] = v
	}
}
