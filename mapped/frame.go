package mapped

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// frame is obs or var of one store: a group of columns since anndata 0.7, one
// array of records before.
type frame struct {
	env    *env
	group  group // one of group and record is set
	record array
	root   group // where files before 0.7 keep categories, under uns
	index  string
	rows   int64
}

// openFrame opens n, which is obs, var or raw/var.
func openFrame(v *env, root group, n node) (*frame, error) {
	f := &frame{env: v, root: root}
	switch n := n.(type) {
	case group:
		f.group = n
		return f, f.openGroup()
	case array:
		f.record = n
		return f, f.openRecord()
	}
	return nil, nil
}

func (f *frame) openGroup() error {
	index, ok, err := f.group.attrText("_index")
	if err != nil {
		return f.env.wrap(err)
	}
	if !ok {
		index = "_index"
	}
	f.index = index
	n, err := f.group.child(index)
	if err != nil {
		return f.env.wrap(err)
	}
	if n == nil {
		return f.env.fail(ErrBadFile, f.group.path(), rewriteHint, "no index: the column %q is not there", index)
	}
	f.rows, err = f.length(n)
	return err
}

func (f *frame) openRecord() error {
	names := f.record.fields()
	if len(names) == 0 || len(f.record.shape()) != 1 {
		return f.env.fail(ErrUnsupported, f.record.path(), rewriteHint, "not a data frame: %s of shape %v", f.record.elem().text, f.record.shape())
	}
	f.index, f.rows = names[0], f.record.shape()[0]
	return nil
}

// length is the number of rows of a column that is not read yet.
func (f *frame) length(n node) (int64, error) {
	for _, part := range []string{"codes", "values"} {
		g, ok := n.(group)
		if !ok {
			break
		}
		c, err := g.child(part)
		if err != nil {
			return 0, f.env.wrap(err)
		}
		if c != nil {
			n = c
		}
	}
	a, ok := n.(array)
	if !ok || len(a.shape()) != 1 {
		return 0, f.env.fail(ErrUnsupported, n.path(), rewriteHint, "a column that is not a vector")
	}
	return a.shape()[0], nil
}

// keys are the names of the columns, the index included.
func (f *frame) keys() ([]string, error) {
	if f.record != nil {
		return f.record.fields(), nil
	}
	names, err := f.group.names()
	if err != nil {
		return nil, f.env.wrap(err)
	}
	return slices.DeleteFunc(slices.Clone(names), hidden), nil
}

// column reads a column; nil when there is none of that name.
func (f *frame) column(key string) (*column, error) {
	c, err := f.readColumn(key)
	if err != nil || c == nil {
		return nil, f.env.wrap(err)
	}
	if int64(c.n) != f.rows {
		return nil, f.env.fail(ErrBadFile, f.at(key), rewriteHint, "%d values for %d rows", c.n, f.rows)
	}
	return c, nil
}

func (f *frame) at(key string) string {
	if f.record != nil {
		return f.record.path() + "/" + key
	}
	return f.group.path() + "/" + key
}

func (f *frame) readColumn(key string) (*column, error) {
	if f.record != nil {
		return f.readRecordColumn(key)
	}
	if hidden(key) {
		return nil, nil
	}
	n, err := f.group.child(key)
	if n == nil || err != nil {
		return nil, err
	}
	if g, ok := n.(group); ok {
		return f.readEncoded(g)
	}
	a := n.(array)
	// Files of anndata 0.7 hold the codes here and point to their categories.
	pointed, err := a.hasAttr("categories")
	if err != nil {
		return nil, err
	}
	if pointed {
		cats, err := lookup(f.group, "__categories", key)
		if err != nil {
			return nil, err
		}
		if cats != nil {
			return f.readCategorical(a, cats)
		}
	}
	return f.readPlain(a)
}

func (f *frame) readRecordColumn(key string) (*column, error) {
	if !slices.Contains(f.record.fields(), key) {
		return nil, nil
	}
	a, err := f.record.field(key)
	if err != nil {
		return nil, err
	}
	if a.elem().kind == elemNumber && !a.elem().dtype.isFloat() {
		cats, err := lookup(f.root, "uns", key+"_categories")
		if err != nil {
			return nil, err
		}
		if c, ok := cats.(array); ok {
			codes, err := pointsInto(a, product(c.shape()))
			if err != nil {
				return nil, err
			}
			if codes {
				return f.readCategorical(a, cats)
			}
		}
	}
	return f.readPlain(a)
}

// pointsInto says whether all numbers of a column can be codes of n categories. Categories of a column of var stand under
// the same name as those of one of obs, and anndata decides by this whose they are.
func pointsInto(a array, n int64) (bool, error) {
	raw, err := numbersOf(a)
	if err != nil {
		return false, err
	}
	for i := range int(product(a.shape())) {
		if v, _ := numberAt(raw, a.elem().dtype, i); compareValues(v, ofInt(n)) >= 0 {
			return false, nil
		}
	}
	return true, nil
}

// readEncoded reads the columns that are groups: codes with categories, values with a mask.
func (f *frame) readEncoded(g group) (*column, error) {
	parts := map[string]node{}
	for _, name := range []string{"codes", "categories", "values", "mask"} {
		n, err := g.child(name)
		if err != nil {
			return nil, err
		}
		parts[name] = n
	}
	enc, err := encodingOf(g)
	if err != nil {
		return nil, err
	}
	codes, isCodes := parts["codes"].(array)
	values, isValues := parts["values"].(array)
	mask, isMask := parts["mask"].(array)
	switch {
	case (enc == "categorical" || enc == "") && isCodes && parts["categories"] != nil:
		return f.readCategorical(codes, parts["categories"])
	case isValues && isMask:
		return f.readNullable(values, mask)
	}
	return nil, f.env.fail(ErrUnsupported, g.path(), rewriteHint, "a column of encoding %q", enc)
}

func (f *frame) readPlain(a array) (*column, error) {
	if len(a.shape()) != 1 || a.null() {
		return nil, f.env.fail(ErrUnsupported, a.path(), rewriteHint, "a column of shape %v", a.shape())
	}
	switch e := a.elem(); e.kind {
	case elemText:
		texts, err := f.texts(a)
		if err != nil {
			return nil, err
		}
		return textColumn(texts, nil), nil
	case elemNumber:
		data, err := numbersOf(a)
		if err != nil {
			return nil, err
		}
		return numberColumn(e.dtype, data, int(a.shape()[0])), nil
	default:
		return nil, f.env.fail(ErrUnsupported, a.path(), "drop the column or store it as numbers or text", "a column of type %s", e.text)
	}
}

// numbersOf reads numbers into memory aligned for views.
func numbersOf(a array) ([]byte, error) {
	data, err := a.bytes()
	if err != nil || aligned(data, 8) {
		return data, err
	}
	out := alignedBytes(len(data))
	copy(out, data)
	return out, nil
}

func (f *frame) readNullable(values, mask array) (*column, error) {
	missing, err := maskOf(f.env, mask)
	if err != nil {
		return nil, err
	}
	if len(values.shape()) != 1 || values.shape()[0] != int64(len(missing)) {
		return nil, f.env.fail(ErrBadFile, values.path(), rewriteHint, "values of shape %v with %d mask bytes", values.shape(), len(missing))
	}
	if values.elem().kind == elemText {
		texts, err := f.texts(values)
		if err != nil {
			return nil, err
		}
		return textColumn(texts, missing), nil
	}
	c, err := f.readPlain(values)
	if err != nil {
		return nil, err
	}
	c.source = SourceNullable
	for i, m := range missing {
		if m {
			c.setMissing(i)
		}
	}
	return c, nil
}

func maskOf(v *env, a array) ([]bool, error) {
	e := a.elem()
	if e.kind != elemNumber || e.dtype.isFloat() || len(a.shape()) != 1 {
		return nil, v.fail(ErrBadFile, a.path(), rewriteHint, "a mask of type %s", e.text)
	}
	raw, err := numbersOf(a)
	if err != nil {
		return nil, err
	}
	bits := alignedBytes(int(a.shape()[0]))
	casterFor(boolType, e.dtype)(bits, raw, len(bits))
	out := make([]bool, len(bits))
	for i, b := range bits {
		out[i] = b != 0
	}
	return out, nil
}

func (f *frame) readCategorical(codes array, cats node) (*column, error) {
	table, dtype, err := f.readTable(cats)
	if err != nil {
		return nil, err
	}
	e := codes.elem()
	if e.kind != elemNumber || e.dtype.isFloat() || len(codes.shape()) != 1 {
		return nil, f.env.fail(ErrBadFile, codes.path(), rewriteHint, "codes of type %s and shape %v", e.text, codes.shape())
	}
	raw, err := numbersOf(codes)
	if err != nil {
		return nil, err
	}
	n := int(codes.shape()[0])
	c := &column{source: SourceCategorical, n: n, dtype: dtype, coded: true, table: table, codes: newCodes(n, len(table))}
	if bad := c.codes.fill(raw, e.dtype, n, len(table)); bad >= 0 {
		code, _ := numberAt(raw, e.dtype, bad)
		return nil, f.env.fail(ErrBadFile, codes.path(), rewriteHint, "row %d has code %v of %d categories", bad, code.any(), len(table))
	}
	return c, nil
}

// readTable reads the categories of a column: numbers of a type, text, or either with a mask.
func (f *frame) readTable(n node) ([]value, dtype, error) {
	if g, ok := n.(group); ok {
		c, err := f.readEncoded(g)
		if err != nil {
			return nil, noType, err
		}
		return c.values(), c.dtype, nil
	}
	a := n.(array)
	if a.null() || len(a.shape()) > 1 {
		return nil, noType, f.env.fail(ErrBadFile, a.path(), rewriteHint, "categories of shape %v", a.shape())
	}
	count := int(product(a.shape())) // a scalar is one category: files before 0.7 have them
	switch e := a.elem(); e.kind {
	case elemText:
		texts, err := f.texts(a)
		if err != nil {
			return nil, noType, err
		}
		table := make([]value, len(texts))
		for i, t := range texts {
			table[i] = ofText(strings.Clone(t)) // t may be a piece of all the texts of the file
		}
		return table, noType, nil
	case elemNumber:
		raw, err := numbersOf(a)
		if err != nil {
			return nil, noType, err
		}
		table := make([]value, count)
		for i := range table {
			table[i], _ = numberAt(raw, e.dtype, i)
		}
		return table, e.dtype, nil
	default:
		return nil, noType, f.env.fail(ErrUnsupported, a.path(), rewriteHint, "categories of type %s", e.text)
	}
}

// names reads the index as text.
func (f *frame) names() ([]string, error) {
	if f.group != nil {
		n, err := f.group.child(f.index)
		if err != nil {
			return nil, f.env.wrap(err)
		}
		if a, ok := n.(array); ok && a.elem().kind == elemText {
			texts, err := f.texts(a)
			return texts, f.env.wrap(err)
		}
	}
	c, err := f.column(f.index)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, f.env.fail(ErrBadFile, f.at(f.index), rewriteHint, "no index")
	}
	return c.texts(), nil
}

// texts reads text whole. Names and labels go to clients, whose strings are UTF-8, and so must these be.
func (f *frame) texts(a array) ([]string, error) {
	texts, err := a.strings()
	if err != nil {
		return nil, err
	}
	for i, t := range texts {
		if !utf8.ValidString(t) {
			return nil, f.env.fail(ErrBadFile, a.path(), "rewrite the file with its text as UTF-8", "element %d is not UTF-8: %q", i, t)
		}
	}
	return texts, nil
}
