package registry

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// rootAlias is the alias of the table of the model that is asked for.
const rootAlias = "t"

// statement is a query that is compiled but for what is selected.
type statement struct {
	compiler
	q         Query
	table     string // what stands behind FROM
	args      []any  // of table
	related   fragment
	wanted    condition
	shownOnly bool // the visibility is 0
	where     fragment
	order     string

	conditions []fragment // of where, the user's
	least      int64      // how many records the narrowest of them leaves, as far as is known
	total      int64      // about how many records there are, where least is all that it leaves; else 0
}

// compile makes SQL of a query.
func compile(q Query) (*statement, error) {
	t, err := TableOf(q.Model)
	if err != nil {
		return nil, err
	}
	if q.Offset < 0 || q.Limit < 0 {
		return nil, fail(ErrInvalid, "query", "limit", "", "offset %d and limit %d must not be negative", q.Offset, q.Limit)
	}
	s := &statement{compiler: compiler{op: "query", root: t, texts: q.Texts}, q: q, table: quote(string(t.Model)) + " " + rootAlias,
		least: math.MaxInt64}
	linkOrder := ""
	s.related = always
	if q.Of != nil {
		if s.related, linkOrder, err = s.of(*q.Of); err != nil {
			return nil, err
		}
	}
	if s.wanted, err = s.read(q.Where); err != nil {
		return nil, err
	}
	s.shownOnly = t.Has("visibility") && !q.All && !s.wanted.hasLookup(speaksOfVisibility, true)
	if s.where, err = s.condition(-1); err != nil {
		return nil, err
	}
	if s.order, err = s.compiler.order(q.OrderBy, rootAlias, q.Reverse); err != nil {
		return nil, err
	}
	if linkOrder != "" && len(q.OrderBy) == 0 {
		if q.Reverse {
			var down bool
			if linkOrder, down = strings.CutSuffix(linkOrder, " DESC"); !down {
				linkOrder += " DESC"
			}
		}
		s.order = linkOrder + ", " + s.order
	}
	return s, nil
}

// speaksOfVisibility reports whether a lookup lets records be seen that are not shown otherwise: one of visibility, wherever it
// stands; and one that names records, where it must hold.
func speaksOfVisibility(l leaf, must bool) bool {
	if len(l.hops) > 0 {
		return false
	}
	switch l.end.name {
	case "visibility":
		return true
	case "id", "uid", "hash":
		return must && (l.compare == "exact" || l.compare == "in" || l.compare == "startswith" && l.end.name == "uid")
	}
	return false
}

// hasLookup reports whether one of the lookups is as said; must tells it whether the lookup has to hold for the condition to.
func (n condition) hasLookup(is func(l leaf, must bool) bool, must bool) bool {
	if n.op == opLookup {
		return is(n.leaf, must)
	}
	must = must && (n.op == opAnd || n.op == opOr && len(n.kids) == 1 && !n.several)
	return slices.ContainsFunc(n.kids, func(k condition) bool { return k.hasLookup(is, must) })
}

// of compiles that a record stands in a relation to another, and the order of that relation.
func (s *statement) of(of Of) (fragment, string, error) {
	from, err := TableOf(of.Model)
	if err != nil {
		return fragment{}, "", err
	}
	table := quote(string(from.Model))
	if of.Relation == "versions" && from == s.root && from.Stem > 0 {
		return fragment{sql: fmt.Sprintf("%s.stem_uid = (SELECT stem_uid FROM %s WHERE uid = ?)", rootAlias, table), args: []any{of.UID}}, rootAlias + ".uid DESC", nil
	}
	h, ok := namesOf()[from].hop(of.Relation)
	if !ok || h.to != s.root {
		var known []string
		for name, h := range namesOf()[from].hops {
			if h.to == s.root {
				known = append(known, name)
			}
		}
		slices.Sort(known)
		return fragment{}, "", fail(ErrUnknownField, s.op, fmt.Sprintf("%s.%s", of.Model, of.Relation), nearest(of.Relation, known),
			"%q is no relation from %s to %s; there are %s", of.Relation, of.Model, s.root.Model, strings.Join(known, ", "))
	}
	id := fmt.Sprintf("(SELECT id FROM %s WHERE uid = ?)", table)
	args := []any{of.UID}
	switch {
	case h.column != "":
		return fragment{sql: fmt.Sprintf("%s.id = (SELECT %s FROM %s WHERE uid = ?)", rootAlias, quote(h.column), table), args: args}, "", nil
	case h.back != "":
		return fragment{sql: fmt.Sprintf("%s.%s = %s", rootAlias, quote(h.back), id), args: args}, "", nil
	}
	if h.link.Order == "" {
		return fragment{sql: fmt.Sprintf("%s.id IN (SELECT %s FROM %s WHERE %s = %s)", rootAlias, h.link.Other, h.link.Link, h.link.Own, id), args: args}, "", nil
	}
	s.table = fmt.Sprintf("%s l JOIN %s ON %s.id = l.%s AND l.%s = %s", h.link.Link, s.table, rootAlias, h.link.Other, h.link.Own, id)
	s.args = args
	return always, "l." + h.link.Order, nil
}

// rows selects columns of the records, in order.
func (s *statement) rows(columns string) fragment {
	if s.sliceOfIndex() {
		return s.late(columns)
	}
	f := s.body("SELECT " + columns)
	f.sql += " ORDER BY " + s.order
	return s.slice(f)
}

// late selects columns of a slice once it is found: until then a record is its id and what it is ordered by, for which an index may
// do, however many fulfil the condition.
func (s *statement) late(columns string) fragment {
	f := s.body("SELECT " + rootAlias + ".id")
	f.sql += " ORDER BY " + s.order
	f = s.slice(f)
	f.sql = fmt.Sprintf("SELECT %s FROM (%s) found CROSS JOIN %s ON %s.id = found.id ORDER BY %s", columns, f.sql, s.table, rootAlias, s.order)
	return f
}

// slice bounds a statement.
func (s *statement) slice(f fragment) fragment {
	limit := s.q.Limit
	if limit == 0 {
		if s.q.Offset == 0 {
			return f
		}
		limit = -1
	}
	f.sql += " LIMIT ? OFFSET ?"
	f.args = append(f.args, limit, s.q.Offset)
	return f
}

// body is the statement up to the condition.
func (s *statement) body(head string) fragment {
	return fragment{sql: head + " FROM " + s.table + " WHERE " + s.where.sql, args: slices.Concat(s.args, s.where.args)}
}

func (s *statement) count() fragment {
	if s.q.Limit == 0 && s.q.Offset == 0 {
		return s.body("SELECT count(*)")
	}
	f := s.slice(s.body("SELECT 1"))
	f.sql = "SELECT count(*) FROM (" + f.sql + ")"
	return f
}

func (s *statement) exists() fragment {
	f := s.slice(s.body("SELECT 1"))
	f.sql = "SELECT EXISTS (" + f.sql + ")"
	return f
}

// values is the columns for fields, and what makes values of what they hold.
func (s *statement) values(fields []string) (columns []string, loaders []func(any) (any, error), err error) {
	if len(fields) == 0 {
		return nil, nil, fail(ErrInvalid, s.op, "fields", "", "the list of fields is empty")
	}
	for _, name := range fields {
		p, rest, err := resolve(s.op, s.root, name)
		if err == nil && len(rest) > 0 {
			err = fail(ErrInvalid, s.op, "fields", "", "%q is a comparison; a field is wanted", name)
		}
		if err != nil {
			return nil, nil, err
		}
		many := slices.ContainsFunc(p.hops, hop.many)
		columns, loaders = append(columns, s.value(p, many)), append(loaders, p.end.load(many))
	}
	return columns, loaders, nil
}

// distinct selects columns of the records, each row once, at the place where it comes first.
func (s *statement) distinct(columns []string) fragment {
	var list, names []string
	for i, c := range columns {
		names = append(names, fmt.Sprintf("v%d", i))
		list = append(list, c+" AS "+names[i])
	}
	f := s.body(fmt.Sprintf("SELECT %s, row_number() OVER (ORDER BY %s) AS place", strings.Join(list, ", "), s.order))
	all := strings.Join(names, ", ")
	f.sql = fmt.Sprintf("SELECT %s FROM (%s) GROUP BY %s ORDER BY min(place)", all, f.sql, all)
	return s.slice(f)
}

// value is the SQL of a field that may lie across relations.
func (s *statement) value(p path, many bool) string {
	if len(p.hops) == 0 {
		return rootAlias + "." + quote(p.end.sql)
	}
	from, last, order := s.along(p.hops, rootAlias)
	col := last + "." + quote(p.end.sql)
	if many {
		return fmt.Sprintf("(SELECT json_group_array(v) FROM (SELECT %s AS v%s AND %s IS NOT NULL ORDER BY %s))", col, from, col, order)
	}
	return "(SELECT " + col + from + ")"
}
