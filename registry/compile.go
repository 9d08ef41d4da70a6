package registry

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// compiler makes SQL of a [Where]. Its names are those of Schema; every value of the user's becomes a parameter.
type compiler struct {
	op       string // of errors
	root     *Table
	texts    bool // values are words of a command line
	probing  bool // records are looked at one by one: related ones are looked for from there
	aliases  int
	patterns []*regexp.Regexp
}

// treeOp is what a node of a condition does.
type treeOp uint8

// anyVisibility is the comparison of visibility=None: every record has some.
const anyVisibility = "any"

const (
	opAnd treeOp = iota // of nothing: true
	opOr
	opNot
	opLookup
)

// condition is a node of a tree with its lookup read.
type condition struct {
	op   treeOp
	kids []condition
	leaf leaf // of a lookup

	several bool // an Or of several, which may be one list of values by now
}

// leaf is one lookup: where it goes, and what it asks there. from counts the hops that have been taken.
type leaf struct {
	path
	text    string // as the user wrote it
	compare string
	value   any
}

func (c condition) isNull() bool {
	return c.op == opLookup && c.leaf.compare == "isnull" && c.leaf.value == true
}

// standing is a record in the SQL that is being written: its alias, and the aliases of records that it is related to and that
// lookups share, by the path that leads there.
type standing struct {
	alias string
	bound map[string]string
}

func (c *compiler) alias() string {
	c.aliases++
	return fmt.Sprintf("t%d", c.aliases)
}

// match gives a regular expression a function of the connection.
func (c *compiler) match(re *regexp.Regexp) (string, error) {
	for i, have := range c.patterns {
		if have.String() == re.String() {
			return matchFunc(i), nil
		}
	}
	if len(c.patterns) == maxPatterns {
		return "", fmt.Errorf("a query can have %d regular expressions; this is one more", maxPatterns)
	}
	c.patterns = append(c.patterns, re)
	return matchFunc(len(c.patterns) - 1), nil
}

// read resolves the lookups of a condition and holds its limits, for those that were made by hand too.
func (c *compiler) read(w Where) (condition, error) {
	var size treeSize
	var read func(w Where, depth int) (condition, error)
	all := func(op treeOp, list []Where, depth int) (condition, error) {
		out := condition{op: op}
		for _, w := range list {
			kid, err := read(w, depth+1)
			if err != nil {
				return condition{}, err
			}
			out.kids = append(out.kids, kid)
		}
		if op == opOr {
			out.several = len(out.kids) > 1
			out.kids = folded(out.kids)
		}
		return out, nil
	}
	read = func(w Where, depth int) (condition, error) {
		_, isLookup := w.(Lookup)
		if err := size.add(isLookup, depth); err != nil {
			return condition{}, err
		}
		switch w := w.(type) {
		case nil:
			return condition{op: opAnd}, nil
		case And:
			return all(opAnd, w, depth)
		case Or:
			return all(opOr, w, depth)
		case Not:
			return all(opNot, []Where{w.Where}, depth)
		case Lookup:
			l, err := c.readLeaf(w)
			return condition{op: opLookup, leaf: l}, err
		}
		return condition{}, badTree("%T is no condition", w)
	}
	return read(w, 1)
}

func (c *compiler) readLeaf(t Lookup) (leaf, error) {
	p, rest, err := resolve(c.op, c.root, t.Path)
	if err != nil {
		return leaf{}, err
	}
	l := leaf{path: p, text: t.Path, compare: "exact", value: t.Value}
	if len(rest) > 0 {
		l.compare = rest[0]
	}
	typ := p.end.typ
	if p.bare {
		typ = Ref
	}
	known := comparisonsFor(typ)
	switch {
	case len(rest) > 1:
		return leaf{}, c.bad(t, "", "after %q can only stand one comparison, not %q", p.end.name, strings.Join(rest, "__"))
	case !slices.Contains(known, l.compare):
		hint := nearest(l.compare, known)
		return leaf{}, c.bad(t, hint, "%q is no comparison for a %s; there are %s", l.compare, typ, strings.Join(known, ", "))
	}
	if c.texts {
		if l.value, err = typ.fromWord(l.compare, t.Value); err != nil {
			return leaf{}, c.bad(t, "", "%w", err)
		}
	}
	if l.value == nil && l.compare == "exact" && len(l.hops) == 0 && l.end.name == "visibility" {
		l.compare = anyVisibility
		return l, nil
	}
	if l.value == nil && (l.compare == "exact" || l.compare == "iexact") {
		l.compare, l.value = "isnull", true
	}
	if l.compare != "isnull" {
		return l, nil
	}
	if _, isBool := l.value.(bool); !isBool {
		return leaf{}, c.bad(t, "", "isnull takes True or False, not %s", describe(l.value))
	}
	if l.bare { // the record itself, by the column that leads to it, or by its id
		l.end = column{name: l.end.name, sql: "id"}
		if last := len(l.hops) - 1; !l.hops[last].many() {
			l.end = column{name: l.hops[last].name, sql: l.hops[last].column, null: l.hops[last].null}
			l.hops, l.bare = l.hops[:last], false
		}
	}
	return l, nil
}

// fromWord makes the value of a comparison out of a word of a command line; lists are separated by commas.
func (t Type) fromWord(compare string, v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return v, nil
	}
	switch compare {
	case "isnull":
		return Bool.fromText(s)
	case "in", "range":
		var list []any
		for part := range strings.SplitSeq(s, ",") {
			e, err := t.fromText(part)
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		return list, nil
	}
	return t.fromText(s)
}

func (c *compiler) bad(t Lookup, hint, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: ErrInvalid, Op: c.op, Object: fmt.Sprintf("%s.%s", c.root.Model, t.Path), Hint: hint, Err: err}
}

// where compiles a condition. Inside a negation it is strict: never NULL, so that NOT turns it round.
func (c *compiler) where(n condition, at standing, strict bool) (fragment, error) {
	switch n.op {
	case opLookup:
		return c.lookup(n.leaf, at, strict)
	case opNot:
		f, err := c.where(n.kids[0], standing{alias: at.alias}, true)
		return fragment{sql: "NOT (" + f.sql + ")", args: f.args, cost: f.cost}, err
	case opOr:
		return c.any(n.kids, at, strict)
	}
	if strict {
		parts, err := c.each(n.kids, at, true)
		return joined(" AND ", always, parts), err
	}
	return c.conjunction(n.kids, at)
}

// from gives the hops from the nearest record on a lookup's way that is bound, and the alias of that.
func (l leaf) from(at standing) ([]hop, string) {
	for n := len(l.hops); n > 0; n-- {
		if a, ok := at.bound[l.key(n)]; ok {
			return l.hops[n:], a
		}
	}
	return l.hops, at.alias
}

// each compiles conditions that stand beside each other.
func (c *compiler) each(kids []condition, at standing, strict bool) ([]fragment, error) {
	parts := make([]fragment, len(kids))
	for i, k := range kids {
		var err error
		if parts[i], err = c.where(k, at, strict); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// joined puts parts together, the cheap ones first. Many become a tree of parentheses, since SQLite refuses a chain of a thousand.
func joined(with string, none fragment, parts []fragment) fragment {
	if len(parts) == 0 {
		return none
	}
	slices.SortStableFunc(parts, func(a, b fragment) int { return cmp.Compare(a.cost, b.cost) })
	out := fragment{cost: parts[len(parts)-1].cost}
	var ids []string
	for _, p := range parts {
		out.args = append(out.args, p.args...)
		if p.ids != "" {
			ids = append(ids, p.ids)
		}
	}
	if with == " OR " && len(ids) == len(parts) {
		if all := strings.Join(ids, union); strings.Count(all, union) < mostUnited {
			out.ids = all
		} else if !slices.ContainsFunc(parts, func(p fragment) bool { return !p.own }) {
			parts = united(parts)
		}
	}
	var text strings.Builder
	writeJoined(&text, with, parts)
	out.sql = text.String()
	return out
}

func writeJoined(w *strings.Builder, with string, parts []fragment) {
	const few = 8
	if len(parts) == 1 {
		w.WriteString(parts[0].sql)
		return
	}
	w.WriteByte('(')
	step := max(1, (len(parts)+few-1)/few)
	for i := 0; i < len(parts); i += step {
		if i > 0 {
			w.WriteString(with)
		}
		writeJoined(w, with, parts[i:min(i+step, len(parts))])
	}
	w.WriteByte(')')
}

// lookup compiles one lookup, from the nearest record on its way that is bound.
func (c *compiler) lookup(l leaf, at standing, strict bool) (fragment, error) {
	hops, alias := l.from(at)
	switch {
	case l.compare == anyVisibility:
		return always, nil
	case l.compare == "isnull" && l.value == true:
		return c.absent(l, alias, hops), nil
	}
	f, err := c.reach(alias, hops, strict, l.unique(), func(alias string) (fragment, error) { return c.compareEnd(l, alias, strict) })
	if err != nil {
		return fragment{}, c.bad(Lookup{Path: l.text}, "", "%w", err)
	}
	if alias == rootAlias && !strict && f.ids == "" && l.end.indexed && len(hops) == 0 && f.cost == costCompare {
		f.ids, f.own = fmt.Sprintf("SELECT id FROM %s %s WHERE %s", quote(string(c.root.Model)), rootAlias, f.sql), true
	}
	return f, nil
}

// unique reports whether no two records can fulfil the lookup's comparison.
func (l leaf) unique() bool { return l.compare == "exact" && l.end.unique }

func (c *compiler) compareEnd(l leaf, alias string, strict bool) (fragment, error) {
	col := alias + "." + quote(l.end.sql)
	if l.compare == "isnull" {
		return fragment{sql: col + " IS NOT NULL"}, nil
	}
	f, err := comparisons[l.compare].make(c, col, l.end.typ, l.value)
	if l.end.sql == "visibility" && l.compare == "exact" && err == nil && f.args[0] != Visible {
		f.sql = "(" + f.sql + " AND " + col + " > 0)" // which lets SQLite use an index of those that are not shown
	}
	if strict && l.end.null && f.sql != never.sql {
		f.sql = fmt.Sprintf("(%s IS NOT NULL AND %s)", col, f.sql)
	}
	return f, err
}

// reach compiles that a record at the end of hops is as inner says. A relation becomes IN, from which SQLite can begin, or, in
// negations and where records are looked at one by one, EXISTS. one says that inner finds at most one record, so that an index on the way serves an order too.
func (c *compiler) reach(alias string, hops []hop, strict, one bool, inner func(alias string) (fragment, error)) (fragment, error) {
	if len(hops) == 0 {
		return inner(alias)
	}
	s, a := hops[0], c.alias()
	strict = strict || c.probing
	one = one && len(hops) == 1
	f, err := c.reach(a, hops[1:], strict, one, inner)
	if err != nil {
		return fragment{}, err
	}
	f.cost = max(f.cost, costRelated)
	if s.back != "" {
		f.sql, f.ids = s.backSQL(alias, a, f.sql, strict)
		return f, nil
	}
	link := c.alias()
	col := alias + "." + quote(s.column)
	if s.many() {
		col = link + "." + s.link.Other
	}
	is := " IN "
	if one {
		is = " = "
	}
	f.sql = fmt.Sprintf("%s%s(SELECT %s.id FROM %s %s WHERE %s)", col, is, a, quote(string(s.to.Model)), a, f.sql)
	switch {
	case s.many() && strict:
		f.sql = fmt.Sprintf("EXISTS (SELECT 1 FROM %s %s WHERE %s.%s = %s.id AND %s)", s.link.Link, link, link, s.link.Own, alias, f.sql)
	case s.many():
		f.ids = fmt.Sprintf("SELECT %s.%s FROM %s %s WHERE %s", link, s.link.Own, s.link.Link, link, f.sql)
		f.sql = fmt.Sprintf("%s.id IN (%s)", alias, f.ids)
	case strict && one: // nothing found there compares to NULL
		f.sql = "coalesce(" + f.sql + ", 0)"
	case strict && s.null:
		f.sql = fmt.Sprintf("(%s IS NOT NULL AND %s)", col, f.sql)
	}
	return f, nil
}

// backSQL compiles that one of the records that point to alias is as inner says of a; ids as in fragment.
func (s hop) backSQL(alias, a, inner string, strict bool) (sql, ids string) {
	table, col := quote(string(s.to.Model)), a+"."+quote(s.back)
	if strict {
		return fmt.Sprintf("EXISTS (SELECT 1 FROM %s %s WHERE %s = %s.id AND %s)", table, a, col, alias, inner), ""
	}
	ids = fmt.Sprintf("SELECT %s FROM %s %s WHERE %s IS NOT NULL AND %s", col, table, a, col, inner)
	return fmt.Sprintf("%s.id IN (%s)", alias, ids), ids
}

// absent compiles isnull=True: nothing at the end of the hops, or something without a value. It is never NULL.
func (c *compiler) absent(l leaf, alias string, hops []hop) fragment {
	if len(hops) == 0 {
		return fragment{sql: alias + "." + quote(l.end.sql) + " IS NULL"}
	}
	s := hops[0]
	if s.column != "" {
		col := alias + "." + quote(s.column)
		a := c.alias()
		f := c.absent(l, a, hops[1:])
		f.sql = fmt.Sprintf("%s IN (SELECT %s.id FROM %s %s WHERE %s)", col, a, quote(string(s.to.Model)), a, f.sql)
		if s.null {
			f.sql = fmt.Sprintf("(%s IS NULL OR %s)", col, f.sql)
		}
		f.cost = costRelated
		return f
	}
	none := fragment{sql: "NOT " + c.exists(s, alias, "", "1"), cost: costRelated}
	if len(hops) == 1 && l.bare {
		return none
	}
	a := c.alias()
	rest := c.absent(l, a, hops[1:])
	none.sql = fmt.Sprintf("(%s OR %s)", none.sql, c.exists(s, alias, a, rest.sql))
	return none
}

// exists compiles that a hop to many leads to a record, a, that is as inner says; without a, to any.
func (c *compiler) exists(s hop, alias, a, inner string) string {
	if s.back != "" {
		sql, _ := s.backSQL(alias, cmp.Or(a, c.alias()), inner, true)
		return sql
	}
	link := c.alias()
	join := ""
	if a != "" {
		join = fmt.Sprintf(" JOIN %s %s ON %s.id = %s.%s", quote(string(s.to.Model)), a, a, link, s.link.Other)
	}
	return fmt.Sprintf("EXISTS (SELECT 1 FROM %s %s%s WHERE %s.%s = %s.id AND %s)", s.link.Link, link, join, link, s.link.Own, alias, inner)
}

// jsonList is a list of parameters as one.
func jsonList(values []any) (string, error) {
	kept := slices.DeleteFunc(slices.Clone(values), func(v any) bool {
		f, ok := v.(float64)
		return ok && math.IsInf(f, 0) // JSON has no such number, and no whole number is equal to it
	})
	b, err := json.Marshal(kept)
	if err != nil {
		return "", errors.New("the list can not be passed on")
	}
	return string(b), nil
}
