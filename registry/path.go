package registry

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// hop leads from a record to another model's. Exactly one of column, link and back is there.
type hop struct {
	name   string
	to     *Table
	column string   // to one: the own column with its id
	null   bool     // of column: it may be absent
	link   Relation // to many, through a table of links
	back   string   // to many: the column of to that points here
}

// many reports whether the hop may lead to more than one record.
func (s hop) many() bool { return s.column == "" }

// maxHops is how many relations a path goes over at most.
const maxHops = 12

// column is where a path ends.
type column struct {
	name    string // as users write it
	sql     string
	typ     Type
	null    bool
	unique  bool
	few     bool // many records have the same value
	indexed bool
}

// path is a field reached over relations.
type path struct {
	hops []hop
	end  column
	bare bool // the text ended at the relation itself, and end is the uid behind it
}

// manyPrefixes are the beginnings of the path that lead to many records, as keys.
func (p path) manyPrefixes() []string {
	var out []string
	for i, s := range p.hops {
		if s.many() {
			out = append(out, p.key(i+1))
		}
	}
	return out
}

// key names the first n hops.
func (p path) key(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = p.hops[i].name
	}
	return strings.Join(names, "__")
}

// otherNames are names that users of lamindb know, beside those of Schema.
var otherNames = map[string]string{
	"pk":                  "id",
	"version_tag":         "version",
	"input_of_runs":       "input_of",
	"recreating_runs":     "previous_runs",
	"ordered_artifacts":   "artifacts",
	"unordered_artifacts": "artifacts",
}

// names is what can stand in a lookup at one model.
type names struct {
	hops    map[string]hop
	columns map[string]column
	listed  []string // for errors
}

var namesOf = sync.OnceValue(func() map[*Table]*names {
	all := make(map[*Table]*names, len(Schema))
	for i := range Schema {
		all[&Schema[i]] = &names{hops: make(map[string]hop), columns: make(map[string]column)}
	}
	for i := range Schema {
		t := &Schema[i]
		n := all[t]
		n.columns["id"] = column{name: "id", sql: "id", typ: Int, unique: true, indexed: true}
		for _, f := range t.Fields {
			if f.Type != Ref {
				n.columns[f.Name] = column{name: f.Name, sql: f.Column(), typ: f.Type, null: !f.Must, unique: f.Unique, few: f.Few, indexed: f.Index || f.Unique}
				continue
			}
			n.hops[f.Name] = hop{name: f.Name, to: tables[f.To], column: f.Column(), null: !f.Must}
			n.columns[f.Column()] = column{name: f.Column(), sql: f.Column(), typ: Int, null: !f.Must, unique: f.Unique, few: true, indexed: true}
			if f.Back != "" {
				all[tables[f.To]].hops[f.Back] = hop{name: f.Back, to: t, back: f.Column()}
			}
		}
		for _, r := range t.Relations {
			n.hops[r.Name] = hop{name: r.Name, to: tables[r.To], link: r}
		}
	}
	for i := range Schema {
		all[&Schema[i]].list(&Schema[i])
	}
	return all
})

// list fills listed: the fields in the order of the model, then relations, then ways back.
func (n *names) list(t *Table) {
	n.listed = append([]string{"id"}, t.FieldNames()...)
	for _, r := range t.Relations {
		n.listed = append(n.listed, r.Name)
	}
	var back []string
	for name, s := range n.hops {
		if s.back != "" {
			back = append(back, name)
		}
	}
	slices.Sort(back)
	n.listed = append(n.listed, back...)
}

func (n *names) hop(name string) (hop, bool) {
	s, ok := n.hops[name]
	if other, renamed := otherNames[name]; !ok && renamed {
		s, ok = n.hops[other]
	}
	return s, ok
}

func (n *names) column(name string) (column, bool) {
	c, ok := n.columns[name]
	if other, renamed := otherNames[name]; !ok && renamed {
		c, ok = n.columns[other]
	}
	return c, ok
}

// resolve reads "run__transform__name": where it leads, and the texts after the field, which a lookup may have.
func resolve(op string, t *Table, text string) (path, []string, error) {
	parts := strings.Split(text, "__")
	var p path
	at := t
	for i, part := range parts {
		n := namesOf()[at]
		if s, ok := n.hop(part); ok {
			if len(p.hops) == maxHops {
				return path{}, nil, fail(ErrInvalid, op, string(t.Model), "", "%q goes over more than %d relations", text, maxHops)
			}
			p.hops = append(p.hops, s)
			at = s.to
			continue
		}
		if c, ok := n.column(part); ok {
			p.end = c
			return p.shorter(), parts[i+1:], nil
		}
		if _, ok := comparisons[part]; !ok || i == 0 || i < len(parts)-1 {
			return path{}, nil, unknownName(op, t, at, text, part)
		}
		parts = parts[i:]
		p.bare, p.end = true, namesOf()[at].columns["uid"]
		return p, parts, nil
	}
	p.bare, p.end = true, namesOf()[at].columns["uid"]
	return p, nil, nil
}

// shorter spares the last hop of a path that ends at the id behind it: the hop's own column has that.
func (p path) shorter() path {
	last := len(p.hops) - 1
	if last < 0 || p.end.sql != "id" || p.hops[last].many() {
		return p
	}
	s := p.hops[last]
	return path{hops: p.hops[:last], end: column{name: s.name + "__id", sql: s.column, typ: Int, null: s.null, few: true, indexed: true}}
}

func unknownName(op string, root, at *Table, text, part string) error {
	n := namesOf()[at]
	detail := fmt.Sprintf("%s has no field %q; it has %s", at.Model, part, strings.Join(n.listed, ", "))
	if at != root {
		detail = fmt.Sprintf("%q: %s", text, detail)
	}
	if part == "" {
		detail = fmt.Sprintf("%q has an empty name in it; relations and comparisons are joined by two underscores, as in created_by__handle__startswith", text)
	}
	return fail(ErrUnknownField, op, fmt.Sprintf("%s.%s", at.Model, part), nearest(part, n.listed), "%s", detail)
}
