package mapped

import (
	"fmt"

	"github.com/loaderd/loaderd/mapped/expr"
)

// evaluation finds the rows of one store for which an expression holds.
type evaluation struct {
	text    string // the expression
	path    string // of the file, for errors
	rows    int64
	columns map[string]*column // nil where the store lacks one: no row has a value
}

// fail says that something at a byte of the text does not go with the store's columns.
func (e *evaluation) fail(pos int, hint, format string, args ...any) error {
	bad := &expr.Error{Text: e.text, Pos: pos, Detail: fmt.Sprintf(format, args...)}
	return fail(ErrInvalid, stageOpen, "obs_filter", hint, "%s", bad.Error())
}

// test has the bits of the rows for which a test holds. The caller may change it.
func (e *evaluation) test(n expr.Node) (bitset, error) {
	switch n := n.(type) {
	case *expr.And:
		return e.all(n.Tests, bitset.and)
	case *expr.Or:
		return e.all(n.Tests, bitset.or)
	case *expr.Not:
		b, err := e.test(n.Test)
		if err == nil {
			b.not(e.rows)
		}
		return b, err
	case *expr.Compare:
		return e.compare(n)
	case *expr.CompareColumns:
		return e.compareColumns(n)
	case *expr.In:
		return e.in(n)
	case *expr.Null:
		return e.where(n.Column, func(value) bool { return false }, true), nil
	case *expr.Match:
		return e.match(n)
	case *expr.Truth:
		return e.truth(n)
	}
	panic(fmt.Sprintf("mapped: an expression holds a %T", n))
}

// all combines the rows of several tests.
func (e *evaluation) all(tests []expr.Node, combine func(a, b bitset)) (bitset, error) {
	out, err := e.test(tests[0])
	if err != nil {
		return nil, err
	}
	for _, t := range tests[1:] {
		b, err := e.test(t)
		if err != nil {
			return nil, err
		}
		combine(out, b)
	}
	return out, nil
}

func (e *evaluation) where(c *expr.Column, holds func(value) bool, missing bool) bitset {
	if col := e.columns[c.Name]; col != nil {
		return col.where(holds, missing)
	}
	out := newBitset(e.rows)
	if missing {
		out.not(e.rows)
	}
	return out
}

func (e *evaluation) compare(n *expr.Compare) (bitset, error) {
	want, err := e.literal(n.Column, n.Value)
	if err != nil {
		return nil, err
	}
	return e.where(n.Column, func(v value) bool { return holds(n.Op, v, want) }, n.Op == expr.NotEqual), nil
}

// holds compares two values. Text and numbers, which a column may mix, differ and have no order.
func holds(op expr.Op, a, b value) bool {
	if (a.kind == textValue) != (b.kind == textValue) {
		return op == expr.NotEqual
	}
	return op.Holds(compareValues(a, b))
}

func (e *evaluation) in(n *expr.In) (bitset, error) {
	want := make(map[value]bool, len(n.Values))
	for _, l := range n.Values {
		v, err := e.literal(n.Column, l)
		if err != nil {
			return nil, err
		}
		want[v.key()] = true
	}
	return e.where(n.Column, func(v value) bool { return want[v.key()] }, n.Null), nil
}

// literal is the value with which a column is compared: as numpy does, a number is
// rounded to the type of a column of floats.
func (e *evaluation) literal(c *expr.Column, l *expr.Literal) (value, error) {
	v, _ := valueOf(l.Value)
	col := e.columns[c.Name]
	if col == nil {
		return v, nil
	}
	text, number := col.kinds()
	switch {
	case v.kind == textValue && number && !text:
		return v, e.fail(l.Pos, "write the value without quotes", "`%s` holds %s in %s, and %q is text", c.Name, col.noun(), e.path, v.text)
	case v.kind != textValue && text && !number:
		return v, e.fail(l.Pos, "put the value in quotes", "`%s` holds text in %s, and %v is not text", c.Name, e.path, l.Value)
	}
	if !col.coded && col.dtype.isFloat() && v.kind != textValue {
		raw := alignedBytes(8)
		view[float64](raw)[0] = v.widened()
		rounded := alignedBytes(8)
		casterFor(col.dtype, float64Type)(rounded, raw, 1)
		if r, ok := numberAt(rounded, col.dtype, 0); ok {
			v = r
		}
	}
	return v, nil
}

// kinds says whether a column holds text, and whether it holds numbers or booleans.
func (c *column) kinds() (text, number bool) {
	if !c.coded {
		return false, true
	}
	for _, v := range c.table {
		text, number = text || v.kind == textValue, number || v.kind != textValue
	}
	return text, number
}

// noun names what a column without text holds.
func (c *column) noun() string {
	if c.isBool() {
		return "booleans"
	}
	return "numbers"
}

// isBool says whether all values that a column may hold are booleans.
func (c *column) isBool() bool {
	for _, v := range c.table {
		if v.kind != boolValue {
			return false
		}
	}
	return c.coded || c.dtype == boolType
}

func (e *evaluation) match(n *expr.Match) (bitset, error) {
	if col := e.columns[n.Column.Name]; col != nil {
		if text, number := col.kinds(); number && !text {
			return nil, e.fail(n.Column.Pos, "compare it with < or ==", "`%s` holds %s in %s, and patterns match text", n.Column.Name, col.noun(), e.path)
		}
	}
	return e.where(n.Column, func(v value) bool { return v.kind == textValue && n.Pattern.MatchString(v.text) }, false), nil
}

func (e *evaluation) truth(n *expr.Truth) (bitset, error) {
	if col := e.columns[n.Column.Name]; col != nil && !col.isBool() {
		return nil, e.fail(n.Column.Pos, "compare it with a value", "`%s` does not hold booleans in %s", n.Column.Name, e.path)
	}
	return e.where(n.Column, func(v value) bool { return v.bits != 0 }, false), nil
}

func (e *evaluation) compareColumns(n *expr.CompareColumns) (bitset, error) {
	a, b := e.columns[n.Left.Name], e.columns[n.Right.Name]
	out := newBitset(e.rows)
	if a == nil || b == nil {
		if n.Op == expr.NotEqual {
			out.not(e.rows)
		}
		return out, nil
	}
	aText, aNumber := a.kinds()
	bText, bNumber := b.kinds()
	if aText && bNumber && !aNumber && !bText || aNumber && bText && !aText && !bNumber {
		return nil, e.fail(n.Right.Pos, "compare columns of one kind", "of `%s` and `%s` in %s one holds text and the other does not",
			n.Left.Name, n.Right.Name, e.path)
	}
	for i := range int(e.rows) {
		x, hasX := a.value(i)
		y, hasY := b.value(i)
		if hasX && hasY && holds(n.Op, x, y) || (!hasX || !hasY) && n.Op == expr.NotEqual {
			out.set(int64(i))
		}
	}
	return out, nil
}
