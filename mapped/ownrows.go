package mapped

// rowsDiffer reports whether rows of one store, by themselves, look different from the same rows in a batch of several:
// other types of values, because a batch has one type for all stores; other columns of raw.X, because a batch joins them;
// labels that are numbers, which a batch has as codes; NaN that a file has as such.
func (c *Collection) rowsDiffer() bool {
	if c.rawUneven() {
		return true
	}
	for i := range c.options.LayersKeys {
		if c.typesDiffer(func(s *store) *matrix { return s.layers[i] }) {
			return true
		}
	}
	for i := range c.options.ObsmKeys {
		if c.typesDiffer(func(s *store) *matrix { return s.obsm[i] }) {
			return true
		}
	}
	for _, col := range c.columns {
		for i := range col.parts {
			if col.own(i) != col {
				return true
			}
		}
	}
	return false
}

func (c *Collection) typesDiffer(of func(*store) *matrix) bool {
	found := noType
	for _, s := range c.stores {
		m := of(s)
		if m != nil && found != noType && m.dtype() != found {
			return true
		}
		if m != nil {
			found = m.dtype()
		}
	}
	return false
}

// own is the column as rows of one store have it: its numbers in the store's type, categories that are numbers as such,
// and NaN of a plain column as a value. Codes of an encoded column and texts are as in batches.
func (o *obsColumn) own(store int) *obsColumn {
	c := o.parts[store].column
	if o.Encoded || c == nil || c.dtype == noType {
		return o
	}
	floats := c.source == SourceNumber && c.dtype.isFloat()
	if !c.coded && c.dtype == o.dtype && !(floats && o.Missing) {
		return o
	}
	d := c.dtype
	out := &obsColumn{Column: o.Column, dtype: d, absent: absentValue(d), parts: make([]columnPart, len(o.parts))}
	out.DType, out.Categories, out.Missing = d.String(), nil, o.Missing && !floats
	out.parts[store] = columnPart{column: c}
	if c.coded {
		out.table = c.numbers(d)
	} else {
		out.parts[store].cast = casterFor(d, d)
	}
	return out
}
