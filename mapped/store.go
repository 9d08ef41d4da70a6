package mapped

import (
	"slices"
	"sync"
	"sync/atomic"
)

// store is one open file with the parts that the options ask for.
type store struct {
	env *env
	rowSet
	nnz  int64 // stored values of X
	vars *nameList

	// In the order of the options' keys; nil where the file lacks one.
	layers  []*matrix
	obsm    []*matrix
	columns []*column
	rawVars *nameList

	// Names that the file has, for hints; read only when it lacks a key.
	layerNames, obsmNames, obsNames []string
	lacks                           *lackedKey
	// Columns that the filter names and the file lacks.
	unfiltered []string
}

// opener is what the stores of one collection share while they are opened.
type opener struct {
	options Options
	rows    *rowFilter // nil: all
	file    func(path string) (container, error)
	cache   *chunkCache
	names   interner
	arrays  atomic.Uint32
	keeper  *rowKeeper // nil: no row store
}

// open reads one file. On an error the file is closed.
func (o *opener) open(path string) (*store, error) {
	v := &env{path: path, cache: o.cache, nextArray: func() uint32 { return o.arrays.Add(1) }}
	if o.keeper != nil {
		o.identify(v) // before the file is opened: a file that takes its place later is another one
	}
	file, err := o.file(path)
	if err != nil {
		return nil, err
	}
	v.file = file
	s := &store{env: v}
	if err := o.read(s); err != nil {
		_ = file.close()
		return nil, formatError(path, stageOpen, err)
	}
	if v.identity != "" {
		o.keeper.adopt(s)
	}
	return s, nil
}

// identify sets what the row store knows a file by. Opening it says what is wrong with one that cannot be looked at.
func (o *opener) identify(v *env) {
	var err error
	if v.source, v.identity, err = o.options.identify(v.path); err != nil {
		v.identity = ""
	}
	v.identified = sync.OnceValue(func() bool {
		_, now, err := o.options.identify(v.path)
		return err == nil && now == v.identity
	})
}

func (o *opener) read(s *store) error {
	root, err := s.env.file.root()
	if err != nil {
		return err
	}
	x, err := o.readX(s, root)
	if err != nil {
		return err
	}
	s.rows, s.nnz = x.rows, x.nnz
	if s.vars, err = o.readVars(s, root, x.cols, "var"); err != nil {
		return err
	}
	for _, step := range []func(*store, group) error{o.readLayers, o.readObsm, o.readObs} {
		if err := step(s, root); err != nil {
			return err
		}
	}
	return nil
}

// readX opens X for its shape: every store must have it, asked for or not.
func (o *opener) readX(s *store, root group) (*matrix, error) {
	n, err := root.child("X")
	if err != nil {
		return nil, err
	}
	if a, ok := n.(array); n == nil || ok && a.null() {
		return nil, s.env.fail(ErrNoElement, "/X", "give files in the AnnData format that hold X", "there is no X")
	}
	return openMatrix(s.env, n, true)
}

// readVars reads the names of the variables of a matrix with cols columns.
func (o *opener) readVars(s *store, root group, cols int, at ...string) (*nameList, error) {
	n, err := lookup(root, at...)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return nil, s.env.fail(ErrNoElement, "/"+at[0], rewriteHint, "there is no %s", at[len(at)-1])
	}
	f, err := openFrame(s.env, root, n)
	if err != nil {
		return nil, err
	}
	names, err := o.varNames(s, f, n.path())
	if err != nil {
		return nil, err
	}
	if len(names) != cols {
		return nil, s.env.fail(ErrBadFile, n.path(), rewriteHint, "%d variables for a matrix of %d columns", len(names), cols)
	}
	return o.names.list(names), nil
}

func (o *opener) readLayers(s *store, root group) error {
	lacking := false
	for _, key := range o.options.LayersKeys {
		n, err := layerNode(root, key)
		if err != nil {
			return err
		}
		if n == nil {
			s.layers = append(s.layers, nil)
			lacking = true
			continue
		}
		m, err := openMatrix(s.env, n, false)
		if err != nil {
			return err
		}
		if m.rows != s.rows {
			return s.env.fail(ErrBadFile, m.path, rewriteHint, "%d rows, and X has %d", m.rows, s.rows)
		}
		if key == "raw.X" {
			s.rawVars, err = o.readRawVars(s, root, m)
			if err != nil {
				return err
			}
		} else if m.cols != len(s.vars.names) {
			return s.env.fail(ErrBadFile, m.path, rewriteHint, "%d columns for %d variables", m.cols, len(s.vars.names))
		}
		s.layers = append(s.layers, m)
	}
	if !lacking {
		return nil
	}
	names, err := memberNames(root, "layers")
	if err != nil {
		return err
	}
	raw, err := layerNode(root, "raw.X")
	if err != nil {
		return err
	}
	if raw != nil {
		names = append(names, "raw.X")
	}
	s.layerNames = append([]string{"X"}, names...)
	return nil
}

// layerNode finds "X", "raw.X" (beside X before anndata 0.7) or a layer; nil when
// there is none.
func layerNode(root group, key string) (node, error) {
	switch key {
	case "X":
		return root.child("X")
	case "raw.X":
		n, err := lookup(root, "raw", "X")
		if n != nil || err != nil {
			return n, err
		}
		return root.child("raw.X")
	}
	return lookup(root, "layers", key)
}

func (o *opener) readRawVars(s *store, root group, m *matrix) (*nameList, error) {
	n, err := lookup(root, "raw", "var")
	if err != nil {
		return nil, err
	}
	if n != nil {
		return o.readVars(s, root, m.cols, "raw", "var")
	}
	return o.readVars(s, root, m.cols, "raw.var")
}

// memberNames lists a group's members or a record's fields; none when it is not there.
func memberNames(root group, name string) ([]string, error) {
	n, err := root.child(name)
	if err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case group:
		names, err := n.names()
		return slices.Clone(names), err
	case array:
		return n.fields(), nil
	}
	return nil, nil
}

// maxObsmWidth bounds the columns of a sparse matrix in obsm.
const maxObsmWidth = 1 << 20

func (o *opener) readObsm(s *store, root group) error {
	for _, key := range o.options.ObsmKeys {
		n, err := obsmNode(root, key)
		if err != nil {
			return err
		}
		if n == nil {
			s.obsm = append(s.obsm, nil)
			if s.obsmNames, err = memberNames(root, "obsm"); err != nil {
				return err
			}
			continue
		}
		m, err := openObsm(s.env, root, n)
		if err != nil {
			return err
		}
		if m.rows != s.rows {
			return s.env.fail(ErrBadFile, m.path, rewriteHint, "%d rows, and X has %d", m.rows, s.rows)
		}
		// Rows of a sparse entry become dense: no name bounds their width.
		if m.dense == nil && m.cols > maxObsmWidth {
			return s.env.fail(ErrUnsupported, m.path, "make it a layer, or cut it to the columns in use", "a sparse obsm entry of %d columns", m.cols)
		}
		s.obsm = append(s.obsm, m)
	}
	return nil
}

func openObsm(v *env, root group, n node) (*matrix, error) {
	if g, ok := n.(group); ok {
		enc, err := encodingOf(g)
		if err != nil {
			return nil, v.wrap(err)
		}
		if enc == "dataframe" {
			return openFrameMatrix(v, root, g)
		}
	}
	return openMatrix(v, n, false)
}

// obsmNode finds a member of obsm, which is one array of records before anndata 0.7.
func obsmNode(root group, key string) (node, error) {
	n, err := root.child("obsm")
	if err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case group:
		return n.child(key)
	case array:
		if slices.Contains(n.fields(), key) {
			return n.field(key)
		}
	}
	return nil, nil
}

func (o *opener) readObs(s *store, root group) error {
	n, err := root.child("obs")
	if err != nil {
		return err
	}
	if n == nil {
		return s.env.fail(ErrNoElement, "/obs", "give files in the AnnData format", "there is no obs")
	}
	f, err := openFrame(s.env, root, n)
	if err != nil {
		return err
	}
	if f.rows != s.rows {
		return s.env.fail(ErrBadFile, n.path(), rewriteHint, "%d rows, and X has %d", f.rows, s.rows)
	}
	for _, key := range o.options.ObsKeys {
		c, err := f.column(key)
		if err != nil {
			return err
		}
		s.columns = append(s.columns, c)
		if c == nil && s.obsNames == nil {
			if s.obsNames, err = f.keys(); err != nil {
				return err
			}
		}
	}
	return o.filter(s, f)
}
