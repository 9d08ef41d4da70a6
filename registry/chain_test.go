package registry

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// one is an artifact of a content, under a tag.
func one(content, tag string) Save {
	return Save{Model: ModelArtifact, Record: file(content, "description", content), Tag: tag}
}

func TestAChainIsSavedWholeOrNotAtAll(t *testing.T) {
	db := fresh(t)
	old := must(t, db, Save{Model: ModelArtifact, Record: file("old", "key", "k")}).Record
	first, member := one("first", "first"), one("third", "third")
	first.Revises, member.Revises = old.UID(), old.UID()
	member.Before = []Save{one("first", "first"), one("second", "second")}
	c := Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{member, one("second", "second"), one("lone", "lone")}, Before: []Save{
		{Record: Record{"name": "b"}, Members: []any{first}, Tag: "b"},
	}}
	bad := c
	bad.Members = append(slices.Clone(c.Members), file("bad", "path", "nowhere"))
	if _, err := db.Save(context.Background(), bad); err == nil {
		t.Fatal("it was saved")
	}
	for _, m := range []Model{ModelArtifact, ModelCollection} {
		if n, err := db.Count(context.Background(), Query{Model: m, All: true}); err != nil || n != map[Model]int64{ModelArtifact: 1}[m] {
			t.Errorf("%d of %s are left, %v", n, m, err)
		}
	}
	out := must(t, db, c)
	if out.Revised == nil || out.Revised.UID() != out.Tagged["b"].Record.UID() || out.Record["version"] != "2" || len(out.Members) != 3 || len(out.Notes) > 0 {
		t.Errorf("got %v", out)
	}
	for tag, model := range map[string]Model{"first": ModelArtifact, "second": ModelArtifact, "third": ModelArtifact, "lone": ModelArtifact, "b": ModelCollection} {
		got := out.Tagged[tag]
		if now := get(t, db, model, got.Record.UID()); got.Model != model || fmt.Sprint(now) != fmt.Sprint(got.Record) {
			t.Errorf("%s is %v, and became %v", tag, now, got)
		}
	}
	if first, third := out.Tagged["first"].Record, out.Tagged["third"].Record; first["stem_uid"] != old["stem_uid"] || third["version"] != "4" {
		t.Errorf("got %v and %v", first, third)
	}
	again := must(t, db, c) // as a client does whose daemon died
	for tag, of := range out.Tagged {
		if again.Tagged[tag].Record.UID() != of.Record.UID() {
			t.Errorf("%s is another one: %v", tag, again.Tagged[tag])
		}
	}
	if again.Created || again.Record.UID() != out.Record.UID() || len(again.Notes) > 0 {
		t.Errorf("again: %v", again)
	}
	if n, err := db.Count(context.Background(), Query{Model: ModelArtifact, All: true}); err != nil || n != 5 {
		t.Errorf("%d artifacts, %v", n, err)
	}
}

func TestAChainOfAppendedOnesIsSavedOnceHoweverOftenItIsSaved(t *testing.T) {
	db := fresh(t)
	s := Save{Model: ModelCollection, Append: true, Members: []any{one("c", "c")}, Whole: []any{one("a", "a"), one("b", "b"), one("c", "c")}, Before: []Save{
		{Record: Record{"name": "n"}, Members: []any{one("a", "a")}},
		{Append: true, Members: []any{one("b", "b")}, Whole: []any{one("a", "a"), one("b", "b")}},
	}}
	first := must(t, db, s)
	again := must(t, db, s)
	if first.Record["version"] != "3" || len(first.Members) != 3 || again.Created || again.Record.UID() != first.Record.UID() {
		t.Errorf("got %v, then %v", first, again)
	}
	if n, err := db.Count(context.Background(), Query{Model: ModelCollection, All: true}); err != nil || n != 3 {
		t.Errorf("%d collections, %v", n, err)
	}
}

func TestWhatIsAppendedToANewOneOfKnownMembersIsOfItsOwnChain(t *testing.T) {
	a, b, more := file("a", "description", "a"), file("b", "description", "b"), file("more", "description", "more")
	for _, tt := range []struct {
		name          string
		key           string // of the new one
		follows       bool   // the new one follows a collection of that key
		known         bool   // its members are those of an older version of the family cm
		version       any
		members       int
		withReference any
	}{
		{"members that are new", "other", false, false, "2", 2, "r"},
		{"members of another family", "other", false, true, nil, 2, "r"},
		{"members of its own family, whose newest has more", "cm", false, true, "4", 3, nil},
		{"members of another family, after one of its own", "other", true, true, "2", 2, "r"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := fresh(t)
			theirs := must(t, db, Save{Model: ModelCollection, Record: Record{"key": "cm"}, Members: []any{b}}).Record
			if tt.known {
				first := must(t, db, Save{Model: ModelCollection, Record: Record{"key": "cm"}, Members: []any{a}}).Record
				must(t, db, Save{Model: ModelCollection, Revises: first.UID(), Append: true, Members: []any{b}})
				del(t, db, ModelCollection, theirs.UID(), true)
			}
			s := Save{Model: ModelCollection, Record: Record{"key": tt.key}, Append: true, Members: []any{more}, Whole: []any{a, more},
				Before: []Save{{Record: Record{"key": tt.key, "reference": "r"}, Members: []any{a}}}}
			if tt.follows {
				s.Revises = must(t, db, Save{Model: ModelCollection, Record: Record{"key": tt.key}, Members: []any{file("own", "description", "own")}}).Record.UID()
			}
			out := must(t, db, s)
			if r := out.Record; r["key"] != tt.key || r["version"] != tt.version || r["reference"] != tt.withReference || len(out.Members) != tt.members || out.Members[tt.members-1].Text("hash") != "more" {
				t.Errorf("got %v, of %d members", r, len(out.Members))
			}
		})
	}
}

func TestNamesAreForWhatFollowsNothing(t *testing.T) {
	db := fresh(t)
	old := must(t, db, Save{Model: ModelArtifact, Record: file("old", "key", "k", "description", "d")}).Record
	update(t, db, ModelArtifact, old.UID(), Record{"description": "as it is"})
	next := Save{Model: ModelArtifact, Record: file("next"), Names: Record{"key": "k", "description": "d"}, Revises: old.UID()}
	if r := must(t, db, next).Record; r["description"] != "as it is" || r["key"] != "k" {
		t.Errorf("got %v", r)
	}
	for _, r := range []Record{old, must(t, db, next).Record} {
		del(t, db, ModelArtifact, r.UID(), true)
	}
	if r := must(t, db, next).Record; r["description"] != "d" || r["key"] != "k" || r["version"] != nil {
		t.Errorf("of what is deleted for good: %v", r)
	}
}
