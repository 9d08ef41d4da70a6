package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// shelf has a few artifacts whose keys say what they are, in two collections, with labels.
func shelf(t *testing.T) *DB {
	t.Helper()
	db := fresh(t)
	uid := func(s Save) string { return must(t, db, s).Record.UID() }
	run := uid(Save{Model: ModelRun, Record: Record{"transform": uid(Save{Model: ModelTransform, Record: Record{"key": "qc.py", "name": "Quality"}})}})
	var all []any
	for i, key := range []string{"pbmc.h5ad", "PBMC raw.h5ad", "gut_100%.zarr", "gut_1000.parquet"} {
		r := file(fmt.Sprintf("h%d", i), "key", key, "suffix", key[strings.LastIndex(key, "."):], "n_observations", int64(100*i))
		if i > 0 {
			r["run"] = run
			r["description"] = "made by Dvořák"
		}
		all = append(all, uid(Save{Model: ModelArtifact, Record: r}))
	}
	must(t, db, Save{Model: ModelCollection, Record: Record{"name": "blood"}, Members: all[:2]})
	must(t, db, Save{Model: ModelCollection, Record: Record{"name": "all"}, Members: []any{all[3], all[1], all[0], all[2]}})
	for i, labels := range [][]string{{"T", "human"}, {"human"}, {"mouse"}} {
		for _, name := range labels {
			label := uid(Save{Model: ModelULabel, Record: Record{"name": name, "description": "of " + name}})
			link(t, db, "artifact_ulabel", all[i].(string), ModelULabel, label)
		}
	}
	hide(t, db, all[2].(string), Hidden)
	hide(t, db, all[3].(string), Trash)
	return db
}

func link(t *testing.T, db *DB, table, artifact string, m Model, other string) {
	t.Helper()
	err := db.update(context.Background(), "test", func(tx *tx) error {
		a, err := tx.id(tables[ModelArtifact], artifact)
		if err != nil {
			return err
		}
		o, err := tx.id(tables[m], other)
		if err != nil {
			return err
		}
		_, err = tx.sql.Exec(fmt.Sprintf("INSERT INTO %s (artifact_id, %s_id) VALUES (?, ?)", table, m), a, o)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func hide(t *testing.T, db *DB, artifact string, visibility int64) {
	t.Helper()
	err := db.update(context.Background(), "test", func(tx *tx) error {
		r, err := tx.get(tables[ModelArtifact], artifact)
		if err != nil {
			return err
		}
		return tx.set(tables[ModelArtifact], r.Int("id"), Record{"visibility": visibility})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// keys gives the numbers of the shelf's artifacts that a query finds, in its order.
func keys(t *testing.T, db *DB, q Query) string {
	t.Helper()
	q.Model = ModelArtifact
	found, err := db.Records(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, r := range found {
		out.WriteString(strings.TrimPrefix(r.Text("hash"), "h"))
	}
	return out.String()
}

func TestLookupsOfAnArtifact(t *testing.T) {
	db := shelf(t)
	for _, tt := range []struct {
		name, want string
		where      Where
	}{
		{"none is all that is shown", "01", nil},
		{"exact", "0", Lookup{"key", "pbmc.h5ad"}},
		{"contains minds case", "0", Lookup{"key__contains", "pbmc"}},
		{"icontains does not", "01", Lookup{"key__icontains", "PbMc"}},
		{"letters beyond ASCII have a case too", "1", Lookup{"description__icontains", "DVOŘÁK"}},
		{"the field of a related record", "1", Lookup{"run__transform__key", "qc.py"}},
		{"of related records", "01", Lookup{"collections__name", "blood"}},
		{"two lookups of one label", "0", And{Lookup{"ulabels__name", "T"}, Lookup{"ulabels__description", "of T"}}},
		{"no one label is both", "", And{Lookup{"ulabels__name", "T"}, Lookup{"ulabels__description", "of human"}}},
		{"two labels in scopes of their own", "0", And{And{Lookup{"ulabels__name", "T"}}, And{Lookup{"ulabels__description", "of human"}}}},
		{"not labelled so", "1", Not{Lookup{"ulabels__name", "T"}}},
		{"not both, of whatever labels", "1", Not{And{Lookup{"ulabels__name", "T"}, Lookup{"ulabels__description", "of human"}}}},
		{"without a run", "0", Lookup{"run__isnull", true}},
		{"an absent value is equal to nothing, so not to this one", "0", Not{Lookup{"description", "made by Dvořák"}}},
		{"exact None is isnull", "0", Lookup{"run", nil}},
		{"None in a list counts for nothing", "0", Lookup{"key__in", []any{nil, "pbmc.h5ad"}}},
		{"an empty list finds nothing", "", Lookup{"key__in", []any{}}},
		{"a percent sign is a percent sign", "2", And{Lookup{"key__icontains", "0%"}, Lookup{"visibility", nil}}},
		{"hidden", "2", Lookup{"visibility", 1}},
		{"trash", "3", Lookup{"visibility", int8(2)}},
		{"whatever the visibility", "0123", Lookup{"visibility", nil}},
		{"a hash names a record", "3", Lookup{"hash", "h3"}},
		{"but not where another condition may hold instead", "0", Or{Lookup{"hash", "h3"}, Lookup{"hash", "h0"}}},
		{"numbers", "1", Lookup{"n_observations__gt", 99.5}},
		{"a number out of a range", "01", Lookup{"n_observations__range", []any{0, uint64(100)}}},
		{"a time of another zone", "01", Lookup{"created_at__gt", "2020-01-01T00:00:00+14:00"}},
		{"a day", "", Lookup{"created_at__lt", "2020-01-01"}},
		{"a pattern", "01", Lookup{"key__regex", `^(pbmc|P)[^x]*\.h5ad$`}},
		{"a pattern in any case", "01", Lookup{"key__iregex", `PBMC`}},
		{"pk is the id", "0", Lookup{"pk", 1}},
		{"the id behind a relation", "1", Lookup{"run_id__in", []any{1, 2.0}}},
		{"a name of today's lamindb", "", Lookup{"input_of_runs__isnull", false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := keys(t, db, Query{Where: tt.where}); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRelatedRecordsComeInTheirOrder(t *testing.T) {
	db := shelf(t)
	c, err := db.UIDs(context.Background(), Query{Model: ModelCollection, Where: Lookup{"name", "all"}})
	if err != nil || len(c) != 1 {
		t.Fatal(c, err)
	}
	of := &Of{ModelCollection, c[0], "artifacts"}
	if got := keys(t, db, Query{Of: of, All: true}); got != "3102" {
		t.Errorf("the members come as %s", got)
	}
	if got := keys(t, db, Query{Of: of, OrderBy: []string{"-key"}, Offset: 1, Limit: 1}); got != "1" {
		t.Errorf("ordered by key, the second is %s", got)
	}
	if got := keys(t, db, Query{Of: of, Where: Lookup{"key__contains", "pbmc"}}); got != "0" {
		t.Errorf("those of pbmc are %s", got)
	}
	_, err = db.UIDs(context.Background(), Query{Model: ModelArtifact, Of: &Of{ModelCollection, c[0], "artefacts"}})
	wantError(t, err, ErrUnknownField, "artefacts", "did you mean `artifacts`", "meta_artifact")
	if _, err := db.Delete(context.Background(), ModelCollection, c[0], true); err != nil {
		t.Fatal(err)
	}
	_, err = db.UIDs(context.Background(), Query{Model: ModelArtifact, Of: of})
	wantError(t, err, ErrNoRecord, c[0])
	_, err = db.Count(context.Background(), Query{Model: ModelCollection, Of: &Of{ModelCollection, c[0], "versions"}})
	wantError(t, err, ErrNoRecord, c[0])
}

func TestValuesReachAcrossRelations(t *testing.T) {
	db := shelf(t)
	ask := func(q Query, fields ...string) string {
		t.Helper()
		q.Model = ModelArtifact
		rows, err := db.Values(context.Background(), q, fields)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	all := Lookup{"visibility", nil}
	for _, tt := range []struct{ name, got, want string }{
		{"own and related fields", ask(Query{Where: all, Limit: 2}, "key", "run__transform__name", "ulabels__name", "collections__id"),
			`[["pbmc.h5ad",null,["T","human"],[1,2]],["PBMC raw.h5ad","Quality",["human"],[1,2]]]`},
		{"each once, where it comes first", ask(Query{Where: all, Distinct: true, OrderBy: []string{"-id"}}, "run__id", "is_latest"), `[[1,true],[null,true]]`},
		{"each once, sliced afterwards", ask(Query{Where: all, Distinct: true, Offset: 1, Limit: 5}, "run__transform__key"), `[["qc.py"]]`},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, tt.got, tt.want)
		}
	}
	rows, err := db.Values(context.Background(), Query{Model: ModelArtifact, Limit: 1}, []string{"created_at", "collections__created_at"})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := rows[0][0].(time.Time); !ok {
		t.Errorf("created_at is a %T", rows[0][0])
	}
	if list := rows[0][1].([]any); len(list) != 2 || reflect.TypeOf(list[0]) != reflect.TypeFor[time.Time]() {
		t.Errorf("collections__created_at is %v", list)
	}
	_, err = db.Values(context.Background(), Query{Model: ModelArtifact}, nil)
	wantError(t, err, ErrInvalid, "empty")
	_, err = db.Values(context.Background(), Query{Model: ModelArtifact}, []string{"key__contains"})
	wantError(t, err, ErrInvalid, "comparison")
}

func TestWordsOfACommandLineBecomeValues(t *testing.T) {
	db := shelf(t)
	for _, tt := range []struct {
		name, want string
		where      And
	}{
		{"a number", "1", And{Lookup{"n_observations__gte", "100"}}},
		{"a list", "01", And{Lookup{"n_observations__in", "0,100,7"}}},
		{"a bool", "01", And{Lookup{"is_latest", "true"}}},
		{"none, where it is no text", "0123", And{Lookup{"visibility", "none"}}},
		{"isnull", "0", And{Lookup{"run__isnull", "true"}}},
		{"a text that looks like a number", "", And{Lookup{"key", "1"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := keys(t, db, Query{Where: tt.where, Texts: true}); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
	_, err := db.Records(context.Background(), Query{Model: ModelArtifact, Texts: true, Where: Lookup{"size__gt", "large"}})
	wantError(t, err, ErrInvalid, "size__gt", `"large" is no number`)
}

func TestAQueryThatMakesNoSenseIsRefusedWithTheCure(t *testing.T) {
	db := fresh(t)
	deep := Where(Lookup{"key", "x"})
	for range MaxDepth {
		deep = Not{deep}
	}
	for _, tt := range []struct {
		name string
		q    Query
		kind error
		says []string
	}{
		{"a field with a typo", Query{Where: Lookup{"sufix", "x"}}, ErrUnknownField, []string{"artifact.sufix", "did you mean `suffix`?", "n_observations", "collections"}},
		{"a field of a related record", Query{Where: Lookup{"ulabels__nam", "x"}}, ErrUnknownField, []string{"ulabels__nam", "did you mean `name`?"}},
		{"a comparison with a typo", Query{Where: Lookup{"key__contain", "x"}}, ErrInvalid, []string{"contain", "did you mean `contains`", "istartswith"}},
		{"a relation with a comparison that is none", Query{Where: Lookup{"run__contains", "x"}}, ErrInvalid, []string{"contains", "record", "isnull"}},
		{"two comparisons", Query{Where: Lookup{"key__contains__exact", "x"}}, ErrInvalid, []string{"contains__exact"}},
		{"an empty name", Query{Where: Lookup{"", "x"}}, ErrUnknownField, []string{"underscores"}},
		{"a number for a text", Query{Where: Lookup{"key", 1}}, ErrInvalid, []string{"artifact.key", "whole number 1", "text"}},
		{"a text for a number", Query{Where: Lookup{"size__gt", "1"}}, ErrInvalid, []string{"artifact.size__gt", `the text "1"`, "number"}},
		{"a bool for a number", Query{Where: Lookup{"size", true}}, ErrInvalid, []string{"bool true"}},
		{"a number for a bool", Query{Where: Lookup{"is_latest", 1}}, ErrInvalid, []string{"True or False"}},
		{"no time", Query{Where: Lookup{"created_at__gt", "yesterday"}}, ErrInvalid, []string{"yesterday", "2026-01-31"}},
		{"a time that no text can be", Query{Where: Lookup{"created_at", "9999-12-31T23:59:59-01:00"}}, ErrInvalid, []string{"9999"}},
		{"a text for a list", Query{Where: Lookup{"key__in", "x"}}, ErrInvalid, []string{"list"}},
		{"a range of one", Query{Where: Lookup{"size__range", []any{1}}}, ErrInvalid, []string{"list of two"}},
		{"a list with another type in it", Query{Where: Lookup{"size__in", []any{1, "2"}}}, ErrInvalid, []string{`the text "2"`}},
		{"isnull of a text", Query{Where: Lookup{"key__isnull", "x"}}, ErrInvalid, []string{"True or False"}},
		{"no pattern", Query{Where: Lookup{"key__regex", "a("}}, ErrInvalid, []string{"missing closing )"}},
		{"a pattern that looks ahead", Query{Where: Lookup{"key__regex", "a(?=b)"}}, ErrInvalid, []string{"(?=", "linear time"}},
		{"a text that is not UTF-8", Query{Where: Lookup{"key", "\xff"}}, ErrInvalid, []string{"UTF-8"}},
		{"a text with a zero byte", Query{Where: Lookup{"key", "a\x00b"}}, ErrInvalid, []string{"zero byte"}},
		{"not a number", Query{Where: Lookup{"size", nan()}}, ErrInvalid, []string{"NaN"}},
		{"a JSON field", Query{Model: ModelRun, Where: Lookup{"params", "x"}}, ErrInvalid, []string{"JSON", "isnull"}},
		{"an order by no field", Query{OrderBy: []string{"-creatd_at"}}, ErrUnknownField, []string{"did you mean `created_at`"}},
		{"an order by a comparison", Query{OrderBy: []string{"key__isnull"}}, ErrInvalid, []string{"key__isnull"}},
		{"an order by a comparison of a relation", Query{OrderBy: []string{"run__isnull"}}, ErrInvalid, []string{"run__isnull"}},
		{"a negative limit", Query{Limit: -1}, ErrInvalid, []string{"-1"}},
		{"a model that is none", Query{Model: "artefact"}, ErrInvalid, []string{"did you mean `artifact`?"}},
		{"a tree too deep", Query{Where: deep}, ErrInvalid, []string{"32"}},
		{"a path in circles", Query{Where: Lookup{strings.Repeat("collections__artifacts__", 7) + "key", "x"}}, ErrInvalid, []string{"12 relations"}},
		{"too many patterns", Query{Where: patterns(maxPatterns + 1)}, ErrInvalid, []string{"16 regular expressions"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.q.Model == "" {
				tt.q.Model = ModelArtifact
			}
			_, err := db.Records(context.Background(), tt.q)
			wantError(t, err, tt.kind, tt.says...)
		})
	}
	if got, err := db.Records(context.Background(), Query{Model: ModelArtifact, Where: patterns(maxPatterns)}); err != nil || len(got) != 0 {
		t.Errorf("as many patterns as can be: %v, %v", got, err)
	}
}

func TestAsManyConditionsAsThereCanBe(t *testing.T) {
	db := shelf(t)
	var list []Where
	for i := range MaxConditions - 1 {
		list = append(list, Lookup{"n_observations__lt", i + 101}) // the longest chain of parameters and of relations
	}
	longest := Lookup{strings.Repeat("collections__artifacts__", 6) + "key", "pbmc.h5ad"}
	if got := keys(t, db, Query{Where: And(append(list, longest))}); got != "01" {
		t.Errorf("all of them find %q", got)
	}
	if got := keys(t, db, Query{Where: Not{Or(append(list, longest))}}); got != "" {
		t.Errorf("none of them finds %q", got)
	}
	deep := Where(longest)
	for i := range MaxDepth - 1 {
		if i%2 == 0 {
			deep = Not{deep}
		} else {
			deep = Or{deep, Lookup{"ulabels__name", "T"}}
		}
	}
	if got := keys(t, db, Query{Where: deep}); got != "1" {
		t.Errorf("the deepest finds %q", got)
	}
	values := make([]any, 100_000)
	for i := range values {
		values[i] = fmt.Sprintf("key %d", i)
	}
	if got := keys(t, db, Query{Where: Lookup{"key__in", append(values, "pbmc.h5ad")}}); got != "0" {
		t.Errorf("a long list finds %q", got)
	}
}

func nan() float64 { var zero float64; return zero / zero }

func patterns(n int) Where {
	var list Or
	for i := range n {
		list = append(list, Lookup{"key__regex", fmt.Sprintf("a%d", i)})
	}
	return list
}

func TestConditionsOfTheWire(t *testing.T) {
	for _, tt := range []struct {
		name, json string
		want       Where
	}{
		{"none", `null`, nil},
		{"an empty list", `[]`, nil},
		{"a lookup", `["lookup", "key", "x"]`, Lookup{"key", "x"}},
		{"nested", `["and", [["not", ["lookup", "key", null]], ["or", []]]]`, And{Not{Lookup{"key", nil}}, Or(nil)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeWhere(decoded(t, tt.json))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, %v; want %#v", got, err, tt.want)
			}
		})
	}
	for _, bad := range []string{`1`, `{}`, `["and"]`, `["and", 1]`, `["not"]`, `["lookup", "key"]`, `["lookup", 1, 2]`, `["xor", []]`, `[["lookup", "a", 1]]`,
		`["and", [["and", [3]]]]`, strings.Repeat(`["not",`, MaxDepth) + `[]` + strings.Repeat("]", MaxDepth)} {
		if got, err := DecodeWhere(decoded(t, bad)); err == nil || !strings.Contains(err.Error(), "where") {
			t.Errorf("%s gives %#v, %v", bad, got, err)
		}
	}
	lookup := []any{"lookup", "key", "a"}
	for _, kids := range [][]any{slices.Repeat([]any{nil}, maxNodes), slices.Repeat([]any{lookup}, MaxConditions+1)} {
		if _, err := DecodeWhere([]any{"or", kids}); err == nil {
			t.Errorf("too many conditions are let in: %d like %v", len(kids), kids[0])
		}
		if _, err := DecodeWhere([]any{"or", kids[1:]}); err != nil {
			t.Errorf("%d like %v are not let in: %v", len(kids)-1, kids[0], err)
		}
	}
}

func decoded(t testing.TB, s string) any {
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// FuzzDecodeWhere lets any condition through decoder and compiler: the SQL must be made of the schema's words alone, and SQLite
// must take it.
func FuzzDecodeWhere(f *testing.F) {
	for _, s := range []string{
		`["lookup", "key__contains", "x"]`, `["not", ["or", [["lookup", "ulabels__name__in", ["a", null]], ["lookup", "run__isnull", false]]]]`,
		`["and", [["lookup", "ulabels__name", "a"], ["or", [["lookup", "ulabels__type__name__iregex", "b+"], ["lookup", "size__range", [1, 2.5]]]]]]`,
		`["lookup", "collections__run__transform__created_by__handle__iendswith", "é"]`, `["lookup", "created_at__gte", "2026-01-01"]`,
	} {
		f.Add(s, "-created_at", true)
	}
	db, err := Open(context.Background(), Options{Path: f.TempDir() + "/r.db"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	f.Fuzz(func(t *testing.T, text, by string, texts bool) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		where, err := DecodeWhere(v)
		if err != nil {
			return
		}
		q := Query{Model: ModelArtifact, Where: where, Texts: texts}
		if by != "" {
			q.OrderBy = []string{by}
		}
		s, err := compile(q)
		if err != nil {
			return
		}
		rows := s.rows("t.uid")
		if strings.Count(rows.sql, "?") != len(rows.args) || strings.IndexFunc(rows.sql, foreign) >= 0 {
			t.Fatalf("%s with %d parameters", rows.sql, len(rows.args))
		}
		if _, err := db.Count(context.Background(), q); err != nil {
			t.Fatalf("%s: %v", rows.sql, err)
		}
	})
}

// foreign reports a letter that no SQL of ours has.
func foreign(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(` ".,_()=<>?*'\`, r))
}

func TestLettersFoldBeyondASCII(t *testing.T) {
	db := fresh(t)
	for i, key := range []string{"Ärger", "ärger", "STRASSE", "ΣΊΣΥΦΟΣ", "Σίσυφος", "K\u212Aelvin", "Ærøskøbing ÅØÆåøæ"} {
		must(t, db, Save{Model: ModelArtifact, Record: file(fmt.Sprintf("h%d", i), "key", key)})
	}
	for _, tt := range []struct{ lookup, value, want string }{
		{"key__iexact", "äRGER", "01"},
		{"key__istartswith", "ä", "01"},
		{"key__iendswith", "ΊΣΥΦΟΣ", "34"},
		{"key__icontains", "ςυ", "34"}, // a final sigma is a sigma
		{"key__icontains", "k\u212A", "5"},
		{"key__icontains", "kk", ""},                // the Kelvin sign is no k
		{"key__icontains", "RØSKØBING åøæåøæ", "6"}, // more cases than are listed
		{"key__iendswith", "RØSKØBING åøæåøæ", "6"},
		{"key__istartswith", "RØSKØBING åøæåøæ", ""},
		{"key__iexact", "ærøskøbing ÅØÆÅØÆ", "6"},
		{"key__iexact", "", ""},
	} {
		if got := keys(t, db, Query{Where: Lookup{tt.lookup, tt.value}}); got != tt.want {
			t.Errorf("%s=%q finds %q, want %q", tt.lookup, tt.value, got, tt.want)
		}
	}
}
