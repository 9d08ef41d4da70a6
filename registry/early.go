package registry

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// Limits of the early try.
const (
	earlySlice  = 1000   // the longest slice that is tried
	earlyEnough = 4_000  // records that are found and sorted as fast
	earlyNear   = 20_000 // records that are looked at where the order is that of the file, about 10 ms
	earlyFar    = 4_000  // and where it is not, so that each record is another page of it
	earlyIndex  = 1_500  // and where one index has all that is asked and ordered by, which is fast for ten times what earlyEnough is
)

// early is a second form of a statement, for slices of an order that an index has: it looks at the first records of that
// order alone. Where enough of them fulfil the condition, they are the answer, and it takes milliseconds whatever the condition;
// SQLite by itself would first find all that fulfil it, a third of a million perhaps, and sort these. Where not, few fulfil it, and
// finding and sorting these is fast.
func (s *statement) early(columns string) (f fragment, ok bool, err error) {
	if !s.sliceOfIndex() || s.least <= earlyEnough {
		return f, false, nil
	}
	key, _ := s.orderedBy()
	first := earlyFar
	switch {
	case key == "created_at" || key == "id":
		first = earlyNear
	case key == "key" && s.inIndex():
		first = earlyIndex
	}
	if first != earlyNear && s.total > 0 && int64(first)*s.least/s.total < s.q.Offset+s.q.Limit {
		return f, false, nil // so few of the first are to be expected; the newest ones have more in common
	}
	probes, err := s.probes()
	if err != nil {
		return f, false, err
	}
	where, order := s.all(probes), strings.ReplaceAll(s.order, rootAlias+".", "")
	f = fragment{
		sql: fmt.Sprintf("SELECT %s FROM (SELECT * FROM %s ORDER BY %s LIMIT %d) %s WHERE %s ORDER BY %s LIMIT ? OFFSET ?",
			columns, quote(string(s.root.Model)), order, first, rootAlias, where.sql, s.order),
		args: slices.Concat(where.args, []any{s.q.Limit, s.q.Offset}),
	}
	return f, true, nil
}

// sliceOfIndex reports whether a short slice is asked for of what a condition leaves, in an order that an index has, but not the
// index of a field that the condition compares: that serves both.
func (s *statement) sliceOfIndex() bool {
	key, ok := s.orderedBy()
	if !ok || s.q.Limit == 0 || s.q.Offset+s.q.Limit > earlySlice || s.q.Of != nil || s.wanted.isTrivial() {
		return false
	}
	alone := key == "created_at" && len(s.conditions) == 1 // beside others it may not be what SQLite begins with
	return !s.wanted.hasLookup(func(l leaf, must bool) bool {
		return must && (len(l.hops) == 0 && l.end.name == key && l.compare != "isnull" || alone && (s.shownOnly || l.end.name == "visibility") && l.inOrder())
	}, true)
}

// inIndex reports whether the condition is one lookup, of a field of whose values an index has the keys.
func (s *statement) inIndex() bool {
	return s.shownOnly && len(s.conditions) == 1 && s.wanted.hasLookup(func(l leaf, must bool) bool {
		return must && (len(l.hops) == 0 && l.end.few || len(l.hops) > 0 && !l.hops[0].many())
	}, true)
}

// orderedBy is the field of the model that the records are ordered by, where it is one and has an index.
func (s *statement) orderedBy() (string, bool) {
	if len(s.q.OrderBy) == 0 {
		return "id", true
	}
	p, _, err := resolve(s.op, s.root, strings.TrimPrefix(s.q.OrderBy[0], "-"))
	if err != nil || len(s.q.OrderBy) > 1 || len(p.hops) > 0 {
		return "", false
	}
	f, ok := s.root.Field(p.end.name)
	return p.end.name, p.end.name == "id" || ok && s.root.indexOf(f) == "("+quote(f.Column())+")" || f.Unique
}

// isTrivial reports whether every record fulfils the condition.
func (n condition) isTrivial() bool {
	return n.op == opLookup && n.leaf.compare == anyVisibility ||
		n.op == opAnd && !slices.ContainsFunc(n.kids, func(k condition) bool { return !k.isTrivial() })
}

// inOrder reports whether the lookup's index gives the records that are shown, or those of another visibility, in the order of
// their making.
func (l leaf) inOrder() bool {
	switch {
	case l.compare != "exact":
		return false
	case len(l.hops) == 0 && l.end.name == "visibility":
		return true
	case len(l.hops) == 1:
		return !l.hops[0].many() && l.end.unique
	}
	return len(l.hops) == 0 && l.end.few
}

// enough reports whether the early form gave all that the slice can have.
func (s *statement) enough(found int) bool { return int64(found) == s.q.Limit }

// ordered runs the statement for columns, the early form first, and gives what each makes of a row.
func ordered[T any](s *statement, columns string, run func(fragment, func(*sql.Rows) error) error, each func(*sql.Rows) (T, error)) ([]T, error) {
	var found []T
	early, ok, err := s.early(columns)
	if err != nil {
		return nil, err
	}
	if ok {
		if err := run(early, collect(&found, each)); err != nil || s.enough(len(found)) {
			return found, err
		}
		found = nil
	}
	err = run(s.rows(columns), collect(&found, each))
	return found, err
}

// collect makes of each a function that appends to found.
func collect[T any](found *[]T, each func(*sql.Rows) (T, error)) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		v, err := each(rows)
		*found = append(*found, v)
		return err
	}
}
