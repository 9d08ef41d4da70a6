package mapped

import (
	"context"
	"crypto/sha256"
	"errors"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Collection is the virtual concatenation of AnnData files: rows store by store
// in the order of the paths, and within a store in the order of the file. It is
// immutable; all methods may be called from any goroutine.
type Collection struct {
	options Options
	stores  []*store // one per path; a path given twice is one store twice
	starts  []int64  // first row of each store, and the number of rows
	cache   *chunkCache

	vars    *varJoin // of X and layers
	rawVars *varJoin
	// rawError says why raw.X of several stores cannot be one matrix; nil if it can.
	rawError error
	// programs are the transforms of each of Options.LayersKeys; nil for none.
	programs []*program
	columns  []*obsColumn
	counts   []func() []nnzCount // per layer, made when first asked for
	hash     [sha256.Size]byte
	ownRows  func() bool
	labels   labelCache
	turning  *turning // nil: no matrix is CSC

	keeper *rowKeeper // nil: no row store
	// using is held by readers while they use rows of the row store, and by Close.
	using sync.RWMutex

	statistics *statStore

	unknownFilterKeys []UnknownKey

	closed atomic.Bool
}

// Store is one file of a collection.
type Store struct {
	Path  string
	NObs  int64 // rows that the filter keeps
	NVars int
}

// Shape is the size of one store, of the rows that the filter keeps; NVars is -1 when the collection has neither join nor
// panel.
type Shape struct {
	NObs  int64
	NVars int
}

// Open opens the files in parallel and joins them. The collection and the error
// depend on the arguments and the files only, not on which file answers first.
func Open(ctx context.Context, paths []string, o Options) (*Collection, error) {
	return openWith(ctx, paths, o, openContainer)
}

// openWith is Open over any format.
func openWith(ctx context.Context, paths []string, o Options, file func(path string) (container, error)) (*Collection, error) {
	c, err := openStill(ctx, paths, o, file)
	if err == nil {
		c.turn(defaultLimits())
	}
	return c, err
}

// openStill is openWith before any matrix is turned into rows.
func openStill(ctx context.Context, paths []string, o Options, file func(path string) (container, error)) (*Collection, error) {
	o, err := o.normalised()
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fail(ErrInvalid, stageOpen, "paths", "give at least one file", "no paths")
	}
	rows, err := newRowFilter(o.Filter)
	if err != nil {
		return nil, err
	}
	c := &Collection{options: o, cache: newChunkCache(o.CacheBytes), statistics: newStatStore()}
	if o.RowStore != nil {
		c.keeper = newRowKeeper(o.RowStore, o.TempDir)
	}
	if c.stores, err = openStores(ctx, &opener{options: o, rows: rows, file: file, cache: c.cache, keeper: c.keeper}, paths); err != nil {
		return nil, err
	}
	if err := c.combine(rows); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// openStores opens each path once. Of several failures the first in the order of
// paths is reported: a failure stops only files behind it.
func openStores(ctx context.Context, o *opener, paths []string) ([]*store, error) {
	first := make(map[string]int, len(paths))
	stores, errs := make([]*store, len(paths)), make([]error, len(paths))
	var failed atomic.Int64
	failed.Store(int64(len(paths)))
	var g errgroup.Group
	g.SetLimit(min(32, 4*runtime.GOMAXPROCS(0)))
	for i, path := range paths {
		if _, again := first[path]; again {
			continue
		}
		first[path] = i
		g.Go(func() error {
			if int64(i) > failed.Load() {
				return nil
			}
			if errs[i] = ctx.Err(); errs[i] == nil {
				stores[i], errs[i] = o.open(path)
			}
			for at := failed.Load(); errs[i] != nil && int64(i) < at; at = failed.Load() {
				if failed.CompareAndSwap(at, int64(i)) {
					break
				}
			}
			return nil
		})
	}
	_ = g.Wait() // the functions report through errs
	if at := failed.Load(); at < int64(len(paths)) {
		_ = closeStores(stores)
		return nil, errs[at]
	}
	for i, path := range paths {
		stores[i] = stores[first[path]]
	}
	return stores, nil
}

func closeStores(stores []*store) error {
	var err error
	for i, s := range stores {
		if s != nil && slices.Index(stores, s) == i {
			err = errors.Join(err, s.env.file.close())
		}
	}
	return err
}

// combine joins what the stores hold, of whose rows those are left that the filter kept.
func (c *Collection) combine(rows *rowFilter) error {
	c.starts = make([]int64, len(c.stores)+1)
	for i, s := range c.stores {
		c.starts[i+1] = c.starts[i] + s.kept()
	}
	if err := c.checkKeys(); err != nil {
		return err
	}
	if err := c.checkFilter(rows); err != nil {
		return err
	}
	if err := c.checkVarKey(); err != nil {
		return err
	}
	if err := c.joinStores(); err != nil {
		return err
	}
	c.ownRows = sync.OnceValue(c.rowsDiffer)
	for i, key := range c.options.LayersKeys {
		join := c.joinOf(key)
		prog, err := newProgram(c.options.steps[key], join, key)
		if err != nil {
			return err
		}
		c.programs = append(c.programs, prog)
		c.counts = append(c.counts, sync.OnceValue(func() []nnzCount { return c.countLayer(i, join) }))
	}
	for i, key := range c.options.ObsKeys {
		col, err := c.combineColumn(i, key)
		if err != nil {
			return err
		}
		c.columns = append(c.columns, col)
	}
	c.hash = datasetHash(c.options, c.stores)
	for _, s := range c.stores {
		// Columns are in c.columns now, numbers that are encoded as their codes alone.
		s.columns = nil
		s.layerNames, s.obsmNames, s.obsNames, s.unfiltered = nil, nil, nil, nil
		s.columns = nil // c.columns has what is needed of them
	}
	return nil
}

// joinStores joins the variables. A join of raw.var that fails is told when batches are asked for: rows of one
// store need none.
func (c *Collection) joinStores() (err error) {
	vars, rawVars := make([]*nameList, len(c.stores)), make([]*nameList, len(c.stores))
	for i, s := range c.stores {
		vars[i], rawVars[i] = s.vars, s.rawVars
	}
	o := &c.options
	if c.vars, err = joinVars(o.Join, o.VarNames, vars, c.objectNamer("/var")); err != nil {
		return err
	}
	if c.rawVars, c.rawError = joinVars(o.Join, o.VarNames, rawVars, c.objectNamer("/raw/var")); c.rawError != nil {
		if o.VarNames != nil {
			return c.rawError
		}
		c.rawVars = newVarJoin(len(c.stores))
	}
	return c.checkPanel()
}

// joinOf is the join that a layer follows.
func (c *Collection) joinOf(layer string) *varJoin {
	if layer == "raw.X" {
		return c.rawVars
	}
	return c.vars
}

func (c *Collection) combineColumn(i int, key string) (*obsColumn, error) {
	l := labelling{key: key, encode: slices.Contains(c.options.Encode, key)}
	if label, ok := c.options.UnknownLabel[key]; ok {
		l.unknown = &label
	}
	if labels, ok := c.options.Encoders[key]; ok && l.encode {
		var err error
		if l.given, err = newImposed(key, labels); err != nil {
			return nil, err
		}
	}
	cols := make([]*column, len(c.stores))
	for s, st := range c.stores {
		cols[s] = st.columns[i]
	}
	return combine(l, cols, c.rowSets(), c.objectNamer("/obs/"+key))
}

func (c *Collection) objectNamer(path string) func(i int) string {
	return func(i int) string { return element(c.stores[i].env.path, path) }
}

// checkKeys refuses names that no store has.
func (c *Collection) checkKeys() error {
	for _, group := range []struct {
		what  string
		keys  []string
		has   func(s *store, i int) bool
		names func(s *store) []string
	}{
		{"layers", c.options.LayersKeys, func(s *store, i int) bool { return s.layers[i] != nil }, func(s *store) []string { return s.layerNames }},
		{"obsm", c.options.ObsmKeys, func(s *store, i int) bool { return s.obsm[i] != nil }, func(s *store) []string { return s.obsmNames }},
		{"obs", c.options.ObsKeys, func(s *store, i int) bool { return s.columns[i] != nil }, func(s *store) []string { return s.obsNames }},
	} {
		for i, key := range group.keys {
			if slices.ContainsFunc(c.stores, func(s *store) bool { return group.has(s, i) }) {
				continue
			}
			var have []string
			for _, s := range c.stores {
				have = append(have, group.names(s)...)
			}
			sort.Strings(have)
			have = slices.Compact(have)
			return fail(ErrUnknownKey, stageOpen, group.what+"/"+key, didYouMean(key, have),
				"no store has %q in %s", key, group.what)
		}
	}
	return nil
}

// Close releases the files. Batches that are being filled fail with ErrClosed.
// A second Close does nothing.
func (c *Collection) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	var err error
	if c.turning != nil {
		err = c.turning.close()
	}
	return errors.Join(err, closeStores(c.stores), c.closeTables())
}

// closeTables waits for those who use rows: they find the collection closed soon.
func (c *Collection) closeTables() error {
	if c.keeper == nil {
		return nil
	}
	close(c.keeper.closing)
	c.using.Lock()
	defer c.using.Unlock()
	return c.keeper.close()
}

// NObs is the number of rows of all stores that the filter keeps.
func (c *Collection) NObs() int64 { return c.starts[len(c.stores)] }

// named says whether columns have names: always, but for JoinNone without a panel.
func (c *Collection) named() bool {
	return c.options.Join != JoinNone || c.options.VarNames != nil
}

// NVars is the number of joined variables; false with JoinNone and no panel.
func (c *Collection) NVars() (int, bool) {
	if !c.named() {
		return 0, false
	}
	return c.vars.width, true
}

// Var are the joined variables, nil with JoinNone and no panel. The caller must not change them.
func (c *Collection) Var() []string { return c.vars.names }

// NObsList is the number of rows of each store that the filter keeps.
func (c *Collection) NObsList() []int64 {
	out := make([]int64, len(c.stores))
	for i, s := range c.stores {
		out[i] = s.kept()
	}
	return out
}

// NVarsList is the number of variables of each store, nil with JoinNone and no panel.
func (c *Collection) NVarsList() []int {
	if !c.named() {
		return nil
	}
	out := make([]int, len(c.stores))
	for i, s := range c.stores {
		out[i] = len(s.vars.names)
	}
	return out
}

// Shapes is the shape of each store, of whose rows those count that the filter keeps.
func (c *Collection) Shapes() []Shape {
	out := make([]Shape, len(c.stores))
	for i, s := range c.stores {
		out[i] = Shape{s.kept(), -1}
		if c.named() {
			out[i].NVars = len(s.vars.names)
		}
	}
	return out
}

// Columns describes the obs columns in the order of Options.ObsKeys. The caller
// must not change what its slices hold.
func (c *Collection) Columns() []Column {
	out := make([]Column, len(c.columns))
	for i, col := range c.columns {
		out[i] = col.Column
	}
	return out
}

// Hash identifies the data that the options choose: of each store the number of
// rows, the numbers of stored values, the variables and the label tables. It is
// the same wherever and in whatever format the files lie.
func (c *Collection) Hash() [sha256.Size]byte { return c.hash }

// Stores lists the files in the order of the paths.
func (c *Collection) Stores() []Store {
	out := make([]Store, len(c.stores))
	for i, s := range c.stores {
		out[i] = Store{s.env.path, s.kept(), len(s.vars.names)}
	}
	return out
}

// storeOf gives the store of a row in [0, NObs).
func (c *Collection) storeOf(row int64) int {
	at := 0
	for n := len(c.stores); n > 1; {
		half := n / 2
		if c.starts[at+half] <= row { // no jump: for rows at random it would be guessed wrong half of the time
			at += half
		}
		n -= half
	}
	return at
}

// Uneven reports whether JoinNone leaves some layer or obsm entry in different widths, so that only rows of one store
// can be one dense array: see [EncoderOptions].
func (c *Collection) Uneven() bool {
	if c.vars.uneven >= 0 || c.rawVars != nil && c.rawVars.uneven >= 0 {
		return true
	}
	for i := range c.options.ObsmKeys {
		width := -1
		for _, s := range c.stores {
			if m := s.obsm[i]; m != nil && width >= 0 && m.cols != width {
				return true
			} else if m != nil {
				width = m.cols
			}
		}
	}
	return false
}

// OwnRows reports whether rows of one store are given in another form by themselves than in batches: see
// [EncoderOptions].Own.
func (c *Collection) OwnRows() bool { return c.ownRows() }

func (c *Collection) rawUneven() bool {
	return c.options.VarNames == nil && (c.rawError != nil || slices.ContainsFunc(c.rawVars.maps, func(m *colMap) bool { return m != nil }))
}

// StoreOf is the number of the store that holds a row of the collection.
func (c *Collection) StoreOf(row int64) int { return c.storeOf(row) }
