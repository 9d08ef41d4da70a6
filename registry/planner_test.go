package registry

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestThePlannerIsToldOfEveryIndexThatThereIs(t *testing.T) {
	db := fresh(t)
	list := func(q string) []string {
		rows, err := db.pools.read.Query(q)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			out = append(out, name)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(out)
		return out
	}
	// A table without rowids is the index of its own key.
	have := list(`SELECT tbl_name || ' ' || name FROM sqlite_master WHERE type = 'index' UNION ALL SELECT name || ' ' || name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID'`)
	have = slices.DeleteFunc(have, func(s string) bool {
		table, index, _ := strings.Cut(s, " ")
		return strings.HasPrefix(index, "sqlite_autoindex_"+table) && slices.Contains(have, table+" "+table) // the key once more
	})
	told := list(`SELECT tbl || ' ' || idx FROM sqlite_stat1`)
	if !slices.Equal(have, told) {
		t.Errorf("there are\n%s\nand the planner is told of\n%s", strings.Join(have, "\n"), strings.Join(told, "\n"))
	}
	// As many numbers as the index has columns, and one.
	for _, s := range list(`SELECT idx || ': ' || stat FROM sqlite_stat1 WHERE idx NOT IN (SELECT tbl FROM sqlite_stat1) AND
		length(stat) - length(replace(stat, ' ', '')) <> (SELECT count(*) FROM pragma_index_info(idx))`) {
		t.Errorf("columns of %s", s)
	}
}

func TestPlansOfUsualQueries(t *testing.T) {
	db := fresh(t)
	newest := []string{"-created_at"}
	for _, tt := range []struct {
		name string
		q    Query
		want []string
		sort bool
	}{
		{"the newest", Query{OrderBy: newest}, []string{"SCAN t USING INDEX artifact_created_at"}, false},
		{"the newest of a suffix", Query{Where: Lookup{"suffix", ".h5ad"}, OrderBy: newest}, []string{"artifact_suffix (suffix=? AND visibility=?)"}, false},
		{"a hash is narrower than a suffix", Query{Where: And{Lookup{"suffix", ".h5ad"}, Lookup{"hash__in", []any{"a", "b"}}}, OrderBy: newest},
			[]string{"artifact_hash (hash=?)"}, true},
		{"a run is narrower than an otype", Query{Where: And{Lookup{"otype", "AnnData"}, Lookup{"run", "r"}}, OrderBy: newest}, []string{"artifact_run_id (run_id=? AND visibility=?)"}, false},
		{"the newest of a user", Query{Where: Lookup{"created_by__handle", "me"}, OrderBy: newest}, []string{"artifact_created_by_id (created_by_id=? AND visibility=?)"}, false},
		{"those of a transform by key", Query{Where: Lookup{"transform__key", "a.py"}, OrderBy: []string{"key"}, Limit: 10},
			[]string{"COVERING INDEX artifact_transform_id (transform_id=? AND visibility=?)", "SCAN found", "SEARCH t USING INTEGER PRIMARY KEY"}, true},
		{"the trash", Query{Where: Lookup{"visibility", 2}, OrderBy: newest}, []string{"artifact_visibility (visibility=?)"}, false},
		{"keys that begin", Query{Where: Lookup{"key__startswith", "a/"}}, []string{"artifact_key (key>? AND key<?)"}, true},
		{"a label", Query{Where: Lookup{"ulabels__name", "T"}, OrderBy: newest}, []string{"t USING INTEGER PRIMARY KEY", "sqlite_autoindex_ulabel_2"}, true},
		{"the members of a collection", Query{Of: &Of{ModelCollection, "c", "artifacts"}, Limit: 10}, []string{"l USING PRIMARY KEY (collection_id=?)"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Model = ModelArtifact
			s, err := compile(tt.q)
			if err != nil {
				t.Fatal(err)
			}
			f := s.rows("t.id")
			plan := plan(t, db, f)
			for _, want := range tt.want {
				if !strings.Contains(plan, want) {
					t.Errorf("the plan lacks %q:\n%s\n%s", want, plan, f.sql)
				}
			}
			if sorts := strings.Contains(plan, "FOR ORDER BY"); sorts != tt.sort {
				t.Errorf("sorts: %t\n%s", sorts, plan)
			}
		})
	}
}

// plan is what SQLite would do for a statement.
func plan(t *testing.T, db *DB, f fragment) string {
	t.Helper()
	rows, err := db.pools.read.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+f.sql, f.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, detail)
	}
	return strings.Join(lines, "\n")
}
