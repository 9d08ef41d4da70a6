package registry

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// Every field of Schema has one of the struct's, of its own: of a record in which no two values are equal, each value is found once.
func TestStructsHaveAllFieldsOfTheirModel(t *testing.T) {
	for model, of := range map[Model]func(Record) any{
		ModelArtifact:   func(r Record) any { return *r.Artifact() },
		ModelCollection: func(r Record) any { return *r.Collection() },
	} {
		r := Record{"id": int64(1000)}
		want := []string{"1000"}
		for i, f := range tables[model].Fields {
			switch f.Type {
			case Int:
				r[f.Name] = int64(i + 1)
			case Bool:
				r[f.Name] = true
			case Time:
				r[f.Name] = time.Unix(int64(i), 0).UTC()
			default:
				r[f.Name] = f.Name
			}
			want = append(want, fmt.Sprint(r[f.Name]))
		}
		v := reflect.ValueOf(of(r))
		var got []string
		for i := range v.NumField() {
			got = append(got, fmt.Sprint(reflect.Indirect(v.Field(i)).Interface()))
		}
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: the struct has\n%q\nand the record\n%q", model, got, want)
		}
		for i, empty := 0, reflect.ValueOf(of(Record{})); i < empty.NumField(); i++ {
			if !empty.Field(i).IsZero() {
				t.Errorf("%s of an empty %s is %v", empty.Type().Field(i).Name, model, empty.Field(i))
			}
		}
	}
}

func TestStructsAreThoseOfTheirRecords(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	saved := must(t, db, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{file("b", "key", "b"), file("a", "key", "a")}})
	c, err := db.Collection(ctx, saved.Record.UID())
	if err != nil || c.Name != "c" || !c.IsLatest || c.CreatedAt.IsZero() || !reflect.DeepEqual(c, saved.Record.Collection()) {
		t.Errorf("got %v, %v", c, err)
	}
	members, err := db.Artifacts(ctx, Query{Of: &Of{ModelCollection, c.UID, "artifacts"}})
	if err != nil || len(members) != 2 || members[0].Key != "b" || *members[0].Size != 1 || members[0].NFiles != nil {
		t.Errorf("members %v, %v", members, err)
	}
	if one, err := db.Artifact(ctx, members[1].UID); err != nil || !reflect.DeepEqual(one, members[1]) {
		t.Errorf("got %v, %v", one, err)
	}
	if all, err := db.Collections(ctx, Query{Model: ModelCollection, Where: Lookup{"name", "d"}}); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
	_, err = db.Artifact(ctx, c.UID)
	wantError(t, err, ErrNoRecord, c.UID)
	_, err = db.Collection(ctx, members[0].UID)
	wantError(t, err, ErrNoRecord, members[0].UID)
	_, err = db.Artifacts(ctx, Query{Model: ModelRun})
	wantError(t, err, ErrInvalid, "run", "artifact")
	_, err = db.Collections(ctx, Query{Where: Lookup{"nam", "d"}})
	wantError(t, err, ErrUnknownField, "nam")
}
