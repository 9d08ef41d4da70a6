package registry

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// lookup makes a lookup at random, of a path that begins at t.
func (w *world) lookup(t *Table) Lookup {
	var parts []string
	at := t
	for len(parts) < 3 && w.r.IntN(2) == 0 {
		names := namesOf()[at]
		var hops []string
		for name := range names.hops {
			hops = append(hops, name)
		}
		if len(hops) == 0 {
			break
		}
		slices.Sort(hops)
		name := hops[w.r.IntN(len(hops))]
		if w.r.IntN(2) == 0 && len(parts) == 0 && at.Has("visibility") { // often the same relation, so that lookups share it
			name = "ulabels"
		}
		parts = append(parts, name)
		at = names.hops[name].to
	}
	typ, name := Ref, ""
	if len(parts) == 0 || w.r.IntN(5) > 0 {
		fields := slices.DeleteFunc(slices.Clone(at.Fields), func(f Field) bool { return f.Type == Ref || f.Type == JSON })
		f := fields[w.r.IntN(len(fields))]
		if w.r.IntN(3) == 0 {
			f, _ = at.Field("uid")
		}
		typ, name = f.Type, f.Name
		parts = append(parts, name)
	} else {
		name = "uid"
	}
	known := comparisonsFor(typ)
	compare := known[w.r.IntN(len(known))]
	return Lookup{strings.Join(append(parts, compare), "__"), w.operand(at, name, typ, compare)}
}

// operand is a value that often has to do with what the field holds.
func (w *world) operand(t *Table, name string, typ Type, compare string) any {
	value := func() any {
		nodes := w.nodes[t.Model]
		v := nodes[w.r.IntN(len(nodes))].vals[name]
		if s, ok := v.(string); ok {
			return w.mutated(s)
		}
		if v == nil {
			f, _ := t.Field(name)
			v = w.value(t, f, 1)
		}
		return v
	}
	switch compare {
	case "isnull":
		return w.r.IntN(2) == 0
	case "in":
		var list []any
		for range w.r.IntN(4) {
			list = append(list, value())
		}
		if w.r.IntN(4) == 0 {
			list = append(list, nil)
		}
		if w.r.IntN(8) == 0 {
			for range fewValues {
				list = append(list, value())
			}
		}
		return slices.Clip(append([]any{}, list...))
	case "range":
		return []any{value(), value()}
	case "regex", "iregex":
		return []string{"a", "^a", "b.c$", "(ab)+", "[ax]", "^$", "^.?c", "é|日", "B", `x\.y`, "(a|b)b"}[w.r.IntN(11)]
	case "exact":
		if w.r.IntN(8) == 0 {
			return nil
		}
	}
	return value()
}

// mutated is s, or a part of it, or it in other letters.
func (w *world) mutated(s string) string {
	r := []rune(s)
	if len(r) > 1 && w.r.IntN(2) == 0 {
		from := w.r.IntN(len(r))
		r = r[from : from+1+w.r.IntN(len(r)-from)]
	}
	switch w.r.IntN(4) {
	case 0:
		return strings.ToUpper(string(r))
	case 1:
		return strings.ToLower(string(r))
	}
	return string(r)
}

func (w *world) tree(t *Table, depth int) Where {
	if depth == 0 || w.r.IntN(4) == 0 {
		return w.lookup(t)
	}
	var kids []Where
	for range w.r.IntN(4) {
		kids = append(kids, w.tree(t, depth-1))
	}
	switch w.r.IntN(5) {
	case 0:
		return Not{w.tree(t, depth-1)}
	case 1, 2:
		return Or(kids)
	}
	return And(kids)
}

// sorts gives an order at random, and the comparison that it is in the model.
func (w *world) sorts(t *Table) ([]string, func(a, b *node) int) {
	type key struct {
		name string
		down bool
	}
	var by []string
	var keys []key
	paths := []string{"uid", "id", "created_at", "updated_at", "created_by__handle", "created_by__created_at"}
	if t.Has("visibility") {
		paths = append(paths, "version", "run__transform__key", "visibility", "ulabels__name", "-", "run", "input_of__started_at")
	}
	for range w.r.IntN(4) {
		name := paths[w.r.IntN(len(paths))]
		if name == "-" || name == "created_by__handle" && t.Model == ModelUser || name == "created_by__created_at" && t.Model == ModelUser {
			continue
		}
		k := key{name, w.r.IntN(2) == 0}
		keys = append(keys, k)
		if k.down {
			name = "-" + name
		}
		by = append(by, name)
	}
	down := len(keys) > 0 && keys[len(keys)-1].down
	return by, func(a, b *node) int {
		for _, k := range keys {
			c := order(a.sortValue(strings.Split(k.name, "__"), k.down), b.sortValue(strings.Split(k.name, "__"), k.down))
			if k.down {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		if down {
			return order(b.id, a.id)
		}
		return order(a.id, b.id)
	}
}

func (n *node) sortValue(parts []string, down bool) any {
	if n == nil {
		return nil
	}
	name := parts[0]
	if len(parts) == 1 {
		if to, many := n.t.leads(name); to != nil && !many {
			if n.one[name] == nil {
				return nil
			}
			return n.one[name].id
		}
		return n.vals[name]
	}
	if to, many := n.t.leads(name); to == nil || !many {
		return n.one[name].sortValue(parts[1:], down)
	}
	var best any
	for _, o := range n.many[name] {
		v := o.sortValue(parts[1:], down)
		if v != nil && (best == nil || (order(v, best) > 0) == down) {
			best = v
		}
	}
	return best
}

func TestQueriesAgreeWithGoOverRandomRecords(t *testing.T) {
	rounds, queries := 3, 1000
	if testing.Short() {
		rounds, queries = 1, 500
	}
	for round := range rounds {
		t.Run(fmt.Sprintf("seed %d", round), func(t *testing.T) {
			db := fresh(t)
			w := newWorld(t, db, rand.New(rand.NewPCG(7, uint64(round))))
			found := 0
			for range queries {
				found += w.compareOne(t, db)
				if t.Failed() {
					return
				}
			}
			if found < queries { // else the conditions are such that the test shows nothing
				t.Errorf("%d queries found %d records only", queries, found)
			}
		})
	}
}

func (w *world) compareOne(t *testing.T, db *DB) int {
	ctx := context.Background()
	table := tables[[]Model{ModelArtifact, ModelArtifact, ModelCollection, ModelULabel, ModelRun, ModelTransform, ModelUser}[w.r.IntN(7)]]
	q := Query{Model: table.Model, All: true, Where: w.tree(table, w.r.IntN(4))}
	var less func(a, b *node) int
	q.OrderBy, less = w.sorts(table)
	var want []string
	nodes := slices.SortedFunc(slices.Values(w.nodes[table.Model]), less)
	if q.Reverse = w.r.IntN(3) == 0; q.Reverse {
		slices.Reverse(nodes)
	}
	for _, n := range nodes {
		if n.holds(q.Where) {
			want = append(want, n.vals["uid"].(string))
		}
	}
	if w.r.IntN(3) == 0 {
		q.Offset, q.Limit = int64(w.r.IntN(4)), int64(w.r.IntN(4))
		want = want[min(len(want), int(q.Offset)):]
		if q.Limit > 0 {
			want = want[:min(len(want), int(q.Limit))]
		}
	}
	got, err := db.UIDs(ctx, q)
	if err != nil {
		t.Errorf("%s: %v", shown(q), err)
		return 0
	}
	if !slices.Equal(got, want) {
		s, _ := compile(q)
		t.Errorf("%s\ngives %v\nwant  %v\nby %s\n%v", shown(q), got, want, s.rows("t.uid").sql, s.rows("").args)
	}
	if n, err := db.Count(ctx, q); err != nil || n != int64(len(want)) {
		t.Errorf("%s: count gives %d, %v; want %d", shown(q), n, err, len(want))
	}
	if is, err := db.Exists(ctx, q); err != nil || is != (len(want) > 0) {
		t.Errorf("%s: exists gives %t, %v; want %d records", shown(q), is, err, len(want))
	}
	w.compareEarly(t, db, q)
	return len(want)
}

// compareEarly looks at very few records first: what that gives must be the beginning of the answer.
func (w *world) compareEarly(t *testing.T, db *DB, q Query) {
	if len(q.OrderBy) > 1 {
		q.OrderBy = q.OrderBy[:1]
	}
	q.Offset, q.Limit = 0, earlySlice
	s, err := compile(q)
	if err != nil {
		t.Fatal(err)
	}
	early, ok, err := s.early("t.uid")
	if err != nil || !ok {
		if err != nil {
			t.Error(err)
		}
		return
	}
	few := strings.NewReplacer(fmt.Sprintf("LIMIT %d)", earlyNear), "LIMIT 7)", fmt.Sprintf("LIMIT %d)", earlyFar), "LIMIT 7)", fmt.Sprintf("LIMIT %d)", earlyIndex), "LIMIT 7)").Replace(early.sql)
	if few == early.sql {
		t.Fatalf("%s looks at all", early.sql)
	}
	uids := func(f fragment) (out []string) {
		err := db.run(context.Background(), s, f, func(rows *sql.Rows) error {
			var uid string
			err := rows.Scan(&uid)
			out = append(out, uid)
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", f.sql, err)
		}
		return out
	}
	first, all := uids(fragment{sql: few, args: early.args}), uids(s.rows("t.uid"))
	if len(first) > len(all) || !slices.Equal(first, all[:len(first)]) {
		t.Errorf("%s\nbegins with %v\nand is      %v\n%s %v", shown(q), first, all, few, early.args)
	}
}

// shown writes a query as a person can read it.
func shown(q Query) string {
	var show func(w Where) string
	list := func(ws []Where) string {
		parts := make([]string, len(ws))
		for i, w := range ws {
			parts[i] = show(w)
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	show = func(w Where) string {
		switch w := w.(type) {
		case And:
			return "and" + list(w)
		case Or:
			return "or" + list(w)
		case Not:
			return "not" + list([]Where{w.Where})
		case Lookup:
			return fmt.Sprintf("%s=%#v", w.Path, w.Value)
		}
		return "all"
	}
	return fmt.Sprintf("%s %s order %v [%d:+%d]", q.Model, show(q.Where), q.OrderBy, q.Offset, q.Limit)
}
