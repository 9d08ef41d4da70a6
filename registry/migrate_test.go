package registry

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// older makes a file of an earlier version: the tables and records of testdata/schema_vN.sql.
func older(t *testing.T, version int) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("schema_v%d.sql", version)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), FileName)
	runSQL(t, path, string(script))
	return path
}

func runSQL(t *testing.T, path, script string) {
	t.Helper()
	raw := openRaw(t, path)
	defer raw.Close()
	if _, err := raw.Exec(script); err != nil {
		t.Fatal(err)
	}
}

func openRaw(t *testing.T, path string) *sql.DB {
	t.Helper()
	raw, err := sql.Open(driverName, source(path, url.Values{}))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// texts runs a query and gives its rows as text.
func texts(t *testing.T, path, query string) []string {
	t.Helper()
	raw := openRaw(t, path)
	defer raw.Close()
	rows, err := raw.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range into {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(values...))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// shape is all that makes a schema, in no order: tables, columns, references, indexes.
func shape(t *testing.T, path string) []string {
	t.Helper()
	var out []string
	for _, q := range []string{
		"SELECT m.name, m.type, c.name, c.type, c.\"notnull\", c.pk, c.hidden FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c WHERE m.type = 'table'",
		"SELECT m.name, f.\"from\", f.\"table\", f.\"to\", f.on_delete FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
		"SELECT m.name, i.\"unique\", i.origin, i.partial, (SELECT group_concat(name) FROM pragma_index_info(i.name)) FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table'",
		"SELECT name, type FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
		"PRAGMA user_version",
		"PRAGMA application_id",
	} {
		out = append(out, texts(t, path, q)...)
	}
	slices.Sort(out)
	return out
}

func TestEachEarlierVersionBecomesThisOne(t *testing.T) {
	db := fresh(t)
	db.Close()
	want := shape(t, db.Path())
	for version := 1; version < schemaVersion(steps); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := older(t, version)
			before := dump(t, path)
			reopen(t, path).Close()
			if got := shape(t, path); !slices.Equal(got, want) {
				t.Errorf("the schema differs from that of a new file:\n%s", difference(got, want))
			}
			if after := dump(t, path); !reflect.DeepEqual(before, after) {
				t.Errorf("records differ:\n%v\n%v", before, after)
			}
			if broken := texts(t, path, "PRAGMA integrity_check"); !slices.Equal(broken, []string{"ok"}) {
				t.Errorf("integrity: %q", broken)
			}
		})
	}
}

// dump has the rows of the tables of version 1, but the user whom opening adds.
func dump(t *testing.T, path string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, name := range []string{"artifact", "collection", "collection_artifact", "transform", "run", "ulabel", "artifact_ulabel", "collection_input_of", "storage"} {
		columns := "*"
		switch name {
		case "artifact": // which has rest_hash since version 7
			columns = "id, " + strings.Join(texts(t, path, "SELECT name FROM pragma_table_xinfo('artifact') WHERE name NOT IN ('id', 'rest_hash') ORDER BY name"), ", ")
		case "collection_artifact": // whose columns stand in another order since version 6
			columns = "collection_id, artifact_id, position"
		}
		out[name] = texts(t, path, "SELECT "+columns+" FROM "+quote(name)+" ORDER BY 1, 2")
		if len(out[name]) == 0 {
			t.Errorf("no rows of %s", name)
		}
	}
	return out
}

func difference(got, want []string) string {
	var out []string
	for _, s := range got {
		if !slices.Contains(want, s) {
			out = append(out, "only the older: "+s)
		}
	}
	for _, s := range want {
		if !slices.Contains(got, s) {
			out = append(out, "only the new one: "+s)
		}
	}
	return strings.Join(out, "\n")
}

func TestWhatTheFirstVersionHeldIsReadWithThisOne(t *testing.T) {
	db := reopen(t, older(t, 1))
	found, err := db.Records(context.Background(), Query{Model: ModelCollection, OrderBy: []string{"id"}})
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	if found[0].Text("version") != "1" || found[1].Text("version") != "2" || !found[1].Bool("is_latest") {
		t.Errorf("got %v", found)
	}
	members, err := db.Members(context.Background(), found[0].UID())
	if err != nil || len(members) != 2 || members[0].Text("key") != "b.h5ad" || members[1].Text("run") == "" {
		t.Errorf("got %v, %v", members, err)
	}
	again := must(t, db, Save{Model: ModelCollection, Members: []any{members[0].UID(), members[1].UID()}})
	if again.Created || again.Record.UID() != found[0].UID() {
		t.Errorf("saved again: %v", again)
	}
}

func TestAStepThatFailsLeavesTheFileAsItWas(t *testing.T) {
	path := older(t, 1)
	before := shape(t, path)
	db := &DB{path: path, opt: Options{Patience: patience}}
	raw := openRaw(t, path)
	defer raw.Close()
	err := db.migrate(context.Background(), &pools{write: raw, read: raw}, []step{
		{2, []string{"CREATE TABLE another (id INTEGER)", "ALTER TABLE artifact ADD COLUMN colour TEXT"}},
		{3, []string{"INSERT INTO nowhere VALUES (1)"}},
	})
	if err == nil || !strings.Contains(err.Error(), "from version 1 to 3") {
		t.Errorf("got %v", err)
	}
	if after := shape(t, path); !slices.Equal(before, after) {
		t.Errorf("left behind:\n%s", difference(after, before))
	}
}

func TestAFileOfANewerVersionIsRefused(t *testing.T) {
	db := fresh(t)
	db.Close()
	runSQL(t, db.Path(), "PRAGMA user_version = 99")
	before := shape(t, db.Path())
	_, err := Open(context.Background(), Options{Path: db.Path()})
	wantError(t, err, ErrNewer, db.Path(), "version 99", fmt.Sprint("up to ", schemaVersion(steps)), "update loaderd")
	if after := shape(t, db.Path()); !slices.Equal(before, after) {
		t.Error("it was changed")
	}
}

func TestADatabaseOfSomethingElseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	runSQL(t, path, "CREATE TABLE song (name TEXT); INSERT INTO song VALUES ('a')")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(context.Background(), Options{Path: path})
	wantError(t, err, ErrBadFile, path, "no registry")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("it was changed: %v", err)
	}
}

// integrity_check of SQLite 3.40, which people have at hand, takes columns for NULL that stand otherwise than they are stored.
func TestTheColumnsOfAKeyComeFirstInTablesWithoutRowids(t *testing.T) {
	db := fresh(t)
	db.Close()
	late := texts(t, db.Path(), `SELECT m.name, k.name FROM sqlite_master m JOIN pragma_table_xinfo(m.name) k JOIN pragma_table_xinfo(m.name) c
		WHERE m.sql LIKE '%WITHOUT ROWID' AND k.pk > 0 AND (c.pk = 0 OR c.pk > k.pk) AND c.cid < k.cid`)
	if len(late) > 0 {
		t.Errorf("columns of keys that come later than they are stored: %q", late)
	}
	if n := len(texts(t, db.Path(), "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID'")); n < 10 {
		t.Errorf("%d tables without rowids", n)
	}
}
