package registry

import (
	"fmt"
	"slices"
	"strings"
)

// order compiles the fields that records are ordered by, "-" before a name meaning the highest first. Records that are equal in
// all of them come in the order of their ids, turned as the last field is, so that one index serves all and slices are stable. All of
// it may be turned round.
func (c *compiler) order(by []string, alias string, turned bool) (string, error) {
	var list, seen []string
	directions := map[bool]string{turned: "", !turned: " DESC"} // by whether the highest comes first
	direction := directions[false]
	for _, name := range by {
		bare, descending := strings.CutPrefix(name, "-")
		p, rest, err := resolve(c.op, c.root, bare)
		if err != nil {
			return "", err
		}
		if len(rest) > 0 || p.bare && strings.HasSuffix(bare, "__isnull") {
			return "", fail(ErrInvalid, c.op, "order_by", "", "%q is a comparison; records are ordered by fields", name)
		}
		direction = directions[descending]
		again := bare
		if slices.ContainsFunc(p.hops, hop.many) {
			again = name // the lowest and the highest are two things
		}
		if slices.Contains(seen, again) { // it would decide nothing
			continue
		}
		seen = append(seen, again)
		list = append(list, c.sortKey(p, alias, descending)+direction)
	}
	if !slices.Contains(seen, "id") {
		list = append(list, alias+".id"+direction)
	}
	return strings.Join(list, ", "), nil
}

// sortKey is one value for each record: over a relation to many, the lowest, or the highest where the highest comes first.
func (c *compiler) sortKey(p path, alias string, descending bool) string {
	if p.bare {
		p = path{hops: p.hops, end: namesOf()[p.hops[len(p.hops)-1].to].columns["id"]}.shorter()
	}
	if len(p.hops) == 0 {
		return alias + "." + quote(p.end.sql)
	}
	from, last, _ := c.along(p.hops, alias)
	value := last + "." + quote(p.end.sql)
	if slices.ContainsFunc(p.hops, hop.many) {
		pick := "min"
		if descending {
			pick = "max"
		}
		value = pick + "(" + value + ")"
	}
	return "(SELECT " + value + from + ")"
}

// along writes FROM and WHERE of a subquery over all records at the end of hops, and gives the alias there and their order.
func (c *compiler) along(hops []hop, alias string) (from, last, order string) {
	var w strings.Builder
	var first string // joins the subquery to the record outside
	for i, s := range hops {
		a := c.alias()
		table := quote(string(s.to.Model)) + " " + a
		on := ""
		order = a + ".id"
		switch {
		case s.column != "":
			on = fmt.Sprintf("%s.id = %s.%s", a, alias, quote(s.column))
		case s.back != "":
			on = fmt.Sprintf("%s.%s = %s.id", a, quote(s.back), alias)
		default:
			link := c.alias()
			on = fmt.Sprintf("%s.%s = %s.id", link, s.link.Own, alias)
			if s.link.Order != "" {
				order = link + "." + s.link.Order
			}
			table = fmt.Sprintf("%s %s JOIN %s ON %s.id = %s.%s", s.link.Link, link, table, a, link, s.link.Other)
		}
		if i == 0 {
			first = on
			fmt.Fprintf(&w, " FROM %s", table)
		} else if s.many() && s.back == "" {
			fmt.Fprintf(&w, " JOIN %s AND %s", table, on)
		} else {
			fmt.Fprintf(&w, " JOIN %s ON %s", table, on)
		}
		alias = a
	}
	fmt.Fprintf(&w, " WHERE %s", first)
	return w.String(), alias, order
}
