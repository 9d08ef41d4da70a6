package registry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// conjunction compiles conditions that must all hold, and lets those that go through the same relation to many records speak
// of the same one: as Django does for the lookups of one filter.
func (c *compiler) conjunction(kids []condition, at standing) (fragment, error) {
	parts, err := c.parts(kids, at)
	return joined(" AND ", always, parts), err
}

// parts compiles the conditions of a conjunction, those of conjunctions in it too, each by itself.
func (c *compiler) parts(kids []condition, at standing) ([]fragment, error) {
	var out []fragment
	for _, g := range together(kids, at) {
		if first := g.kids[0]; first.op == opAnd { // which has a group of its own
			inner, err := c.parts(first.kids, standing{alias: at.alias})
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
			continue
		}
		f, err := c.group(g, at)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// group is conditions that have to do with each other, and the relations to many that more than one of them goes through.
type group struct {
	kids   []condition
	shared []string // as path.key, the short ones first
}

// together sorts conditions into groups, in the order of the first of each.
func together(kids []condition, at standing) []group {
	users := make(map[string][]int) // of a relation
	for i, k := range kids {
		if k.op == opAnd { // a scope of its own
			continue
		}
		for prefix := range reaches(k) {
			if _, bound := at.bound[prefix]; !bound {
				users[prefix] = append(users[prefix], i)
			}
		}
	}
	home := make([]int, len(kids)) // the first condition of the group that one belongs to
	for i := range home {
		home[i] = i
	}
	for _, list := range users {
		for _, i := range list {
			from, to := max(home[i], home[list[0]]), min(home[i], home[list[0]])
			for j := range home {
				if home[j] == from {
					home[j] = to
				}
			}
		}
	}
	var out []group
	for i := range kids {
		if home[i] != i {
			continue
		}
		var g group
		for j := range kids {
			if home[j] == i {
				g.kids = append(g.kids, kids[j])
			}
		}
		for prefix, list := range users {
			if len(list) > 1 && home[list[0]] == i {
				g.shared = append(g.shared, prefix)
			}
		}
		slices.Sort(g.shared) // a prefix sorts before what it begins
		out = append(out, g)
	}
	return out
}

// reaches is the set of relations to many that the lookups of a condition go through.
func reaches(n condition) map[string]bool {
	out := make(map[string]bool)
	switch n.op {
	case opLookup:
		for _, prefix := range n.leaf.manyPrefixes() {
			out[prefix] = true
		}
	case opOr:
		for _, k := range n.kids {
			maps.Copy(out, reaches(k))
		}
	case opAnd:
		for _, k := range n.kids {
			if k.op != opAnd {
				maps.Copy(out, reaches(k))
			}
		}
	}
	return out
}

func (c *compiler) group(g group, at standing) (fragment, error) {
	if len(g.kids) == 1 {
		return c.where(g.kids[0], at, false)
	}
	for _, k := range g.kids {
		if k.op != opLookup || k.isNull() {
			return c.tangled(g, at)
		}
	}
	// Lookups alone: all of them begin with the same hops, from where one of their relations may be bound.
	first := g.kids[0].leaf
	from := 0
	alias := at.alias
	for n := range first.hops {
		if a, ok := at.bound[first.key(n+1)]; ok {
			from, alias = n+1, a
		}
	}
	to := from + slices.IndexFunc(first.hops[from:], hop.many) + 1
	rest := make([]condition, len(g.kids))
	for i, k := range g.kids {
		k.leaf.hops = k.leaf.hops[to:]
		rest[i] = k
	}
	return c.reach(alias, first.hops[from:to], false, false, func(alias string) (fragment, error) {
		return c.conjunction(rest, standing{alias: alias})
	})
}

// tangled compiles conditions that share relations and are no plain lookups: over all combinations of the related records, with
// a row of NULLs where there are none.
func (c *compiler) tangled(g group, at standing) (fragment, error) {
	inner := standing{alias: at.alias, bound: maps.Clone(at.bound)}
	if inner.bound == nil {
		inner.bound = make(map[string]string)
	}
	var joins strings.Builder
	for _, prefix := range g.shared {
		inner.bound[prefix] = c.outerJoins(&joins, c.hopsOf(g, prefix), inner)
	}
	var parts []fragment
	for _, k := range g.kids {
		f, err := c.where(k, inner, false)
		if err != nil {
			return fragment{}, err
		}
		parts = append(parts, f)
	}
	f := joined(" AND ", always, parts)
	f.sql = fmt.Sprintf("EXISTS (SELECT 1 FROM (SELECT 1)%s WHERE %s)", joins.String(), f.sql)
	f.cost = max(f.cost, costRelated)
	return f, nil
}

// hopsOf finds the hops that a prefix of one of the group's lookups stands for.
func (c *compiler) hopsOf(g group, prefix string) []hop {
	var find func(kids []condition) []hop
	find = func(kids []condition) []hop {
		for _, k := range kids {
			if k.op == opLookup && slices.Contains(k.leaf.manyPrefixes(), prefix) {
				return k.leaf.hops[:strings.Count(prefix, "__")+1]
			}
			if k.op == opAnd || k.op == opOr {
				if hops := find(k.kids); hops != nil {
					return hops
				}
			}
		}
		return nil
	}
	return find(g.kids)
}

// outerJoins writes the joins that lead along hops, from the last record on the way that is bound, and gives the alias at the end.
func (c *compiler) outerJoins(w *strings.Builder, hops []hop, at standing) string {
	from := 0
	alias := at.alias
	for n := range hops {
		if a, ok := at.bound[path{hops: hops}.key(n+1)]; ok {
			from, alias = n+1, a
		}
	}
	for _, s := range hops[from:] {
		a := c.alias()
		table := quote(string(s.to.Model))
		switch {
		case s.column != "":
			fmt.Fprintf(w, " LEFT JOIN %s %s ON %s.id = %s.%s", table, a, a, alias, quote(s.column))
		case s.back != "":
			fmt.Fprintf(w, " LEFT JOIN %s %s ON %s.%s = %s.id", table, a, a, quote(s.back), alias)
		default:
			link := c.alias()
			fmt.Fprintf(w, " LEFT JOIN %s %s ON %s.%s = %s.id", s.link.Link, link, link, s.link.Own, alias)
			fmt.Fprintf(w, " LEFT JOIN %s %s ON %s.id = %s.%s", table, a, a, link, s.link.Other)
		}
		alias = a
	}
	return alias
}
