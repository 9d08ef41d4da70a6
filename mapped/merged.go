package mapped

import (
	"context"
	"runtime"
	"slices"
	"sort"
	"sync"

	"golang.org/x/sync/errgroup"
)

// maxCachedLabels is how many columns beside Options.ObsKeys are kept once they were asked for.
const maxCachedLabels = 4

// labelCache holds obs columns that are not among Options.ObsKeys.
type labelCache struct {
	mu      sync.Mutex // guards what follows
	columns []*obsColumn
}

// obs gives an obs column of the stores, read now if it is not among
// Options.ObsKeys. nil: no store has it; names are then those there are.
func (c *Collection) obs(ctx context.Context, key string) (col *obsColumn, names []string, err error) {
	named := func(o *obsColumn) bool { return o.Key == key }
	if i := slices.IndexFunc(c.columns, named); i >= 0 {
		return c.columns[i], nil, nil
	}
	c.labels.mu.Lock()
	defer c.labels.mu.Unlock()
	if i := slices.IndexFunc(c.labels.columns, named); i >= 0 {
		return c.labels.columns[i], nil, nil
	}
	cols, names, err := c.readObs(ctx, key)
	if err != nil || !slices.ContainsFunc(cols, func(c *column) bool { return c != nil }) {
		return nil, names, err
	}
	if col, err = combine(labelling{key: key}, cols, c.rowSets(), c.objectNamer("/obs/"+key)); err != nil {
		return nil, nil, err
	}
	if len(c.labels.columns) == maxCachedLabels {
		c.labels.columns = slices.Delete(c.labels.columns, 0, 1)
	}
	c.labels.columns = append(c.labels.columns, col)
	return col, nil, nil
}

// readObs reads a column of all stores, nil where one lacks it; names are those that such stores have.
func (c *Collection) readObs(ctx context.Context, key string) (cols []*column, names []string, err error) {
	first := make(map[*store]int)
	cols = make([]*column, len(c.stores))
	keys := make([][]string, len(c.stores))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range c.stores {
		if _, again := first[s]; again {
			continue
		}
		first[s] = i
		g.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				cols[i], keys[i], err = s.readObs(key)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		if c.closed.Load() {
			return nil, nil, errClosed()
		}
		return nil, nil, err
	}
	for i, s := range c.stores {
		cols[i] = cols[first[s]]
		names = append(names, keys[i]...)
	}
	sort.Strings(names)
	return cols, slices.Compact(names), nil
}

// readObs reads a column; without one of that name it gives the names there are.
func (s *store) readObs(key string) (col *column, names []string, err error) {
	f, err := s.obsFrame()
	if err != nil {
		return nil, nil, err
	}
	if col, err = f.column(key); err == nil && col == nil {
		names, err = f.keys()
	}
	if err == nil {
		err = s.env.file.changed()
	}
	if err != nil {
		return nil, nil, s.env.readError("/obs/"+key, err)
	}
	return col, names, nil
}

// rowSets are the rows of each store.
func (c *Collection) rowSets() []rowSet {
	out := make([]rowSet, len(c.stores))
	for i, s := range c.stores {
		out[i] = s.rowSet
	}
	return out
}

// MergedCategories lists the labels of an obs column, which need not be among
// Options.ObsKeys: the sorted union over all stores of the declared categories, or of the
// distinct values of a column that is not categorical. The filter and the unknown
// label play no part, and a missing label is none. It is empty for a key that no store has.
//
// It fails with ErrInvalid for text in one store and numbers in another, and as Labels does.
func (c *Collection) MergedCategories(ctx context.Context, key string) ([]any, error) {
	if c.closed.Load() {
		return nil, errClosed()
	}
	col, _, err := c.obs(ctx, key)
	if err != nil || col == nil {
		return []any{}, err
	}
	coded := &obsColumn{parts: make([]columnPart, len(col.parts))}
	seen := make(map[*column]*column)
	for i, p := range col.parts {
		if p.column == nil {
			continue
		}
		if seen[p.column] == nil {
			seen[p.column] = p.column.toCodes()
		}
		coded.parts[i].column = seen[p.column]
	}
	table, err := coded.unionTable(labelling{key: key, encode: true}, c.objectNamer("/obs/"+key))
	if err != nil {
		return nil, err
	}
	out := make([]any, len(table))
	for i, v := range table {
		out[i] = v.any()
	}
	return out, nil
}

// Rows gives the row of the file of each row of the collection, from the first of them on, for len(dst) of them.
func (c *Collection) Rows(dst []int64, first int64) error {
	if first < 0 || first+int64(len(dst)) > c.NObs() {
		return fail(ErrIndex, stageRead, "rows", "", "rows [%d, %d) of a collection of %d", first, first+int64(len(dst)), c.NObs())
	}
	for i, s := range c.stores {
		from, to := max(first, c.starts[i]), min(first+int64(len(dst)), c.starts[i+1])
		for row := from; row < to; row++ {
			dst[row-first] = s.row(row - c.starts[i])
		}
	}
	return nil
}
