package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// renamedApart makes a family whose first version has the key "k" and whose second has another, and gives "k" to another family.
func renamedApart(t *testing.T, db *DB, model Model) (first, second, other Record) {
	t.Helper()
	first = must(t, db, keyed(model, "one", "k")).Record
	next := keyed(model, "two", "elsewhere")
	next.Revises = first.UID()
	second = must(t, db, next).Record
	other = must(t, db, keyed(model, "three", "k")).Record
	if other["stem_uid"] == first["stem_uid"] {
		t.Fatal("a key that was given up is not free")
	}
	return first, second, other
}

// keyed is something of a content, and with a key, where that is not "".
func keyed(model Model, content, key string) Save {
	s := Save{Model: model, Record: Record{}}
	switch model {
	case ModelArtifact:
		s.Record = file(content)
	case ModelCollection:
		s.Members = []any{file("of "+content, "description", content)}
	default:
		s.Record["hash"] = content
	}
	if key != "" {
		s.Record["key"] = key
	}
	return s
}

func TestNoOldVersionBecomesASecondLatestOfItsKey(t *testing.T) {
	ctx := context.Background()
	for _, model := range []Model{ModelArtifact, ModelCollection, ModelTransform} {
		for _, tt := range []struct {
			name string
			do   func(db *DB, first, second Record) error
		}{
			{"by going into the trash", func(db *DB, _, second Record) error {
				_, err := db.Delete(ctx, model, second.UID(), false)
				return err
			}},
			{"by going for good", func(db *DB, _, second Record) error {
				_, err := db.Delete(ctx, model, second.UID(), true)
				return err
			}},
			{"by being hidden", func(db *DB, _, second Record) error {
				_, err := db.Update(ctx, model, second.UID(), Record{"visibility": Hidden})
				return err
			}},
			{"by a successor with the old key", func(db *DB, first, _ Record) error {
				s := keyed(model, "four", "k")
				s.Revises = first.UID()
				_, err := db.Save(ctx, s)
				return err
			}},
			{"by the old key for the newest", func(db *DB, _, second Record) error {
				_, err := db.Update(ctx, model, second.UID(), Record{"key": "k"})
				return err
			}},
		} {
			if model == ModelTransform && (tt.name == "by going into the trash" || tt.name == "by being hidden") {
				continue
			}
			t.Run(string(model)+" "+tt.name, func(t *testing.T) {
				db := fresh(t)
				first, second, other := renamedApart(t, db, model)
				err := tt.do(db, first, second)
				wantError(t, err, ErrConflict, `"k"`, other.UID(), "another key")
				if now := get(t, db, model, second.UID()); !now.Bool("is_latest") || now["updated_at"] != second["updated_at"] {
					t.Errorf("it is changed: %v", now)
				}
				if _, err := db.Delete(ctx, model, first.UID(), true); err != nil { // one of the cures
					t.Fatal(err)
				}
				if tt.name != "by the old key for the newest" && !strings.Contains(tt.name, "successor") {
					if err := tt.do(db, first, second); err != nil {
						t.Errorf("after the cure: %v", err)
					}
				}
			})
		}
	}
}

func TestACopyComesWithoutAKeyThatIsAnothersHere(t *testing.T) {
	from, db := fresh(t), fresh(t)
	there := must(t, db, keyed(ModelArtifact, "there", "k")).Record
	one := must(t, from, keyed(ModelArtifact, "one", "k")).Record
	two := must(t, from, keyed(ModelArtifact, "two", "k")).Record
	free := must(t, from, keyed(ModelArtifact, "free", "l")).Record
	c := keyed(ModelCollection, "c", "c")
	c.Members, c.From = []any{one.UID(), two.UID(), free.UID()}, from
	out := must(t, db, c)
	notes := strings.Join(out.Notes, "\n")
	for i, m := range []Record{one, two, free} {
		got := get(t, db, ModelArtifact, m.UID())
		if key := got.Text("key"); (key == "l") != (i == 2) || key == "k" || i < 2 && got["description"] != "k" {
			t.Errorf("member %d has the key %q and the description %v", i, key, got["description"])
		}
		if said := strings.Contains(notes, m.UID()); said != (i < 2) {
			t.Errorf("member %d: notes %s", i, notes)
		}
	}
	if !strings.Contains(notes, `"k"`) || !strings.Contains(notes, there.UID()) {
		t.Errorf("notes %s", notes)
	}
	if len(must(t, db, c).Notes) > 0 {
		t.Error("it is said again")
	}
	if get(t, from, ModelArtifact, two.UID()).Text("key") != "k" {
		t.Error("what is copied is changed")
	}
}

// Whatever is done to several families that share keys: each has one latest, and of one key there is one latest outside the trash. What
// is refused changes nothing.
func TestAKeyHasOneLatestAtMost(t *testing.T) {
	for _, model := range []Model{ModelArtifact, ModelCollection, ModelTransform} {
		t.Run(string(model), func(t *testing.T) {
			for seed := range uint64(4) {
				shuffleKeys(t, model, rand.New(rand.NewPCG(7, seed)))
			}
		})
	}
}

func shuffleKeys(t *testing.T, model Model, r *rand.Rand) {
	ctx, db, from := context.Background(), fresh(t), fresh(t)
	name := quote(string(model))
	state := func() []string {
		return texts(t, db.Path(), fmt.Sprintf("SELECT * FROM %s ORDER BY id", name))
	}
	keys := []string{"", "a", "b", "c"}
	live := ""
	if tables[model].Has("visibility") {
		live = " AND visibility < 2"
	}
	refused := 0
	for step := range 160 {
		uids, err := db.UIDs(ctx, Query{Model: model, All: true})
		if err != nil {
			t.Fatal(err)
		}
		uid, key := "", keys[r.IntN(len(keys))]
		if len(uids) > 0 {
			uid = uids[r.IntN(len(uids))]
		}
		content := fmt.Sprint("content", r.IntN(40))
		before, what := state(), ""
		switch do := r.IntN(8); {
		case uid == "" || do <= 1:
			what = "save " + key
			_, err = db.Save(ctx, keyed(model, content, key))
		case do == 2:
			what = "revise " + uid + " as " + key
			s := keyed(model, content, key)
			s.Revises = uid
			_, err = db.Save(ctx, s)
		case do == 3:
			what = "key of " + uid + " is " + key
			_, err = db.Update(ctx, model, uid, Record{"key": key})
		case do == 4 && live != "":
			what = fmt.Sprint("visibility of ", uid)
			_, err = db.Update(ctx, model, uid, Record{"visibility": int64(r.IntN(3))})
		case do == 5 && live != "":
			what = "restore " + uid
			_, err = db.Restore(ctx, model, uid)
		case do == 6:
			what = "copy " + key
			var out *Saved
			if out, err = from.Save(ctx, keyed(model, "from "+content, key)); err == nil {
				err = db.update(ctx, "save", func(tx *tx) error {
					tx.from = from
					_, err := tx.fetch(tables[model], out.Record.UID())
					return err
				})
			} else if errors.Is(err, ErrConflict) {
				err = nil // of the other database
			}
		default:
			what = "delete " + uid
			_, err = db.Delete(ctx, model, uid, live == "" || r.IntN(3) == 0)
		}
		if err != nil {
			if !errors.Is(err, ErrConflict) {
				t.Fatalf("step %d, %s: %v", step, what, err)
			}
			refused++
			if after := state(); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Fatalf("step %d, %s is refused (%v), and changes %q to %q", step, what, err, before, after)
			}
		}
		for _, q := range []string{
			"SELECT key || ' has ' || group_concat(uid) FROM %s WHERE is_latest AND key <> ''" + live + " GROUP BY key HAVING count(*) > 1",
			"SELECT stem_uid FROM %s GROUP BY stem_uid HAVING sum(is_latest) <> 1",
		} {
			if found := texts(t, db.Path(), fmt.Sprintf(q, name)); len(found) > 0 {
				t.Fatalf("step %d, %s (%v): %q", step, what, err, found)
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// A key that was made up of a file's name makes no version of what another file holds.
func TestAKeyThatWasMadeUpIsThatOfOneFile(t *testing.T) {
	ctx := context.Background()
	db := fresh(t)
	first := must(t, db, Save{Model: ModelArtifact, Record: file("one", "key", "data.csv", "path", "/a/data.csv"), SamePath: true}).Record
	_, err := db.Save(ctx, Save{Model: ModelArtifact, Record: file("two", "key", "data.csv", "path", "/b/data.csv"), SamePath: true})
	wantError(t, err, ErrConflict, "/b/data.csv", "/a/data.csv", "--key")
	same := must(t, db, Save{Model: ModelArtifact, Record: file("one", "key", "data.csv", "path", "/b/data.csv"), SamePath: true})
	if same.Created || same.Record.UID() != first.UID() {
		t.Errorf("the same content is %v", same.Record)
	}
	second := must(t, db, Save{Model: ModelArtifact, Record: file("three", "key", "data.csv", "path", first["path"]), SamePath: true}).Record
	if second.Text("stem_uid") != first.Text("stem_uid") {
		t.Errorf("other content at the same path is %v", second)
	}
	_, err = db.Save(ctx, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{
		Save{Model: ModelArtifact, Record: file("x", "key", "x.csv", "path", "/a/x.csv"), SamePath: true},
		Save{Model: ModelArtifact, Record: file("y", "key", "x.csv", "path", "/b/x.csv"), SamePath: true},
	}})
	wantError(t, err, ErrConflict, "/b/x.csv", "/a/x.csv")
}
