package registry

import (
	"fmt"
	"slices"
	"strings"
)

// usualRows is how many records of a model a large registry has.
var usualRows = map[Model]int{
	ModelUser: 10, ModelStorage: 10, ModelTransform: 1000, ModelRun: 10_000, ModelULabel: 1000, ModelFeature: 100_000, ModelFeatureSet: 10_000,
	ModelArtifact: 1_000_000, ModelCollection: 10_000,
}

// statistics is SQL that tells SQLite's planner what a large registry looks like, in the place of what ANALYZE would find: from
// an index by key it expects a few records, from one by suffix many. So a query has the same plan in every registry, a good
// one where it matters. See "Query Planner Stability" in https://www.sqlite.org/optoverview.html and the table sqlite_stat1 in
// https://www.sqlite.org/fileformat2.html.
func statistics() []string {
	var rows []string
	add := func(table, index string, counts ...int) {
		rows = append(rows, fmt.Sprintf("('%s', '%s', '%s')", table, index, strings.Trim(fmt.Sprint(counts), "[]")))
	}
	add("database", "database", 10, 1)
	add("retired", "retired", 10_000, 5000, 1)
	add("concealed", "concealed", 10_000, 5000, 1)
	links := make(map[string]bool)
	for i := range Schema {
		t := &Schema[i]
		name, n := string(t.Model), usualRows[t.Model]
		unique := 0
		for _, f := range t.Fields {
			if f.Unique {
				unique++ // SQLite numbers the indexes that it makes by itself
				add(name, fmt.Sprintf("sqlite_autoindex_%s_%d", name, unique), n, 1)
			}
			of := t.indexOf(f)
			if of == "" {
				continue
			}
			counts := []int{n, t.alike(f)}
			switch strings.Count(of, ",") {
			case 1: // visibility, created_at
				counts = append(counts, 1)
			case 3: // the field, visibility, created_at, key
				counts = append(counts, t.alike(f), 1, 1)
			}
			add(name, name+"_"+f.Column(), counts...)
		}
		if t.Unique != nil {
			add(name, name+"_"+strings.Join(t.Unique, "_"), append([]int{n}, slices.Repeat([]int{1}, len(t.Unique))...)...)
		}
		if t.Stem > 0 {
			add(name, name+"_stem_uid", n, 2)
			add(name, name+"_latest", n, 1)
		}
		for _, r := range t.Relations {
			if !links[r.Link] {
				links[r.Link] = true
				linkStatistics(t, r, add)
			}
		}
	}
	return []string{`ANALYZE "user"`, "DELETE FROM sqlite_stat1", "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES " + strings.Join(rows, ", "), "ANALYZE sqlite_schema"}
}

// alike is how many records usually have the same value.
func (t *Table) alike(f Field) int {
	n := usualRows[t.Model]
	switch {
	case f.Type == Ref:
		return max(2, n/usualRows[f.To])
	case f.Few:
		return n / 10
	case f.Type == Time:
		return 1
	}
	return 3
}

// linkStatistics tells of a table of links: its key and its way back. Each record has three of them, where there is no telling.
func linkStatistics(t *Table, r Relation, add func(table, index string, counts ...int)) {
	own, other := usualRows[t.Model], usualRows[r.To]
	if back, ordered := orderedBack(t.Model, r); ordered {
		r, own, other = back, other, own
	}
	n := 3 * max(own, other)
	key := []int{n, n / own, 1}
	if r.Extra != "" {
		key = []int{n, n / own, 1, 1}
	}
	back := []int{n, n / other}
	if r.Order != "" {
		back = append(back, 1)
	}
	add(r.Link, r.Link, key...)
	add(r.Link, r.Link+"_"+r.Other, back...)
}
