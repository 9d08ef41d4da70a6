package registry

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// node is a record of the model that query sets are compared with: plain Go values and pointers.
type node struct {
	t    *Table
	id   int64
	vals map[string]any     // by field, but references
	one  map[string]*node   // by reference
	many map[string][]*node // by relation, in order
}

// world is a set of records, in memory and in a database.
type world struct {
	r     *rand.Rand
	nodes map[Model][]*node
}

var wordsOfWorld = []string{"", "a", "A", "ab", "Ab", "b%c", "b_c", `b\c`, "école", "ÉCOLE", "straße", "abc", "xyz", "x.y", "日本", "日本語", "ab ab"}

// newWorld makes records at random and writes them into db.
func newWorld(t *testing.T, db *DB, r *rand.Rand) *world {
	w := &world{r: r, nodes: make(map[Model][]*node)}
	for _, m := range []struct {
		model Model
		n     int
	}{{ModelUser, 3}, {ModelStorage, 2}, {ModelTransform, 4}, {ModelRun, 6}, {ModelULabel, 6}, {ModelFeature, 3}, {ModelFeatureSet, 3},
		{ModelArtifact, 24}, {ModelCollection, 7}} {
		for i := range m.n {
			w.add(tables[m.model], int64(i+1))
		}
	}
	for i := range Schema {
		for _, rel := range Schema[i].Relations {
			w.link(&Schema[i], rel)
		}
	}
	w.write(t, db)
	for i := range Schema {
		for _, f := range Schema[i].Fields {
			if f.Type == Ref && f.Back != "" {
				for _, n := range w.nodes[Schema[i].Model] {
					if to := n.one[f.Name]; to != nil {
						to.many[f.Back] = append(to.many[f.Back], n)
					}
				}
			}
		}
	}
	return w
}

func (w *world) add(t *Table, id int64) {
	n := &node{t: t, id: id, vals: map[string]any{"id": id}, one: make(map[string]*node), many: make(map[string][]*node)}
	for _, f := range t.Fields {
		switch {
		case f.Computed != "":
			continue
		case f.Type == Ref:
			if others := w.nodes[f.To]; len(others) > 0 && (f.Must || w.r.IntN(3) > 0) {
				n.one[f.Name] = others[w.r.IntN(len(others))]
			}
		case f.Must || w.r.IntN(4) > 0:
			n.vals[f.Name] = w.value(t, f, id)
		}
	}
	n.vals["uid"] = fmt.Sprintf("%s%0*d", t.Model[:1], t.UID-1, id)
	if t.Stem > 0 {
		n.vals["stem_uid"] = n.vals["uid"].(string)[:t.Stem]
		n.vals["is_latest"] = false
	}
	w.nodes[t.Model] = append(w.nodes[t.Model], n)
}

func (w *world) value(t *Table, f Field, id int64) any {
	switch f.Type {
	case Text:
		if f.Unique {
			return fmt.Sprintf("%s%d", wordsOfWorld[w.r.IntN(len(wordsOfWorld))], id)
		}
		return wordsOfWorld[w.r.IntN(len(wordsOfWorld))]
	case Int:
		return int64(w.r.IntN(4))
	case Bool:
		return w.r.IntN(2) == 0
	case Time:
		return time.Date(2026, 1, 1+w.r.IntN(3), 0, 0, 0, w.r.IntN(2)*1000, time.UTC)
	}
	return nil
}

// link relates records at random, and both ways: a table of links is seen from both of its ends.
func (w *world) link(t *Table, rel Relation) {
	for _, n := range w.nodes[t.Model] {
		if _, done := n.many[rel.Name]; done {
			return
		}
	}
	var back string
	for _, r := range tables[rel.To].Relations {
		if r.Link == rel.Link {
			back = r.Name
		}
	}
	for _, n := range w.nodes[t.Model] {
		n.many[rel.Name] = nil
		for _, other := range w.nodes[rel.To] {
			if w.r.IntN(5) == 0 {
				n.many[rel.Name] = append(n.many[rel.Name], other)
				if back != "" {
					other.many[back] = append(other.many[back], n)
				}
			}
		}
	}
}

func (w *world) write(t *testing.T, db *DB) {
	err := db.update(context.Background(), "test", func(tx *tx) error {
		for i := range Schema {
			for _, m := range []string{string(Schema[i].Model)} {
				if _, err := tx.sql.Exec("DELETE FROM " + quote(m)); err != nil {
					return err
				}
			}
		}
		for i := range Schema {
			for _, n := range w.nodes[Schema[i].Model] {
				if err := w.insert(tx, n); err != nil {
					return fmt.Errorf("%s %d: %w", n.t.Model, n.id, err)
				}
			}
		}
		done := make(map[string]bool)
		for i := range Schema {
			for _, rel := range Schema[i].Relations {
				if done[rel.Link] || rel.Order == "" && orderedOf(rel.To, rel.Link).Order != "" {
					continue // written from its ordered end
				}
				done[rel.Link] = true
				if err := w.insertLinks(tx, Schema[i].Model, rel); err != nil {
					return fmt.Errorf("%s: %w", rel.Link, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) insert(tx *tx, n *node) error {
	names, marks, args := []string{"id"}, []string{"?"}, []any{n.id}
	for _, f := range n.t.Fields {
		if f.Computed != "" {
			continue
		}
		v, err := f.stored(n.vals[f.Name])
		if f.Type == Ref {
			v = nil
			if to := n.one[f.Name]; to != nil {
				v = to.id
			}
		}
		if err != nil {
			return err
		}
		names, marks, args = append(names, quote(f.Column())), append(marks, "?"), append(args, v)
	}
	_, err := tx.sql.Exec(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", quote(string(n.t.Model)), strings.Join(names, ", "), strings.Join(marks, ", ")), args...)
	return err
}

func (w *world) insertLinks(tx *tx, m Model, rel Relation) error {
	for _, n := range w.nodes[m] {
		for place, other := range n.many[rel.Name] {
			names, marks, args := rel.Own+", "+rel.Other, "?, ?", []any{n.id, other.id}
			if more := rel.Order + rel.Extra; more != "" {
				names, marks, args = names+", "+more, marks+", ?", append(args, place)
				if rel.Extra != "" {
					args[2] = "obs"
				}
			}
			if _, err := tx.sql.Exec(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", rel.Link, names, marks), args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// holds says whether a condition holds for a record, by going through all combinations of the related records that its
// lookups may speak of, as a join of the tables would.
func (n *node) holds(w Where) bool {
	kids, isAnd := w.(And)
	if !isAnd {
		kids = And{w}
	}
	prefixes := make(map[string]bool)
	for _, k := range kids {
		if _, own := k.(And); !own {
			n.t.prefixes(k, prefixes)
		}
	}
	sorted := make([]string, 0, len(prefixes))
	for p := range prefixes {
		sorted = append(sorted, p)
	}
	slices.Sort(sorted)
	return n.try(kids, sorted, make(map[string]*node))
}

func (n *node) try(kids And, prefixes []string, chosen map[string]*node) bool {
	if len(prefixes) == 0 {
		for _, k := range kids {
			if own, ok := k.(And); ok && !n.holds(own) || !ok && !n.eval(k, chosen) {
				return false
			}
		}
		return true
	}
	parts := strings.Split(prefixes[0], "__")
	last := len(parts) - 1
	at := n.walk(parts[:last], chosen)
	var options []*node
	if at != nil {
		options = at.many[parts[last]]
	}
	if len(options) == 0 {
		options = []*node{nil}
	}
	for _, o := range options {
		chosen[prefixes[0]] = o
		if n.try(kids, prefixes[1:], chosen) {
			return true
		}
	}
	return false
}

// walk follows a path, over relations to many to the record that was chosen.
func (n *node) walk(parts []string, chosen map[string]*node) *node {
	at := n
	for i, p := range parts {
		if at == nil {
			return nil
		}
		if c, ok := chosen[strings.Join(parts[:i+1], "__")]; ok {
			at = c
			continue
		}
		at = at.one[p]
	}
	return at
}

// prefixes collects the beginnings of paths in w that lead to many records.
func (t *Table) prefixes(w Where, out map[string]bool) {
	switch w := w.(type) {
	case And:
		for _, k := range w {
			if _, own := k.(And); !own {
				t.prefixes(k, out)
			}
		}
	case Or:
		for _, k := range w {
			t.prefixes(k, out)
		}
	case Lookup:
		parts := strings.Split(w.Path, "__")
		at := t
		for i, p := range parts {
			to, many := at.leads(p)
			if to == nil {
				return
			}
			if many {
				out[strings.Join(parts[:i+1], "__")] = true
			}
			at = to
		}
	}
}

// leads says where a name leads to.
func (t *Table) leads(name string) (to *Table, many bool) {
	if f, ok := t.Field(name); ok && f.Type == Ref {
		return tables[f.To], false
	}
	if r, ok := t.Relation(name); ok {
		return tables[r.To], true
	}
	for i := range Schema {
		for _, f := range Schema[i].Fields {
			if f.Type == Ref && f.To == t.Model && f.Back == name {
				return &Schema[i], true
			}
		}
	}
	return nil, false
}

func (n *node) eval(w Where, chosen map[string]*node) bool {
	switch w := w.(type) {
	case And:
		for _, k := range w {
			if own, ok := k.(And); ok && !n.holds(own) || !ok && !n.eval(k, chosen) {
				return false
			}
		}
		return true
	case Or:
		return slices.ContainsFunc(w, func(k Where) bool { return n.eval(k, chosen) })
	case Not:
		return !n.evalApart(w.Where)
	case Lookup:
		parts := strings.Split(w.Path, "__")
		compare := parts[len(parts)-1]
		at := n.walk(parts[:len(parts)-2], chosen)
		return at.compare(parts[len(parts)-2], compare, w.Value, chosen, strings.Join(parts[:len(parts)-1], "__"))
	}
	return true
}

// evalApart lets every lookup speak of its own records.
func (n *node) evalApart(w Where) bool {
	switch w := w.(type) {
	case And:
		for _, k := range w {
			if !n.evalApart(k) {
				return false
			}
		}
		return true
	case Or:
		return slices.ContainsFunc(w, n.evalApart)
	case Not:
		return !n.evalApart(w.Where)
	}
	return n.holds(w)
}

// compare compares the field, or the relation, of a record that may be nil.
func (n *node) compare(name, how string, want any, chosen map[string]*node, whole string) bool {
	if whole == "visibility" && how == "exact" && want == nil {
		return true
	}
	var got any
	if n != nil {
		got = n.vals[name]
		to, isRelation := chosen[whole]
		if one, ok := n.one[name]; ok && !isRelation {
			to, isRelation = one, true
		}
		if isRelation && to != nil {
			got = to.vals["uid"]
		}
	}
	if how == "isnull" || want == nil && (how == "exact" || how == "iexact") {
		return (got == nil) == (want == nil || want == true)
	}
	if got == nil {
		return false
	}
	low := func(v any) string { return strings.ToLower(v.(string)) }
	switch how {
	case "exact":
		return order(got, want) == 0
	case "iexact":
		return low(got) == low(want)
	case "contains":
		return strings.Contains(got.(string), want.(string))
	case "icontains":
		return strings.Contains(low(got), low(want))
	case "startswith":
		return strings.HasPrefix(got.(string), want.(string))
	case "istartswith":
		return strings.HasPrefix(low(got), low(want))
	case "endswith":
		return strings.HasSuffix(got.(string), want.(string))
	case "iendswith":
		return strings.HasSuffix(low(got), low(want))
	case "in":
		return slices.ContainsFunc(want.([]any), func(v any) bool { return v != nil && order(got, v) == 0 })
	case "gt":
		return order(got, want) > 0
	case "gte":
		return order(got, want) >= 0
	case "lt":
		return order(got, want) < 0
	case "lte":
		return order(got, want) <= 0
	case "range":
		list := want.([]any)
		return order(got, list[0]) >= 0 && order(got, list[1]) <= 0
	case "regex":
		return regexp.MustCompile(want.(string)).MatchString(got.(string))
	case "iregex":
		return regexp.MustCompile("(?i)" + want.(string)).MatchString(got.(string))
	}
	panic(how)
}

// order compares values as SQLite does; an absent one is the lowest.
func order(a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(btoi(a != nil), btoi(b != nil))
	}
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		if f, ok := b.(float64); ok {
			return cmp.Compare(float64(a), f)
		}
		return cmp.Compare(a, b.(int64))
	case bool:
		return cmp.Compare(btoi(a), btoi(b.(bool)))
	case time.Time:
		return a.Compare(b.(time.Time))
	}
	panic(fmt.Sprintf("%T", a))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
