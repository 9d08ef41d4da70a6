package registry

import (
	"context"
	"fmt"
	"strings"
)

// Where is a condition: [And], [Or], [Not] or [Lookup].
type Where interface{ where() }

// And holds where all of its parts do; the empty one always.
type And []Where

// Or holds where one of its parts does; the empty one never.
type Or []Where

// Not holds where its part does not.
type Not struct{ Where Where }

// Lookup compares a field with a value: "key" or "key__exact", "size__gt", "run__transform__key__contains".
type Lookup struct {
	Path  string
	Value any
}

func (And) where()    {}
func (Or) where()     {}
func (Not) where()    {}
func (Lookup) where() {}

// Query asks for records of a model.
type Query struct {
	Model    Model
	Where    Where    // nil: all
	OrderBy  []string // fields, "-" before one: descending; the id comes last
	Of       *Of      // only those that stand in a relation to a record
	All      bool     // whatever the visibility; else those that are shown, unless Where speaks of visibility, id, uid or hash
	Distinct bool
	Offset   int64
	Limit    int64 // 0: no limit
}

// Of names a record and one of its relations.
type Of struct {
	Model    Model
	UID      string
	Relation string
}

// Get is the record of a uid; [ErrNoRecord] where there is none.
func (db *DB) Get(ctx context.Context, m Model, uid string) (Record, error) {
	t, err := TableOf(m)
	if err != nil {
		return nil, err
	}
	found, err := t.records(db.read.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s t WHERE t.uid = ?", t.columns("t"), quote(string(m))), uid))
	if err != nil {
		return nil, db.explain("get", err)
	}
	if len(found) == 0 {
		return nil, noRecord("get", m, uid)
	}
	return found[0], nil
}

// Records gives the records that a query asks for.
func (db *DB) Records(ctx context.Context, q Query) ([]Record, error) {
	t, err := TableOf(q.Model)
	if err != nil {
		return nil, err
	}
	condition, args, err := t.compile(q.Where)
	if err != nil {
		return nil, err
	}
	order, err := t.order(q.OrderBy)
	if err != nil {
		return nil, err
	}
	limit := q.Limit
	if limit == 0 {
		limit = -1
	}
	sql := fmt.Sprintf("SELECT %s FROM %s t WHERE %s ORDER BY %s LIMIT ? OFFSET ?", t.columns("t"), quote(string(q.Model)), condition, order)
	found, err := t.records(db.read.QueryContext(ctx, sql, append(args, limit, q.Offset)...))
	return found, db.explain("query", err)
}

// compile makes SQL of a condition: fields of known names only, every value a parameter.
func (t *Table) compile(w Where) (string, []any, error) {
	switch w := w.(type) {
	case nil:
		return "1", nil, nil
	case And:
		return t.join(w, " AND ", "1")
	case Or:
		return t.join(w, " OR ", "0")
	case Not:
		s, args, err := t.compile(w.Where)
		return "NOT (" + s + ")", args, err
	case Lookup:
		name := strings.TrimSuffix(w.Path, "__exact")
		f, ok := t.Field(name)
		if !ok {
			return "", nil, t.unknownField(ErrUnknownField, "query", name)
		}
		v, err := f.canonical(w.Value)
		if err != nil {
			return "", nil, fail(ErrInvalid, "query", w.Path, "", "%v", err)
		}
		if f.Type == Ref {
			return fmt.Sprintf("t.%s IS (SELECT id FROM %s WHERE uid = ?)", quote(f.Column()), quote(string(f.To))), []any{v}, nil
		}
		if v, err = f.stored(v); err != nil {
			return "", nil, err
		}
		return fmt.Sprintf("t.%s IS ?", quote(f.Name)), []any{v}, nil
	}
	return "", nil, fail(ErrInvalid, "query", "where", "", "%T is no condition", w)
}

func (t *Table) join(parts []Where, with, empty string) (string, []any, error) {
	var list []string
	var args []any
	for _, p := range parts {
		s, a, err := t.compile(p)
		if err != nil {
			return "", nil, err
		}
		list, args = append(list, "("+s+")"), append(args, a...)
	}
	if len(list) == 0 {
		return empty, nil, nil
	}
	return strings.Join(list, with), args, nil
}

func (t *Table) order(by []string) (string, error) {
	var list []string
	for _, name := range by {
		bare, descending := strings.CutPrefix(name, "-")
		f, ok := t.Field(bare)
		if !ok {
			return "", t.unknownField(ErrUnknownField, "query", bare)
		}
		s := "t." + quote(f.Column())
		if descending {
			s += " DESC"
		}
		list = append(list, s)
	}
	return strings.Join(append(list, "t.id"), ", "), nil
}
