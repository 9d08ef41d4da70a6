package mapped

import (
	"context"
	"slices"
)

// ObsColumn names an obs column and says which stores lack it.
type ObsColumn struct {
	Key    string
	Absent []int
}

// ObsColumns lists the columns of obs, the index left out: those of the first store in the order in which anndata shows
// them, then what later stores have beside them.
//
// It fails with ErrBadFile, ErrChanged, ErrClosed.
func (c *Collection) ObsColumns(ctx context.Context) ([]ObsColumn, error) {
	if c.closed.Load() {
		return nil, errClosed()
	}
	keys := make(map[*store][]string)
	var order []string
	for _, s := range c.stores {
		if _, again := keys[s]; again {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := s.obsFrame()
		if err != nil {
			return nil, err
		}
		if keys[s], err = f.ordered(); err != nil {
			return nil, s.env.readError("/obs", err)
		}
		order = append(order, keys[s]...)
	}
	out := make([]ObsColumn, 0, len(order))
	for _, key := range unique(order) {
		col := ObsColumn{Key: key, Absent: []int{}}
		for i, s := range c.stores {
			if !slices.Contains(keys[s], key) {
				col.Absent = append(col.Absent, i)
			}
		}
		out = append(out, col)
	}
	return out, nil
}

// RawVar are the joined variables of raw.X; nil without one, or without names. The caller must not change them.
func (c *Collection) RawVar() []string { return c.rawVars.names }

// obsFrame opens obs.
func (s *store) obsFrame() (*frame, error) {
	root, err := s.env.file.root()
	if err != nil {
		return nil, s.env.readError("/obs", err)
	}
	n, err := root.child("obs")
	if err != nil {
		return nil, s.env.readError("/obs", err)
	}
	return openFrame(s.env, root, n)
}

// ordered are the names of the columns as anndata shows them, without the index.
func (f *frame) ordered() ([]string, error) {
	keys, err := f.keys()
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == f.index })
	if f.group == nil {
		return keys, nil
	}
	shown, _, err := f.group.attrTexts("column-order")
	if err != nil {
		return nil, f.env.wrap(err)
	}
	shown = slices.DeleteFunc(slices.Clone(shown), func(key string) bool { return !slices.Contains(keys, key) })
	return unique(append(shown, keys...)), nil
}

// ObsNames reads the names of the rows of one store that the collection has, and the name that the index has in the file.
//
// It fails with ErrIndex for a store that there is not, ErrBadFile, ErrChanged, ErrClosed.
func (c *Collection) ObsNames(store int) (names []string, index string, err error) {
	if c.closed.Load() {
		return nil, "", errClosed()
	}
	if store < 0 || store >= len(c.stores) {
		return nil, "", fail(ErrIndex, stageRead, "store", "", "there is no store %d of %d", store, len(c.stores))
	}
	s := c.stores[store]
	f, err := s.obsFrame()
	if err != nil {
		return nil, "", err
	}
	if names, err = f.names(); err == nil {
		err = s.env.file.changed()
	}
	if err != nil {
		return nil, "", s.env.readError("/obs/"+f.index, err)
	}
	if int64(len(names)) != s.rows {
		return nil, "", s.env.fail(ErrBadFile, f.at(f.index), rewriteHint, "%d names for %d rows", len(names), s.rows)
	}
	if s.selected == nil {
		return names, f.index, nil
	}
	out := make([]string, 0, s.kept())
	for _, row := range s.all() {
		out = append(out, names[row])
	}
	return out, f.index, nil
}

// ObsKind says what an obs column is to a data frame.
type ObsKind string

// The kinds of obs columns.
const (
	ObsCategorical ObsKind = "categorical" // codes of the labels of all stores
	ObsText        ObsKind = "text"        // codes of texts, among which numbers may be
	ObsNumber      ObsKind = "number"      // numbers or booleans
)

// ObsValues are the values of an obs column for all rows, as a data frame has them.
type ObsValues struct {
	*Labels
	Kind ObsKind
	// Nullable says that a store has the numbers, or all stores the texts, as one of anndata's nullable arrays.
	Nullable bool
	// Order lists the codes of categories in the order in which the stores declare them, if all
	// declare the same ones; nil: sorted.
	Order []int64
	// Missing says that some row has no value; Present then tells which have one.
	Missing bool
}

// ObsValues gives the values of an obs column, which need not be among Options.ObsKeys, for the rows that the filter keeps.
// Numbers have the promoted type of the stores; where one is missing stands NaN or 0. It fails as Labels does.
func (c *Collection) ObsValues(ctx context.Context, key string) (*ObsValues, error) {
	col, l, err := c.newLabels(ctx, key)
	if err != nil {
		return nil, err
	}
	out := &ObsValues{Labels: l, Kind: ObsNumber}
	categorical, text, plain := true, false, false
	var types []dtype
	for i, p := range col.parts {
		if l.parts[i].column = p.column; p.column == nil {
			continue
		}
		categorical = categorical && p.column.source == SourceCategorical
		text = text || p.column.valueType() == noType
		nullable := p.column.source == SourceNullable
		out.Nullable, plain = out.Nullable || nullable, plain || !nullable
		types = append(types, p.column.valueType())
	}
	out.Missing = l.anyMissing()
	if !categorical && !text {
		l.dtype = promoteAll(types...)
		l.numbers()
		return out, nil
	}
	out.Kind, out.Nullable = ObsText, out.Nullable && !plain
	if categorical {
		out.Kind = ObsCategorical
	}
	if err := l.sorted(key, c.objectNamer("/obs/"+key)); err != nil {
		return nil, err
	}
	if categorical {
		out.Order = l.declared()
	}
	return out, nil
}

// anyMissing says whether a row has no value.
func (l *Labels) anyMissing() bool {
	for i, p := range l.parts {
		if rows := l.rows[i]; rows.kept() > 0 && (p.column == nil || p.column.anyMissing(rows)) {
			return true
		}
	}
	return false
}

// sorted makes codes of the sorted union of the stores' labels, equal ones once.
func (l *Labels) sorted(key string, object func(int) string) error {
	coded := make(map[*column]*column)
	for i, p := range l.parts {
		if p.column == nil {
			continue
		}
		if coded[p.column] == nil {
			coded[p.column] = p.column.toCodes()
		}
		l.parts[i].column = coded[p.column]
	}
	o := &obsColumn{parts: l.parts}
	if err := o.combineLabels(labelling{key: key}, object); err != nil {
		return err
	}
	l.Categories = o.Categories
	l.dtype = signedOf(newCodes(0, len(l.Categories)).width)
	l.DType = l.dtype.String()
	return nil
}

// declared are the codes of the stores' tables, if these are all the same.
func (l *Labels) declared() []int64 {
	var first []value
	var out []int64
	for _, p := range l.parts {
		switch {
		case p.column == nil:
		case out == nil:
			first, out = p.column.table, make([]int64, len(p.column.table))
			for i, code := range p.remap {
				out[i] = int64(code)
			}
		case !slices.Equal(first, p.column.table):
			return nil
		}
	}
	return out
}

// Present fills dst, of N bytes, with 1 for a row that has a value and 0 for others.
func (o *ObsValues) Present(dst []byte) {
	for i, p := range o.parts {
		rows := o.rows[i]
		for k, row := range rows.all() {
			dst[k] = byte(truth(p.column != nil && p.column.has(row)))
		}
		dst = dst[rows.kept():]
	}
}
