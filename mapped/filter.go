package mapped

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/loaderd/loaderd/mapped/expr"
)

// Filter chooses rows by obs columns, which need not be among Options.ObsKeys. A row
// is kept for which the expression and every term hold. The zero value keeps all.
type Filter struct {
	// Expr is in the language of [mapped/expr]. A column that no store has is an
	// error; in a store that lacks a column, its values are missing there.
	// A missing value equals nothing and is in no list, so that only != and "not in" hold for it.
	//
	// [mapped/expr]: https://pkg.go.dev/github.com/loaderd/loaderd/mapped/expr
	Expr string
	// Terms must all hold. A store that lacks the column of a term keeps no row.
	Terms []FilterTerm
}

// FilterTerm holds for rows whose value of a column is one of Values, by numpy's
// isin: numbers and booleans match by value, and text matches only text.
type FilterTerm struct {
	Key    string
	Values []any // bool, int64, uint64, float64 or string; NaN stands for Null
	Null   bool  // whether it holds for rows without a value, too
}

// UnknownKey is a key that no store has, and a hint at those there are.
type UnknownKey struct{ Key, Hint string }

// rowFilter is a Filter that was checked.
type rowFilter struct {
	terms []filterTerm
	text  string // of expr
	expr  expr.Node
}

type filterTerm struct {
	key  string
	want map[value]bool
	null bool
}

// newRowFilter is nil for a filter that keeps all rows.
func newRowFilter(f Filter) (*rowFilter, error) {
	if f.Expr == "" && len(f.Terms) == 0 {
		return nil, nil
	}
	out := &rowFilter{text: f.Expr}
	for _, t := range f.Terms {
		term := filterTerm{t.Key, make(map[value]bool, len(t.Values)), t.Null}
		for _, v := range t.Values {
			if f, ok := v.(float64); ok && math.IsNaN(f) {
				term.null = true
				continue
			}
			val, ok := valueOf(v)
			if !ok {
				return nil, fail(ErrInvalid, stageOpen, "obs_filter", "give text, numbers or booleans", "%q has the value %v of type %T", t.Key, v, v)
			}
			term.want[val.key()] = true
		}
		out.terms = append(out.terms, term)
	}
	if f.Expr == "" {
		return out, nil
	}
	var bad *expr.Error
	var err error
	if out.expr, err = expr.Parse(f.Expr); errors.As(err, &bad) {
		return nil, fail(ErrInvalid, stageOpen, "obs_filter", bad.Hint, "%s", bad.Error())
	}
	return out, err
}

// valueOf is the value that any gives back.
func valueOf(v any) (value, bool) {
	switch v := v.(type) {
	case string:
		return ofText(v), true
	case bool:
		return ofBool(v), true
	case int64:
		return ofInt(v), true
	case uint64:
		return ofUint(v), true
	case float64:
		return ofFloat(v), true
	}
	return value{}, false
}

// keys lists the columns that the filter looks at, each once.
func (f *rowFilter) keys() []string {
	var out []string
	for _, t := range f.terms {
		out = append(out, t.key)
	}
	if f.expr != nil {
		for _, c := range expr.Columns(f.expr) {
			out = append(out, c.Name)
		}
	}
	return unique(out)
}

// filter chooses the rows of a store whose obs is f and whose obs columns are read.
func (o *opener) filter(s *store, f *frame) error {
	if o.rows == nil {
		return nil
	}
	columns := make(map[string]*column)
	for _, key := range o.rows.keys() {
		c, err := o.filterColumn(s, f, key)
		if err != nil {
			return err
		}
		columns[key] = c
	}
	keep := newBitset(s.rows)
	keep.not(s.rows)
	for _, t := range o.rows.terms {
		if c := columns[t.key]; c != nil {
			keep.and(c.where(func(v value) bool { return t.want[v.key()] }, t.null))
		} else {
			clear(keep)
		}
	}
	if o.rows.expr != nil {
		e := &evaluation{text: o.rows.text, path: s.env.path, rows: s.rows, columns: columns}
		holds, err := e.test(o.rows.expr)
		if err != nil {
			return err
		}
		keep.and(holds)
	}
	s.selected = newSelection(keep, s.rows)
	return nil
}

// filterColumn is a column that the filter looks at, nil where the store lacks it.
func (o *opener) filterColumn(s *store, f *frame, key string) (*column, error) {
	if i := slices.Index(o.options.ObsKeys, key); i >= 0 && s.columns[i] != nil {
		return s.columns[i], nil
	}
	col, err := f.column(key)
	if col != nil || err != nil {
		return col, err
	}
	s.unfiltered = append(s.unfiltered, key)
	if s.obsNames == nil {
		s.obsNames, err = f.keys()
	}
	return nil, err
}

// where has the bits of the rows for whose value holds is true, and of those
// without a value if missing is true.
func (c *column) where(holds func(value) bool, missing bool) bitset {
	out := newBitset(int64(c.n))
	if !c.coded {
		for i := range c.n {
			if v, ok := c.value(i); ok && holds(v) || !ok && missing {
				out.set(int64(i))
			}
		}
		return out
	}
	// truth has the answer for each code, and for none, -1, at the end.
	truth := make([]bool, len(c.table)+1)
	for i, v := range c.table {
		truth[i] = holds(v)
	}
	truth[len(c.table)] = missing
	for i := range int64(c.n) {
		code := int(c.codes.at(i))
		if code < 0 {
			code = len(c.table)
		}
		if truth[code] {
			out.set(i)
		}
	}
	return out
}

// checkFilter refuses an expression that names a column which no store has, and
// keeps such keys of terms for UnknownFilterKeys.
func (c *Collection) checkFilter(f *rowFilter) error {
	if f == nil {
		return nil
	}
	var have []string
	lack := make(map[string]int)
	for _, s := range c.stores {
		for _, key := range s.unfiltered {
			lack[key]++
		}
		have = append(have, s.obsNames...)
	}
	sort.Strings(have)
	have = slices.Compact(have)
	if f.expr != nil {
		for _, col := range expr.Columns(f.expr) {
			if lack[col.Name] == len(c.stores) {
				return fail(ErrUnknownKey, stageOpen, "obs_filter", didYouMean(col.Name, have), "%s",
					f.place(col.Pos, fmt.Sprintf("no store has the obs column %q", col.Name)))
			}
		}
	}
	for _, t := range f.terms {
		if lack[t.key] == len(c.stores) {
			c.unknownFilterKeys = append(c.unknownFilterKeys, UnknownKey{t.key, didYouMean(t.key, have)})
		}
	}
	return nil
}

// place writes what is wrong at a byte of the expression.
func (f *rowFilter) place(pos int, detail string) string {
	return (&expr.Error{Text: f.text, Pos: pos, Detail: detail}).Error()
}

// UnknownFilterKeys are the keys of Filter.Terms that no store has, for which the
// collection therefore has no rows.
func (c *Collection) UnknownFilterKeys() []UnknownKey { return c.unknownFilterKeys }
