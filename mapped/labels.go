package mapped

import (
	"slices"
)

// obsColumn is an obs column of the collection: one dtype, and one table of
// codes over all stores.
type obsColumn struct {
	Column
	dtype  dtype
	parts  []columnPart // per store
	absent []byte       // what a missing number looks like
	table  []byte       // numbers that codes of the one store stand for; nil but in the store's own rows
}

// columnPart is the column in one store; column is nil where the store lacks it.
type columnPart struct {
	column *column
	remap  []int32 // of coded columns: code in the store → code in the batch
	cast   caster  // of numbers
}

// labelling says how one key is combined.
type labelling struct {
	key     string
	encode  bool
	unknown *string  // the label that becomes -1
	given   *imposed // the codes, if they do not follow from the labels
}

// combine merges the columns of all stores (nil where absent). rows are the
// stores' rows, object their names in errors. Some store must have the column.
func combine(l labelling, cols []*column, rows []rowSet, object func(i int) string) (*obsColumn, error) {
	out := &obsColumn{Column: Column{Key: l.key, Encoded: l.encode}, parts: make([]columnPart, len(cols))}
	coded := l.encode
	for i, c := range cols {
		if c == nil {
			out.Absent = append(out.Absent, i)
			out.Missing = out.Missing || rows[i].kept() > 0
			continue
		}
		if out.Source == "" {
			out.Source = c.source
		}
		coded = coded || c.coded
	}
	// The same file may stand for several stores: its column is looked through once.
	looked := make(map[*column]*column)
	for i, c := range cols {
		if c == nil {
			continue
		}
		if _, ok := looked[c]; !ok {
			out.Missing = out.Missing || c.anyMissing(rows[i])
			looked[c] = c
			if coded {
				looked[c] = c.toCodes()
			}
		}
		out.parts[i].column = looked[c]
	}
	if l.given != nil {
		return out, out.impose(l, rows, object)
	}
	if coded {
		return out, out.combineLabels(l, object)
	}
	out.combineNumbers()
	return out, nil
}

func (o *obsColumn) combineNumbers() {
	var types []dtype
	for _, p := range o.parts {
		if p.column != nil {
			types = append(types, p.column.dtype)
		}
	}
	o.dtype = promoteAll(types...)
	o.DType = o.dtype.String()
	o.absent = absentValue(o.dtype)
	for i := range o.parts {
		if c := o.parts[i].column; c != nil {
			o.parts[i].cast = casterFor(o.dtype, c.dtype)
		}
	}
}

// combineLabels numbers the union of the stores' tables.
func (o *obsColumn) combineLabels(l labelling, object func(i int) string) error {
	o.dtype = int32Type
	if l.encode {
		o.dtype = int64Type
	}
	o.DType = o.dtype.String()
	table, err := o.unionTable(l, object)
	if err != nil {
		return err
	}
	number := make(map[value]int32, len(table))
	o.Categories = make([]any, 0, len(table))
	if l.encode {
		o.Encoder = make([]Label, 0, len(table))
	}
	for _, v := range table {
		if l.encode && l.unknown != nil && v.kind == textValue && v.text == *l.unknown {
			number[v.key()] = -1
			o.Encoder = slices.Insert(o.Encoder, 0, Label{v.any(), -1})
			continue
		}
		code := int32(len(o.Categories))
		number[v.key()] = code
		o.Categories = append(o.Categories, v.any())
		if l.encode {
			o.Encoder = append(o.Encoder, Label{v.any(), int64(code)})
		}
	}
	remaps := make(map[*column][]int32)
	for i := range o.parts {
		c := o.parts[i].column
		if c == nil {
			continue
		}
		if remaps[c] == nil {
			remap := make([]int32, len(c.table))
			for code, v := range c.table {
				remap[code] = number[v.key()]
			}
			remaps[c] = remap
		}
		o.parts[i].remap = remaps[c]
	}
	return nil
}

// unionTable lists the labels of all stores, sorted. Of values that compare
// equal the first store's type stays.
func (o *obsColumn) unionTable(l labelling, object func(i int) string) ([]value, error) {
	var table []value
	seen := make(map[value]bool)
	text, number := -1, -1
	for i, p := range o.parts {
		if p.column == nil {
			continue
		}
		for _, v := range p.column.table {
			if v.kind == textValue {
				text = max(text, i)
			} else {
				number = max(number, i)
			}
			if !seen[v.key()] {
				seen[v.key()] = true
				table = append(table, v)
			}
		}
	}
	if l.encode && text >= 0 && number >= 0 {
		return nil, fail(ErrInvalid, stageEncode, "obs/"+l.key,
			"store the column with one type in all files, or leave it out of encode_labels",
			"text in %s and numbers in %s have no common order", object(text), object(number))
	}
	slices.SortStableFunc(table, compareValues)
	return table, nil
}
