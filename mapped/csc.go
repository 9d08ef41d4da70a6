package mapped

import "math"

// cscMatrix is a matrix of compressed sparse columns, as a file has it. Rows of
// a column may come in any order and repeatedly.
type cscMatrix struct {
	env     *env // the file's, with a cache only while the matrix is turned
	starts  []int64
	indices *source // of rows
	data    *source
}

// openCSC gives m the columns and room for its rows, which a turning fills in.
func openCSC(m *matrix, indptr array, indices, data *source) error {
	v := m.env
	if m.rows > math.MaxInt32 {
		return v.fail(ErrUnsupported, m.path, "convert it to CSR: adata.X = adata.X.tocsr() (or the layer's name in place of X)",
			"a CSC matrix of %d rows", m.rows)
	}
	m.columns = &cscMatrix{env: indices.env, indices: indices, data: data}
	limit, last := longest(m.rows), int64(0)
	err := scanIndptr(v, indptr, "column", int64(m.cols), m.nnz, func(col, p int64) error {
		if col > 0 && p-last > limit {
			return v.fail(ErrBadFile, indptr.path(), rewriteHint, "column %d has %d values", col-1, p-last)
		}
		last = p
		m.columns.starts = append(m.columns.starts, p)
		return nil
	})
	if err != nil {
		return err
	}
	// indptr is read: the rows are as many as obs has, or that is found out. They take 4 bytes each.
	if !v.believes(m.rows * 4) {
		return v.fail(ErrBadFile, m.path, rewriteHint, "%d rows in a file of %d bytes", m.rows, v.file.size())
	}
	m.sparse = &csrMatrix{
		indices: &source{env: v, path: indices.path, direct: true, size: 4, rows: m.columns.stored(), cols: 1,
			elem: elem{kind: elemNumber, dtype: int32Type, text: "int32"}},
		data: &source{env: v, path: data.path, direct: true, size: data.size, rows: m.columns.stored(), cols: 1,
			elem: elem{kind: elemNumber, dtype: data.elem.dtype, text: data.elem.text}},
	}
	return nil
}

// stored is how many values the columns have.
func (c *cscMatrix) stored() int64 { return c.starts[len(c.starts)-1] - c.starts[0] }

// column is the one that holds the stored value at.
func (c *cscMatrix) column(at int64) int {
	lo, hi := 0, len(c.starts)-1
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; c.starts[mid] <= at {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// forPass is the file with room for a cache of its own.
func (v *env) forPass() *env {
	return &env{file: v.file, path: v.path, nextArray: v.nextArray}
}
