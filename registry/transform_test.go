package registry

import "testing"

func TestATransformWithoutASourceIsTheOneOfItsKey(t *testing.T) {
	db := fresh(t)
	save := func(given ...any) *Saved {
		t.Helper()
		r := Record{"uid": NewUID(ModelTransform)[:12] + "0000", "key": "pipe"}
		for i := 0; i < len(given); i += 2 {
			r[given[i].(string)] = given[i+1]
		}
		return must(t, db, Save{Model: ModelTransform, Record: r})
	}
	sourced := save("hash", "h").Record
	first := save()
	if !first.Created || first.Record["stem_uid"] != sourced["stem_uid"] || first.Record["version"] != "2" {
		t.Errorf("after one with a source: %v", first)
	}
	for _, again := range []*Saved{save(), save("version", "2"), save("description", "d")} { // also of a call that is made again, since its daemon died
		if again.Created || again.Record.UID() != first.Record.UID() || len(again.Notes) > 0 {
			t.Errorf("again: %v", again)
		}
	}
	if r := get(t, db, ModelTransform, first.Record.UID()); r["description"] != "d" {
		t.Errorf("got %v", r)
	}
	third := save("version", "3")
	if again := save("version", "3"); !third.Created || again.Created || third.Record["version"] != "3" {
		t.Errorf("of another version: %v, %v", third, again)
	}
	coded := save("source_code", "print()")
	if again := save("source_code", "print()"); !coded.Created || again.Created || coded.Record["version"] != "4" {
		t.Errorf("of other code: %v, %v", coded, again)
	}
	if other := save("key", "other"); !other.Created || other.Record["stem_uid"] == sourced["stem_uid"] {
		t.Errorf("of another key: %v", other)
	}
	if old := save("hash", "h"); old.Created || old.Record.UID() != sourced.UID() {
		t.Errorf("of the source: %v", old)
	}
}
