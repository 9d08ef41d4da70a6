package registry

import (
	"fmt"
)

// Limits of a [Where], far above what people and programs write: SQLite nests expressions about 1000 deep.
const (
	MaxDepth      = 32
	MaxConditions = 4_000 // lookups
)

// maxNodes is how many lookups, and, or and not there can be together: enough for what stands around each lookup.
const maxNodes = 4 * MaxConditions

// Where is a condition: [And], [Or], [Not] or [Lookup]. nil holds for every record.
//
// Lookups that stand side by side in one And, and go through the same relation to many records, speak of the same related record,
// and so do those of an Or in it. An And directly inside an And, and anything inside a Not, speaks of its own.
// A lookup of a value that is absent does not hold, and its negation does.
type Where interface{ where() }

// And holds where all of its parts do; the empty one always.
type And []Where

// Or holds where one of its parts does; the empty one never.
type Or []Where

// Not holds where its part does not.
type Not struct{ Where Where }

// Lookup compares a field with a value: "key" or "key__exact", "size__gt", "run__transform__key__contains".
type Lookup struct {
	Path  string // relations and fields joined by "__", and after another "__" the comparison; without one, exact
	Value any
}

func (And) where()    {}
func (Or) where()     {}
func (Not) where()    {}
func (Lookup) where() {}

// DecodeWhere reads a condition of plain lists, as it comes in a message:
//
//	["and"|"or", [TREE…]]   ["not", TREE]   ["lookup", NAME, VALUE]
//
// nil and the empty list hold for every record.
func DecodeWhere(v any) (Where, error) {
	var d treeDecoder
	return d.tree(v, 1)
}

type treeDecoder struct{ size treeSize }

// treeSize counts what a condition is made of, and holds its limits.
type treeSize struct{ nodes, lookups int }

// add counts one more node, which stands at a depth from 1.
func (s *treeSize) add(lookup bool, depth int) error {
	s.nodes++
	if lookup {
		s.lookups++
	}
	switch {
	case s.lookups > MaxConditions:
		return badTree("more than %d conditions", MaxConditions)
	case s.nodes > maxNodes:
		return badTree("more than %d conditions and combinations of them", maxNodes)
	case depth > MaxDepth:
		return badTree("conditions nested more than %d deep", MaxDepth)
	}
	return nil
}

func (d *treeDecoder) tree(v any, depth int) (Where, error) {
	list, ok := v.([]any)
	var op string
	if len(list) > 0 {
		op, _ = list[0].(string)
	}
	if err := d.size.add(op == "lookup", depth); err != nil {
		return nil, err
	}
	if v == nil || ok && len(list) == 0 {
		return nil, nil
	}
	if !ok {
		return nil, badTree("%s stands where a list is wanted", describe(v))
	}
	switch {
	case op == "lookup" && len(list) == 3:
		name, ok := list[1].(string)
		if !ok {
			return nil, badTree("the name of a lookup is %s", describe(list[1]))
		}
		return Lookup{name, list[2]}, nil
	case op == "not" && len(list) == 2:
		kid, err := d.tree(list[1], depth+1)
		return Not{kid}, err
	case (op == "and" || op == "or") && len(list) == 2:
		kids, err := d.trees(op, list[1], depth+1)
		if op == "and" {
			return And(kids), err
		}
		return Or(kids), err
	}
	return nil, badTree("a list of %d that begins with %s", len(list), describe(list[0]))
}

func (d *treeDecoder) trees(op string, v any, depth int) ([]Where, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, badTree("after %q stands %s, not a list of conditions", op, describe(v))
	}
	var kids []Where
	for _, e := range list {
		kid, err := d.tree(e, depth)
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
	}
	return kids, nil
}

func badTree(format string, args ...any) error {
	return fail(ErrInvalid, "query", "where", `a condition is ["and"|"or", [condition, …]], ["not", condition] or ["lookup", name, value]`,
		format, args...)
}

// describe names a value in an error, cut short.
func describe(v any) string {
	const most = 60
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		if len(v) > most {
			return fmt.Sprintf("the text %q…", v[:most])
		}
		return fmt.Sprintf("the text %q", v)
	case bool:
		return fmt.Sprintf("the bool %t", v)
	case float32, float64:
		return fmt.Sprintf("the number %v", v)
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return fmt.Sprintf("the whole number %v", v)
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case map[string]any:
		return fmt.Sprintf("a map of %d", len(v))
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	}
	return fmt.Sprintf("a %T", v)
}
