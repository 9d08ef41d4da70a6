package mapped

import (
	"fmt"
	"slices"
)

// maxImposedCode bounds the codes of Options.Encoders, since codes point into a table of labels.
const maxImposedCode = 1<<20 - 1

// imposed is an encoder that was given, and not made of the files' labels.
type imposed struct {
	labels     []Label // by rising code; those of one code in the order given
	categories []any   // by code
	codes      map[value]int32
	others     bool // labels that it lacks are -1
}

// newImposed checks the table of a key.
func newImposed(key string, labels []Label) (*imposed, error) {
	bad := func(format string, args ...any) error {
		return fail(ErrInvalid, stageEncode, "encoders/"+key, "give labels their codes 0, 1, 2 …, each once, and -1 to those that count as unknown",
			format, args...)
	}
	t := &imposed{codes: make(map[value]int32, len(labels))}
	of := make(map[int64]any, len(labels))
	for _, l := range labels {
		if l.Value == nil {
			if l.Code != -1 {
				return nil, bad("all other labels have the code %d; it can only be -1", l.Code)
			}
			t.others = true
			continue
		}
		v, ok := valueOf(l.Value)
		if f := v.float(); !ok || v.kind == floatValue && f != f {
			return nil, bad("%v of type %T is not a label", l.Value, l.Value)
		}
		if l.Code < -1 || l.Code > maxImposedCode {
			return nil, bad("%s has the code %d, which is not in -1 … %d", labelText(l.Value), l.Code, maxImposedCode)
		}
		if code, again := t.codes[v.key()]; again && int64(code) != l.Code {
			return nil, bad("%s has the codes %d and %d", labelText(l.Value), code, l.Code)
		} else if again {
			continue
		}
		if other, taken := of[l.Code]; taken && l.Code >= 0 {
			return nil, bad("%s and %s both have the code %d", labelText(other), labelText(l.Value), l.Code)
		}
		t.codes[v.key()], of[l.Code] = int32(l.Code), l.Value
		t.labels = append(t.labels, l)
	}
	slices.SortStableFunc(t.labels, func(a, b Label) int { return int(a.Code - b.Code) })
	t.categories = []any{}
	for _, l := range t.labels {
		for l.Code >= 0 && int64(len(t.categories)) < l.Code {
			t.categories = append(t.categories, nil) // a code that no label has
		}
		if l.Code >= 0 {
			t.categories = append(t.categories, l.Value)
		}
	}
	return t, nil
}

// labelText writes a label for a message.
func labelText(label any) string {
	if s, ok := label.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(label)
}

// impose gives the labels of the stores the codes of a table. rows are the stores' rows, object their names in errors.
// Declared categories that no row of the collection has may be missing from it.
func (o *obsColumn) impose(l labelling, rows []rowSet, object func(i int) string) error {
	t := l.given
	o.dtype, o.DType = int64Type, int64Type.String()
	o.Categories, o.Encoder = t.categories, t.labels
	if l.unknown != nil {
		v := ofText(*l.unknown)
		switch code, known := t.codes[v.key()]; {
		case !known:
			t.codes[v.key()] = -1
			o.Encoder = slices.Insert(slices.Clone(o.Encoder), 0, Label{*l.unknown, -1})
		case code >= 0:
			return fail(ErrInvalid, stageEncode, "unknown_label", "leave out unknown_label, or give the label -1 in the table",
				"%q is the unknown label of %q, and has the code %d in encoders", *l.unknown, l.key, code)
		}
	}
	type made struct {
		c    *column
		rows rowSet
	}
	remaps := make(map[made][]int32)
	for i := range o.parts {
		c := o.parts[i].column
		if c == nil {
			continue
		}
		at := made{c, rows[i]}
		if remaps[at] == nil {
			remap, err := t.remap(l, c, rows[i], object(i))
			if err != nil {
				return err
			}
			remaps[at] = remap
		}
		o.parts[i].remap = remaps[at]
	}
	return nil
}

// remap takes the codes of a store's column to those of the table.
func (t *imposed) remap(l labelling, c *column, rows rowSet, object string) ([]int32, error) {
	out := make([]int32, len(c.table))
	var used []bool // found out only when a label is not in the table
	for i, v := range c.table {
		code, known := t.codes[v.key()]
		if !known {
			code = -1
			if used == nil && !t.others {
				used = c.used(rows)
			}
			if !t.others && used[i] {
				return nil, t.lacks(l, v, object)
			}
		}
		out[i] = code
	}
	return out, nil
}

func (t *imposed) lacks(l labelling, v value, object string) error {
	names := make([]string, 0, len(t.labels))
	for _, label := range t.labels {
		if s, ok := label.Value.(string); ok {
			names = append(names, s)
		}
	}
	hint := fmt.Sprintf("unseen=\"unknown\" gives such labels the code -1; unknown_label={%q: …} this one; or leave its cells out with obs_filter", l.key)
	if near := didYouMean(v.python(), names); near != "" {
		hint = near + "; " + hint
	}
	return fail(ErrInvalid, stageEncode, object, hint,
		"the label %s of %q is not among the %d of encoders", labelText(v.any()), l.key, len(t.labels))
}

// used says of each label of a coded column whether a row of the set has it.
func (c *column) used(rows rowSet) []bool {
	out := make([]bool, len(c.table))
	for _, row := range rows.all() {
		if code := c.codes.at(row); code >= 0 {
			out[code] = true
		}
	}
	return out
}
