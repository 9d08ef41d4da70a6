package registry

import (
	"fmt"
	"slices"
	"strings"
)

// ddl is the SQL that makes every table of Schema, its links and indexes: what a new file gets.
func ddl() []string {
	var out, links []string
	made := make(map[string]bool)
	for i := range Schema {
		t := &Schema[i]
		out = append(out, t.create())
		out = append(out, t.indexes()...)
		for _, r := range t.Relations {
			if !made[r.Link] {
				made[r.Link] = true
				links = append(links, t.link(r)...)
			}
		}
	}
	return append(append(out, links...), databaseTable, retiredTable, concealedTable, seenTable)
}

// create is the table of the model. Ids are never given again, so that one that a user wrote down stays what it was.
func (t *Table) create() string {
	lines := []string{"  id INTEGER PRIMARY KEY AUTOINCREMENT"}
	for _, f := range t.Fields {
		lines = append(lines, "  "+f.definition())
	}
	return fmt.Sprintf("CREATE TABLE %s (\n%s\n) STRICT", quote(string(t.Model)), strings.Join(lines, ",\n"))
}

func (f Field) definition() string {
	parts := []string{quote(f.Column()), f.Type.sql()}
	switch {
	case f.Computed != "":
		return fmt.Sprintf("%s GENERATED ALWAYS AS (%s) VIRTUAL", strings.Join(parts, " "), f.Computed)
	case f.Type == Ref:
		// A record that others point to can not go: whoever wants it gone takes the pointers away first.
		parts = append(parts, fmt.Sprintf("REFERENCES %s (id) ON DELETE RESTRICT", quote(string(f.To))))
	case f.Type == Bool:
		parts = append(parts, fmt.Sprintf("CHECK (%s IN (0, 1))", quote(f.Name)))
	}
	if f.Must {
		parts = append(parts, "NOT NULL")
	}
	if f.Unique {
		parts = append(parts, "UNIQUE")
	}
	return strings.Join(parts, " ")
}

func (t Type) sql() string {
	switch t {
	case Int, Bool, Ref:
		return "INTEGER"
	default:
		return "TEXT"
	}
}

// indexOf is what an index of a field is of; "" where the field has none. Of records with a visibility it is made for the
// usual question, those shown, the newest first: such an index finds, counts and orders. It has the key too, so that many records
// are ordered by that without a look at each.
func (t *Table) indexOf(f Field) string {
	col := quote(f.Column())
	switch {
	case !f.Index && f.Type != Ref:
		return ""
	case f.Name == "visibility":
		return "(visibility, created_at) WHERE visibility > 0" // nearly all are shown, so that 0 leads nowhere
	case t.Has("visibility") && (f.Few || f.Type == Ref):
		return "(" + col + ", visibility, created_at, key)"
	}
	return "(" + col + ")"
}

func (t *Table) indexes() []string {
	var out []string
	name := string(t.Model)
	for _, f := range t.Fields {
		if of := t.indexOf(f); of != "" {
			out = append(out, fmt.Sprintf("CREATE INDEX %s_%s ON %s %s", name, f.Column(), quote(name), of))
		}
	}
	if t.Unique != nil {
		out = append(out, fmt.Sprintf("CREATE UNIQUE INDEX %s_%s ON %s (%s)", name, strings.Join(t.Unique, "_"), quote(name), strings.Join(t.Unique, ", ")))
	}
	if t.Stem > 0 {
		// What makes two writers never both the latest.
		out = append(out, fmt.Sprintf("CREATE UNIQUE INDEX %s_latest ON %s (stem_uid) WHERE is_latest", name, quote(name)),
			fmt.Sprintf("CREATE INDEX %s_stem_uid ON %s (stem_uid)", name, quote(name)))
	}
	return out
}

// link is the table of links of r and its way back. Links go with the record they begin at; of a collection's members, and
// of what a set's features are, the other end can not go.
func (t *Table) link(r Relation) []string {
	own, other := Model(strings.TrimSuffix(r.Own, "_id")), r.To
	if _, ordered := orderedBack(t.Model, r); ordered { // seen from its members first
		own, other = other, own
		r = orderedOf(own, r.Link)
	}
	lines := []string{
		fmt.Sprintf("  %s INTEGER NOT NULL REFERENCES %s (id) ON DELETE CASCADE", r.Own, quote(string(own))),
		fmt.Sprintf("  %s INTEGER NOT NULL REFERENCES %s (id) ON DELETE %s", r.Other, quote(string(other)), r.onDelete()),
	}
	back := fmt.Sprintf("CREATE INDEX %s_%s ON %s (%s)", r.Link, r.Other, r.Link, r.Other)
	switch {
	case r.Order != "":
		// The columns of the key come first, as SQLite stores them: where they do not, integrity_check of its version 3.40 takes what is
		// behind them for NULL.
		lines = slices.Insert(lines, 1, fmt.Sprintf("  %s INTEGER NOT NULL", r.Order))
		lines = append(lines, fmt.Sprintf("  PRIMARY KEY (%s, %s)", r.Own, r.Order))
		back = fmt.Sprintf("CREATE UNIQUE INDEX %s_%s ON %s (%s, %s)", r.Link, r.Other, r.Link, r.Other, r.Own)
	case r.Extra != "":
		lines = append(lines, fmt.Sprintf("  %s TEXT NOT NULL", r.Extra), fmt.Sprintf("  PRIMARY KEY (%s, %s, %s)", r.Own, r.Other, r.Extra))
	default:
		lines = append(lines, fmt.Sprintf("  PRIMARY KEY (%s, %s)", r.Own, r.Other))
	}
	return []string{fmt.Sprintf("CREATE TABLE %s (\n%s\n) STRICT, WITHOUT ROWID", r.Link, strings.Join(lines, ",\n")), back}
}

func (r Relation) onDelete() string {
	if r.Order != "" {
		return "RESTRICT"
	}
	return "CASCADE"
}

// orderedBack reports whether r is the way back of a relation that has an order.
func orderedBack(from Model, r Relation) (Relation, bool) {
	back := orderedOf(r.To, r.Link)
	return back, back.Order != "" && back.To == from && r.Order == ""
}

// orderedOf is the relation of m that goes through a table of links.
func orderedOf(m Model, link string) Relation {
	for _, r := range tables[m].Relations {
		if r.Link == link {
			return r
		}
	}
	return Relation{}
}

// quote makes an SQL name of a name of Schema. Names of users never get here.
func quote(name string) string { return `"` + name + `"` }
