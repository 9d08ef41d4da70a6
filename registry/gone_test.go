package registry

import (
	"context"
	"strings"
	"testing"
)

func TestWhatIsToFollowADeletedVersionFollowsTheNewestThatIsLeft(t *testing.T) {
	ctx := context.Background()
	for _, model := range []Model{ModelArtifact, ModelCollection, ModelTransform} {
		t.Run(string(model), func(t *testing.T) {
			db := fresh(t)
			first := must(t, db, keyed(model, "one", "k")).Record
			second := must(t, db, keyed(model, "two", "k")).Record
			del(t, db, model, second.UID(), true)
			s := keyed(model, "three", map[Model]string{ModelTransform: "k"}[model]) // without a key, each transform is another
			s.Revises = second.UID()
			for _, dry := range []bool{true, false} {
				s.Dry = dry
				out := must(t, db, s)
				if r := out.Record; out.Revised.UID() != first.UID() || r["stem_uid"] != first["stem_uid"] || r.UID() <= second.UID() || r.Text("version") != "2" || r["key"] != "k" {
					t.Errorf("got %v", out)
				}
				if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, second.UID()+", which it was to follow, is deleted for good; it follows "+first.UID()) {
					t.Errorf("notes: %s", notes)
				}
			}
			if again := must(t, db, s); again.Created || len(again.Notes) != 1 {
				t.Errorf("saved again: %v", again)
			}

			// Nothing is left.
			s = keyed(model, "four", "k")
			s.Revises = must(t, db, keyed(model, "other", "other")).Record.UID()
			del(t, db, model, s.Revises, true)
			out := must(t, db, s)
			if r := out.Record; r["stem_uid"] != first["stem_uid"] || out.Revised == nil { // as ever, of its key
				t.Errorf("of a key that is there: %v", out)
			}
			s = keyed(model, "five", "")
			s.Revises = must(t, db, keyed(model, "lone", "lone")).Record.UID()
			del(t, db, model, s.Revises, true)
			out = must(t, db, s)
			if r := out.Record; !out.Created || out.Revised != nil || r["version"] != nil || r.Text("stem_uid") == s.Revises[:len(r.Text("stem_uid"))] || !r.Bool("is_latest") {
				t.Errorf("of nothing that is left: %v", out)
			}
			if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, s.Revises) || !strings.Contains(notes, "a first version") {
				t.Errorf("notes: %s", notes)
			}

			// A uid that never was is a mistake.
			s.Revises = NewUID(model)
			_, err := db.Save(ctx, s)
			wantError(t, err, ErrNoRecord, s.Revises)
		})
	}
}

func TestWhatIsAppendedToADeletedCollectionGoesBehindTheNewestThatIsLeft(t *testing.T) {
	db := fresh(t)
	old := must(t, db, keyed(ModelCollection, "one", "k")).Record
	gone := must(t, db, keyed(ModelCollection, "two", "k")).Record
	del(t, db, ModelCollection, gone.UID(), true)
	more := Save{Model: ModelCollection, Revises: gone.UID(), Append: true, Members: []any{file("more", "description", "more")}}
	out := must(t, db, more)
	if len(out.Members) != 2 || out.Members[0].Text("hash") != "of one" || out.Record["stem_uid"] != old["stem_uid"] {
		t.Errorf("got %v", out)
	}
	lone := must(t, db, keyed(ModelCollection, "lone", "lone")).Record
	del(t, db, ModelCollection, lone.UID(), true)
	more.Revises = lone.UID()
	_, err := db.Save(context.Background(), more)
	wantError(t, err, ErrNoRecord, lone.UID(), "deleted for good", "of its artifacts")
}
