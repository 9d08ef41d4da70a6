package registry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// folded makes of the lookups of an Or that ask one field for values one that asks for any of them: SQLite finds a list as fast as one value,
// and takes seconds to plan thousands of conditions.
func folded(kids []condition) []condition {
	out := make([]condition, 0, len(kids))
	first := make(map[string]int) // the place in out of the lookups of a path
	for _, k := range kids {
		key, ok := k.foldKey()
		if !ok {
			out = append(out, k)
			continue
		}
		i, known := first[key]
		if !known {
			first[key] = len(out)
			out = append(out, k)
			continue
		}
		one := &out[i].leaf
		if one.compare == "exact" {
			one.compare, one.value = "in", []any{one.value}
		}
		one.value = append(one.value.([]any), k.leaf.value)
	}
	return out
}

// foldKey names what a lookup asks, if a list of its values asks the same; that of a value that its field can not have stays alone, so that the
// error is about that.
func (n condition) foldKey() (key string, ok bool) {
	l := n.leaf
	if n.op != opLookup || l.compare != "exact" || l.end.name == "visibility" {
		return "", false
	}
	typ := l.end.typ
	if l.bare {
		typ = Ref
	}
	if _, err := typ.parameter(l.value); err != nil {
		return "", false
	}
	return l.key(len(l.hops)) + "." + l.end.sql, true
}

// any compiles an Or. Of very many lookups that go over the same relations, one way leads there: each would be planned for itself.
func (c *compiler) any(kids []condition, at standing, strict bool) (fragment, error) {
	ways := make(map[string][]condition)
	for _, k := range kids {
		ways[k.way()] = append(ways[k.way()], k)
	}
	var parts []fragment
	var rest []condition
	for _, way := range slices.Sorted(maps.Keys(ways)) {
		same := ways[way]
		if way == "" || len(same) <= mostUnited {
			rest = append(rest, same...)
			continue
		}
		f, err := c.oneWay(same, at, strict)
		if err != nil {
			return fragment{}, err
		}
		parts = append(parts, f)
	}
	others, err := c.each(rest, at, strict)
	return joined(" OR ", never, append(parts, others...)), err
}

// way names the relations that a lookup of a value goes over; "" for none, and for what else a condition is.
func (n condition) way() string {
	if n.op != opLookup || n.leaf.compare == "isnull" {
		return ""
	}
	return n.leaf.key(len(n.leaf.hops))
}

// oneWay compiles that one of the records at the end of relations is as one of several lookups says.
func (c *compiler) oneWay(same []condition, at standing, strict bool) (fragment, error) {
	hops, alias := same[0].leaf.from(at)
	return c.reach(alias, hops, strict, false, func(alias string) (fragment, error) {
		ends := make([]fragment, len(same))
		for i, k := range same {
			var err error
			if ends[i], err = c.compareEnd(k.leaf, alias, strict); err != nil {
				return fragment{}, c.bad(Lookup{Path: k.leaf.text}, "", "%w", err)
			}
		}
		return joined(" OR ", never, ends), nil
	})
}

// union stands between the selects of ids in one, of which mostUnited are the most: SQLite takes 500.
const (
	union      = " UNION ALL "
	mostUnited = 100
)

// united makes of conditions, for each of which SQLite can find the records, few that find those of a hundred: for as many that stand side
// by side, the time that SQLite plans grows with their square.
func united(parts []fragment) []fragment {
	var out []fragment
	for len(parts) > 0 {
		n, ids := 0, ""
		for ; n < len(parts) && strings.Count(ids, union) < mostUnited-1; n++ {
			if n > 0 {
				ids += union
			}
			ids += parts[n].ids
		}
		out = append(out, fragment{sql: fmt.Sprintf("%s.id IN (%s)", rootAlias, ids)})
		parts = parts[n:]
	}
	return out
}
