package mapped

import (
	"math"
	"strings"
)

// matrix is X, a layer, raw.X or an obsm entry of one store.
type matrix struct {
	env  *env
	path string // within the file
	rows int64
	cols int
	nnz  int64 // stored values

	// One of them is set, unless the matrix was opened for its shape only.
	sparse *csrMatrix
	dense  *source
	// Of a CSC matrix: its columns. Its rows, in sparse, are there when the
	// collection's turning has come to it.
	columns *cscMatrix

	table *rowTable // nil: rows are read from the source
}

// csrMatrix is a matrix of compressed sparse rows. Columns of a row may come in
// any order and repeatedly; repeated ones are summed.
type csrMatrix struct {
	index   *rowIndex
	counts  []nnzCount
	indices *source
	data    *source
}

// dtype of the stored values.
func (m *matrix) dtype() dtype {
	if m.sparse != nil {
		return m.sparse.data.elem.dtype
	}
	return m.dense.elem.dtype
}

// object names the matrix in errors.
func (m *matrix) object() string { return element(m.env.path, m.path) }

// openMatrix opens n as a matrix. With headOnly it checks the shape and reads no index.
func openMatrix(v *env, n node, headOnly bool) (*matrix, error) {
	g, ok := n.(group)
	if !ok {
		return openDense(v, n.(array), headOnly)
	}
	format, err := sparseFormat(v, g)
	if err != nil {
		return nil, err
	}
	return openSparse(v, g, format == "csc", headOnly)
}

// sparseFormat reads "csr" or "csc" from the attributes of today's files and of those before anndata 0.7.
func sparseFormat(v *env, g group) (string, error) {
	enc, err := encodingOf(g)
	if err != nil {
		return "", v.wrap(err)
	}
	switch enc {
	case "csr_matrix":
		return "csr", nil
	case "csc_matrix":
		return "csc", nil
	case "":
		old, ok, err := g.attrText("h5sparse_format")
		if err != nil {
			return "", v.wrap(err)
		}
		if old = strings.ToLower(old); ok && (old == "csr" || old == "csc") {
			return old, nil
		}
		return "", v.fail(ErrUnsupported, g.path(), rewriteHint, "a group that does not say what it holds")
	case "dataframe":
		return "", v.fail(ErrUnsupported, g.path(), "store it as an array: .to_numpy()", "a data frame cannot be a batch field")
	}
	return "", v.fail(ErrUnsupported, g.path(), "store it as an array", "the encoding %q cannot be a batch field", enc)
}

func openSparse(v *env, g group, byColumn, headOnly bool) (*matrix, error) {
	shape, err := sparseShape(v, g)
	if err != nil {
		return nil, err
	}
	parts, err := sparseParts(v, g)
	if err != nil {
		return nil, err
	}
	stored := parts["data"].shape()[0]
	m := &matrix{env: v, path: g.path(), rows: shape[0], cols: int(shape[1]), nnz: stored}
	if headOnly {
		return m, nil
	}
	from := v
	if byColumn {
		from = v.forPass()
	}
	indices, err := newSource(from, parts["indices"])
	if err != nil {
		return nil, err
	}
	if d := indices.elem.dtype; d.isFloat() || d == boolType {
		return nil, v.fail(ErrBadFile, parts["indices"].path(), rewriteHint, "indices of type %s", d)
	}
	data, err := newSource(from, parts["data"])
	if err != nil {
		return nil, err
	}
	if byColumn {
		return m, openCSC(m, parts["indptr"], indices, data)
	}
	m.sparse = &csrMatrix{indices: indices, data: data}
	m.sparse.index, m.sparse.counts, err = readRowIndex(v, parts["indptr"], m.rows, stored, longest(shape[1]))
	return m, err
}

// longest is how many values a row of so many columns may have, or a column of
// so many rows. Repeated ones are legal; many times the width is damage, and must
// not decide how much memory is taken.
func longest(width int64) int64 { return 16*width + 4096 }

// sparseParts finds data, indices and indptr, vectors of lengths that agree.
func sparseParts(v *env, g group) (map[string]array, error) {
	parts := map[string]array{}
	for _, name := range []string{"data", "indices", "indptr"} {
		n, err := g.child(name)
		if err != nil {
			return nil, v.wrap(err)
		}
		a, ok := n.(array)
		if !ok {
			return nil, v.fail(ErrBadFile, g.path(), rewriteHint, "a sparse matrix without %s", name)
		}
		if len(a.shape()) != 1 {
			return nil, v.fail(ErrBadFile, a.path(), rewriteHint, "shape %v where a vector should be", a.shape())
		}
		parts[name] = a
	}
	if n, stored := parts["indices"].shape()[0], parts["data"].shape()[0]; n != stored {
		return nil, v.fail(ErrBadFile, g.path(), rewriteHint, "%d indices for %d values", n, stored)
	}
	return parts, nil
}

func sparseShape(v *env, g group) ([]int64, error) {
	for _, name := range []string{"shape", "h5sparse_shape"} {
		shape, ok, err := g.attrInts(name)
		if err != nil {
			return nil, v.wrap(err)
		}
		if !ok {
			continue
		}
		if len(shape) != 2 || shape[0] < 0 || shape[1] < 0 || shape[1] > math.MaxInt32 || shape[0] > 1<<48 {
			return nil, v.fail(ErrBadFile, g.path(), rewriteHint, "the shape %v", shape)
		}
		return shape, nil
	}
	return nil, v.fail(ErrBadFile, g.path(), rewriteHint, "a sparse matrix without a shape")
}

func openDense(v *env, a array, headOnly bool) (*matrix, error) {
	shape := a.shape()
	if len(shape) < 1 || len(shape) > 2 || a.null() {
		return nil, v.fail(ErrUnsupported, a.path(), rewriteHint, "an array of shape %v is not a matrix", shape)
	}
	m := &matrix{env: v, path: a.path(), rows: shape[0], cols: 1}
	if len(shape) == 2 {
		if shape[1] > math.MaxInt32 {
			return nil, v.fail(ErrUnsupported, a.path(), "", "%d columns", shape[1])
		}
		m.cols = int(shape[1])
	}
	m.nnz = m.rows * int64(m.cols)
	if headOnly {
		return m, nil
	}
	var err error
	m.dense, err = newSource(v, a)
	return m, err
}
