package registry

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWhatAnotherDatabaseNamesIsCopied(t *testing.T) {
	ctx := context.Background()
	from, to := fresh(t), fresh(t)
	tracked, err := from.Track(ctx, Record{"key": "t.py", "hash": "h"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	slots := []Slot{{"obs", []string{"x", "y"}, []string{"int", "cat"}}}
	a := must(t, from, Save{Model: ModelArtifact, Record: file("a", "key", "k", "run", tracked.Run.UID()), Slots: slots, Labels: []any{Record{"name": "l"}}}).Record
	a2 := must(t, from, Save{Model: ModelArtifact, Record: file("a2", "key", "k")}).Record
	there := must(t, to, Save{Model: ModelArtifact, Record: file("b", "key", "k")}).Record // another one of this key
	b := must(t, from, Save{Model: ModelArtifact, Record: file("b")}).Record               // the same content
	c := must(t, to, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{a2.UID(), a.UID(), b.UID()}, From: from})
	if got := textsOf(c.Members, "uid"); !slices.Equal(got, []string{a2.UID(), a.UID(), there.UID()}) {
		t.Errorf("members %q", got)
	}
	got := get(t, to, ModelArtifact, a.UID())
	if got.Text("run") != tracked.Run.UID() || got.Text("transform") != tracked.Transform.UID() || got.Text("version") != "1" || got.Bool("is_latest") {
		t.Errorf("got %v", got)
	}
	if !get(t, to, ModelArtifact, a2.UID()).Bool("is_latest") {
		t.Error("the newest of the family is not the latest there")
	}
	if of, err := to.Features(ctx, ModelArtifact, a.UID()); err != nil || len(of) != 1 || !slices.Equal(of[0].Names, []string{"x", "y"}) {
		t.Errorf("features %v, %v", of, err)
	}
	if l := related(t, to, ModelArtifact, ModelULabel, a.UID(), "ulabels"); !slices.Equal(textsOf(l, "name"), []string{"l"}) {
		t.Errorf("labels %v", l)
	}
	again := must(t, to, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{a2.UID(), a.UID(), b.UID()}, From: from})
	if again.Created {
		t.Error("copied a second time")
	}
	_, err = to.Save(ctx, Save{Model: ModelCollection, Members: []any{"abcdefghijklmnop0000"}, From: from})
	wantError(t, err, ErrNoRecord, "abcdefghijklmnop0000")
}

// Both databases number the versions of a family, so that two of one uid need not be one.
func TestAVersionOfEachDatabaseIsNotTakenForTheOther(t *testing.T) {
	ctx := context.Background()
	from, to := fresh(t), fresh(t)
	a := must(t, from, Save{Model: ModelArtifact, Record: file("a", "key", "k")}).Record
	must(t, to, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{a.UID()}, From: from})
	theirs := must(t, from, Save{Model: ModelArtifact, Record: file("theirs", "key", "k")}).Record
	ours := must(t, to, Save{Model: ModelArtifact, Record: file("ours"), Revises: a.UID()}).Record
	if theirs.UID() != ours.UID() {
		t.Fatalf("%s and %s", theirs.UID(), ours.UID())
	}
	name := Record{"name": "d"}
	for _, s := range []Save{
		{Model: ModelCollection, Record: name, Members: []any{a.UID(), theirs.UID()}, From: from},
		{Model: ModelCollection, Record: Record{"name": "d", "meta_artifact": theirs.UID()}, Members: []any{a.UID()}, From: from},
	} {
		_, err := to.Save(ctx, s)
		wantError(t, err, ErrConflict, theirs.UID(), from.Path(), to.Path())
	}
	c := must(t, to, Save{Model: ModelCollection, Record: name, Members: []any{ours.UID()}, From: from, Own: true})
	if c.Members[0].Text("hash") != "ours" {
		t.Errorf("its member is %v", c.Members[0])
	}
	b := must(t, from, Save{Model: ModelArtifact, Record: file("b")}).Record
	more := must(t, to, Save{Model: ModelCollection, Record: Record{}, Members: []any{b.UID()}, Revises: c.Record.UID(), Append: true, From: from})
	if got := textsOf(related(t, to, ModelCollection, ModelArtifact, more.Record.UID(), "artifacts"), "hash"); !slices.Equal(got, []string{"ours", "b"}) {
		t.Errorf("appended to what this database has: %q", got)
	}
}

// A record that is saved to another database, and not only named by one, is the same record there.
func TestWhatIsSavedIsCopiedUnderItsUID(t *testing.T) {
	from, to := fresh(t), fresh(t)
	a := must(t, from, Save{Model: ModelArtifact, Record: file("a", "key", "k"), Labels: []any{Record{"name": "l"}}}).Record
	b := must(t, from, Save{Model: ModelArtifact, Record: file("b", "key", "k")}).Record
	a = get(t, from, ModelArtifact, a.UID())
	c := must(t, from, Save{Model: ModelCollection, Record: Record{"name": "c", "key": "k"}, Members: []any{a.UID()}, Labels: []any{Record{"name": "m"}}}).Record
	d := must(t, from, Save{Model: ModelCollection, Record: Record{"key": "k"}, Members: []any{b.UID()}}).Record
	c = get(t, from, ModelCollection, c.UID())
	for _, s := range []Save{
		{Model: ModelArtifact, Record: b, From: from}, {Model: ModelArtifact, Record: a, From: from},
		{Model: ModelCollection, Record: d, Members: []any{b.UID()}, Revises: c.UID(), From: from},
		{Model: ModelCollection, Record: c, Members: []any{a.UID()}, From: from},
		{Model: ModelCollection, Record: c, Members: []any{a.UID()}, From: from}, // once more
	} {
		delete(s.Record, "storage")
		saved := must(t, to, s).Record
		if saved.UID() != s.Record.UID() || saved.Text("version") != s.Record.Text("version") || saved.Bool("is_latest") != s.Record.Bool("is_latest") || saved.Text("key") != "k" {
			t.Errorf("%v\nis there %v", s.Record, saved)
		}
	}
	for _, tt := range []struct {
		of   Record
		m    Model
		want string
	}{{a, ModelArtifact, "l"}, {c, ModelCollection, "m"}} {
		if l := related(t, to, tt.m, ModelULabel, tt.of.UID(), "ulabels"); !slices.Equal(textsOf(l, "name"), []string{tt.want}) {
			t.Errorf("%s has the labels %v", tt.m, l)
		}
	}
}

func TestCopiesHaveAVersionEach(t *testing.T) {
	from, to := fresh(t), fresh(t)
	first := must(t, from, Save{Model: ModelArtifact, Record: file("one", "key", "k")}).Record
	asCopy := func(r Record) *Saved {
		t.Helper()
		return must(t, to, Save{Model: ModelArtifact, Record: r, From: from})
	}
	asCopy(first) // when it had no version yet
	var theirs []Record
	for _, name := range []string{"two", "three"} {
		theirs = append(theirs, must(t, from, Save{Model: ModelArtifact, Record: file(name, "key", "k")}).Record)
	}
	latest := asCopy(theirs[1])
	must(t, to, Save{Model: ModelArtifact, Record: file("own", "key", "k", "version", "2")})
	late := asCopy(theirs[0])
	if notes := fmt.Sprint(late.Notes); latest.Record.Text("version") != "3" || late.Record.Text("version") != "4" || !strings.Contains(notes, "copied as version 4") {
		t.Errorf("got %v and %v", latest, late)
	}
	family, err := to.Records(context.Background(), Query{Model: ModelArtifact, OrderBy: []string{"uid"}, All: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := textsOf(family, "version"); !slices.Equal(got, []string{"1", "4", "3", "2"}) {
		t.Errorf("versions %q", got)
	}
	if got := must(t, to, Save{Model: ModelArtifact, Record: file("next", "key", "k")}).Record.Text("version"); got != "5" {
		t.Errorf("the next is %q", got)
	}
}

func TestDatabasesHaveNames(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	other := filepath.Join(t.TempDir(), "lab.db")
	for range 2 {
		if err := db.Register(ctx, "lab", other); err != nil {
			t.Fatal(err)
		}
	}
	if path, err := db.PathOf(ctx, "lab"); err != nil || path != other {
		t.Errorf("got %s, %v", path, err)
	}
	if path, err := db.PathOf(ctx, DefaultName); err != nil || path != db.Path() {
		t.Errorf("got %s, %v", path, err)
	}
	_, err := db.PathOf(ctx, "lap")
	wantError(t, err, ErrNoRecord, "did you mean `lab`?", "default")
	wantError(t, db.Register(ctx, "a b", other), ErrInvalid, "a b")
	wantError(t, db.Register(ctx, DefaultName, other), ErrInvalid, "default")
	wantError(t, db.Register(ctx, "x", "lab.db"), ErrInvalid, "absolute")
}
