package registry

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
)

func del(t *testing.T, db *DB, m Model, uid string, permanent bool) Record {
	t.Helper()
	r, err := db.Delete(context.Background(), m, uid, permanent)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatComesOutOfTheTrashHasWhatWasTakenFromIt(t *testing.T) {
	db := fresh(t)
	made := chain(t, db, nil, nil)
	if r := del(t, db, ModelArtifact, made[1].UID(), false); r.Int("visibility") != Trash || r.Bool("is_latest") || r["id"] == nil {
		t.Errorf("in the trash: %v", r)
	}
	if !get(t, db, ModelArtifact, made[0].UID()).Bool("is_latest") {
		t.Error("the one before has not become the latest")
	}
	if n, _ := db.Count(context.Background(), Query{Model: ModelArtifact}); n != 1 {
		t.Errorf("%d are shown", n)
	}
	r, err := db.Restore(context.Background(), ModelArtifact, made[1].UID())
	if err != nil || r.Int("visibility") != Visible || !r.Bool("is_latest") {
		t.Errorf("restored: %v, %v", r, err)
	}
	if get(t, db, ModelArtifact, made[0].UID()).Bool("is_latest") {
		t.Error("there are two latest")
	}
	hidden := update(t, db, ModelArtifact, made[0].UID(), Record{"visibility": Hidden})
	if r, err := db.Restore(context.Background(), ModelArtifact, hidden.UID()); err != nil || r.Int("visibility") != Hidden {
		t.Errorf("what is not in the trash: %v, %v", r, err)
	}
}

func TestWhatWasHiddenComesOutOfTheTrashHidden(t *testing.T) {
	ctx := context.Background()
	db := fresh(t)
	for _, tt := range []struct {
		name string
		out  func(Record) (Record, error)
		want int64
	}{
		{"restored", func(r Record) (Record, error) { return db.Restore(ctx, ModelArtifact, r.UID()) }, Hidden},
		{"saved again", func(r Record) (Record, error) {
			out, err := db.Save(ctx, Save{Model: ModelArtifact, Record: file(r.Text("hash"))})
			return out.Record, err
		}, Hidden},
		{"shown", func(r Record) (Record, error) {
			return db.Update(ctx, ModelArtifact, r.UID(), Record{"visibility": Visible})
		}, Visible},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := must(t, db, Save{Model: ModelArtifact, Record: file(tt.name, "visibility", Hidden)}).Record
			del(t, db, ModelArtifact, r.UID(), false)
			del(t, db, ModelArtifact, r.UID(), false)
			if got, err := tt.out(r); err != nil || got.Int("visibility") != tt.want {
				t.Errorf("it is %v, %v", got, err)
			}
			// The next time, it goes as it is then.
			update(t, db, ModelArtifact, r.UID(), Record{"visibility": Visible})
			del(t, db, ModelArtifact, r.UID(), false)
			if got, err := db.Restore(ctx, ModelArtifact, r.UID()); err != nil || got.Int("visibility") != Visible {
				t.Errorf("after it was shown: %v, %v", got, err)
			}
			update(t, db, ModelArtifact, r.UID(), Record{"visibility": Hidden})
			del(t, db, ModelArtifact, r.UID(), false)
			del(t, db, ModelArtifact, r.UID(), true)
		})
	}
	if left := texts(t, db.Path(), "SELECT * FROM concealed"); len(left) > 0 {
		t.Errorf("there is left %q", left)
	}
}

func TestARecordWhoseKeyWasGivenAwayStaysInTheTrash(t *testing.T) {
	ctx := context.Background()
	for _, model := range []Model{ModelArtifact, ModelCollection} {
		t.Run(string(model), func(t *testing.T) {
			db := fresh(t)
			save := func(content string) Save {
				if model == ModelArtifact {
					return Save{Model: model, Record: file(content, "key", "k")}
				}
				return Save{Model: model, Record: Record{"key": "k"}, Members: []any{file(content, "key", content)}}
			}
			old := must(t, db, save("old")).Record
			del(t, db, model, old.UID(), false)
			other := must(t, db, save("new")).Record
			if other["stem_uid"] == old["stem_uid"] {
				t.Fatal("a version of what is in the trash")
			}
			_, err := db.Restore(ctx, model, old.UID())
			wantError(t, err, ErrConflict, other.UID(), `"k"`, "another key")
			_, err = db.Update(ctx, model, old.UID(), Record{"visibility": Hidden})
			wantError(t, err, ErrConflict, other.UID())
			_, err = db.Save(ctx, save("old"))
			wantError(t, err, ErrConflict, other.UID())
			if r := get(t, db, model, old.UID()); r.Int("visibility") != Trash {
				t.Errorf("it is %v", r)
			}
			update(t, db, model, other.UID(), Record{"key": "l"})
			if r, err := db.Restore(ctx, model, old.UID()); err != nil || r.Int("visibility") != Visible {
				t.Errorf("after the other took another key: %v, %v", r, err)
			}
			// A version that is not the latest takes nobody's key.
			next := save("next")
			next.Revises = old.UID()
			newest := must(t, db, next).Record
			del(t, db, model, old.UID(), false)
			if r, err := db.Restore(ctx, model, old.UID()); err != nil || r.Bool("is_latest") || !get(t, db, model, newest.UID()).Bool("is_latest") {
				t.Errorf("an old version: %v, %v", r, err)
			}
		})
	}
}

func TestTheUserWhoMakesRecordsStays(t *testing.T) {
	db := fresh(t)
	_, err := db.Delete(context.Background(), ModelUser, db.User(), true)
	wantError(t, err, ErrProtected, db.User())
	must(t, db, Save{Model: ModelULabel, Record: Record{"name": "l"}})
}

func TestWhatOthersNeedIsNotDeletedForGood(t *testing.T) {
	ctx := context.Background()
	db := fresh(t)
	meta := must(t, db, Save{Model: ModelArtifact, Record: file("meta")}).Record
	transform := must(t, db, Save{Model: ModelTransform, Record: Record{"key": "t"}}).Record
	run := must(t, db, Save{Model: ModelRun, Record: Record{"transform": transform.UID()}}).Record
	var collections []Record
	for i := range 5 {
		c := must(t, db, Save{Model: ModelCollection, Record: Record{"name": fmt.Sprint("c", i), "meta_artifact": meta.UID(), "run": run.UID()},
			Members: []any{file("shared"), file(fmt.Sprint("own", i))}})
		collections = append(collections, c.Record)
	}
	shared := must(t, db, Save{Model: ModelArtifact, Record: file("shared")}).Record
	del(t, db, ModelCollection, collections[1].UID(), false)
	_, err := db.Delete(ctx, ModelArtifact, shared.UID(), true)
	wantError(t, err, ErrProtected, "5 collections", `"c0"`, `"c1" (in the trash)`, "2 more", "artifacts")
	_, err = db.Delete(ctx, ModelArtifact, meta.UID(), true)
	wantError(t, err, ErrProtected, "meta_artifact")
	_, err = db.Delete(ctx, ModelRun, run.UID(), false)
	wantError(t, err, ErrProtected, "as their run")
	_, err = db.Delete(ctx, ModelTransform, transform.UID(), false)
	wantError(t, err, ErrProtected, "transform")
	_, err = db.Delete(ctx, ModelUser, db.User(), false)
	wantError(t, err, ErrProtected, "created_by")
	_, err = db.Delete(ctx, ModelArtifact, "nobody", true)
	wantError(t, err, ErrNoRecord, "nobody")
	_, err = db.Restore(ctx, ModelRun, run.UID())
	wantError(t, err, ErrInvalid, "no trash")

	if r := del(t, db, ModelArtifact, shared.UID(), false); r.Int("visibility") != Trash { // this is not for good
		t.Errorf("got %v", r)
	}
	for _, c := range collections {
		if r := del(t, db, ModelCollection, c.UID(), true); r["id"] != nil {
			t.Errorf("deleted: %v", r)
		}
	}
	del(t, db, ModelArtifact, shared.UID(), true)
	_, err = db.Get(ctx, ModelArtifact, shared.UID())
	wantError(t, err, ErrNoRecord, shared.UID())
	if n, err := db.Count(ctx, Query{Model: ModelArtifact}); n != 6 || err != nil {
		t.Errorf("%d artifacts are left, %v", n, err)
	}
}

// The table of what needs what is made from the schema; the database holds it too, should the table be wrong.
func TestTheDatabaseRefusesWhatTheTableDoes(t *testing.T) {
	db := fresh(t)
	c := must(t, db, Save{Model: ModelCollection, Members: []any{file("a")}})
	_, err := db.pools.write.Exec("DELETE FROM artifact WHERE id = ?", c.Members[0]["id"])
	if err == nil {
		t.Fatal("it was deleted")
	}
	wantError(t, db.explain("delete", err), ErrProtected)
}

func TestTheSameContentComesOutOfTheTrash(t *testing.T) {
	db := fresh(t)
	c := must(t, db, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{file("a")}})
	del(t, db, ModelCollection, c.Record.UID(), false)
	del(t, db, ModelArtifact, c.Members[0].UID(), false)
	again := must(t, db, Save{Model: ModelCollection, Record: Record{"name": "another"}, Members: []any{file("a")}})
	if again.Created || again.Record.UID() != c.Record.UID() || again.Record.Text("name") != "c" || again.Record.Int("visibility") != Visible {
		t.Errorf("got %v", again)
	}
	if len(again.Notes) != 3 || again.Members[0].Int("visibility") != Visible {
		t.Errorf("notes %q, members %v", again.Notes, again.Members)
	}
}

func TestWhatHoldsARecordIsSaidInOneAndInMany(t *testing.T) {
	db := fresh(t)
	a := must(t, db, Save{Model: ModelArtifact, Record: file("a", "key", "a")}).Record
	for n, want := range map[int]string{1: "1 collection has it among its artifacts: ", 4: "4 collections have it among their artifacts: "} {
		for i := range n {
			must(t, db, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{a.UID(), file(string(rune('b'+i)), "key", string(rune('b'+i)))}})
		}
		_, err := db.Delete(context.Background(), ModelArtifact, a.UID(), true)
		wantError(t, err, ErrProtected, want)
		found, err := db.UIDs(context.Background(), Query{Model: ModelCollection})
		if err != nil {
			t.Fatal(err)
		}
		for _, uid := range found {
			if _, err := db.Delete(context.Background(), ModelCollection, uid, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := db.Track(context.Background(), Record{"key": "a.py"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Delete(context.Background(), ModelTransform, got.Transform.UID(), true)
	wantError(t, err, ErrProtected, "1 run has it as its transform: ")
}

func TestWhatIsSavedUnderAFreeNameComesOutOfTheTrashWithThat(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model Model
		given Record
		want  Record // nil: it stays in the trash
	}{
		{"an artifact with a free key", ModelArtifact, Record{"key": "free"}, Record{"key": "free"}},
		{"an artifact with the key that was given on", ModelArtifact, Record{"key": "k"}, nil},
		{"an artifact with a key that a third has", ModelArtifact, Record{"key": "third"}, nil},
		{"an artifact without a key", ModelArtifact, Record{"description": "d"}, nil},
		{"a collection with a free key", ModelCollection, Record{"key": "free", "name": "n"}, Record{"key": "free", "name": "old"}},
		{"a collection with the key that was given on", ModelCollection, Record{"key": "k", "name": "n"}, nil},
		{"a collection with a key that a third has", ModelCollection, Record{"key": "third"}, nil},
		{"a collection with a name alone", ModelCollection, Record{"name": "n"}, Record{"key": nil, "name": "n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := fresh(t)
			save := func(content string, given Record) Save {
				if tt.model == ModelArtifact {
					r := file(content)
					maps.Copy(r, given)
					return Save{Model: tt.model, Record: r}
				}
				return Save{Model: tt.model, Record: given, Members: []any{file(content, "key", content)}}
			}
			named := Record{"key": "k"}
			if tt.model == ModelCollection {
				named["name"] = "old"
			}
			third := must(t, db, save("third", Record{"key": "third"})).Record
			old := must(t, db, save("old", named)).Record
			update(t, db, tt.model, old.UID(), Record{"visibility": Hidden})
			del(t, db, tt.model, old.UID(), false)
			other := must(t, db, save("new", Record{"key": "k"})).Record
			for _, dry := range []bool{true, false} {
				s := save("old", tt.given)
				s.Dry = dry
				out, err := db.Save(context.Background(), s)
				if tt.want == nil {
					by := other
					if tt.given["key"] == "third" {
						by = third
					}
					wantError(t, err, ErrConflict, by.UID(), "--key", "key=")
				} else if err != nil {
					t.Fatal(err)
				}
				stored := get(t, db, tt.model, old.UID())
				if tt.want == nil || dry {
					if stored.Int("visibility") != Trash || stored["key"] != "k" {
						t.Errorf("dry: %t, it is %v", dry, stored)
					}
				} else if stored.Int("visibility") != Hidden || !stored.Bool("is_latest") {
					t.Errorf("it is %v", stored)
				}
				if tt.want == nil {
					continue
				}
				for name, want := range tt.want {
					if out.Record[name] != want {
						t.Errorf("dry: %t, its %s is %v, want %v", dry, name, out.Record[name], want)
					}
				}
				if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, `"k"`) || !strings.Contains(notes, other.UID()) || strings.Contains(notes, "it stays") {
					t.Errorf("notes: %s", notes)
				}
			}
			if left := texts(t, db.Path(), "SELECT * FROM concealed"); len(left) > 0 != (tt.want == nil) {
				t.Errorf("hidden ones in the trash: %q", left)
			}
			if !get(t, db, tt.model, other.UID()).Bool("is_latest") {
				t.Error("the other is not the latest of its key")
			}
		})
	}
}
