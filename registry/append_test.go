package registry

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"
)

func uidsOf(records []Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.UID()
	}
	return out
}

// Each of them knows the first version only, as an object that somebody has kept does.
func TestAllThatIsAppendedAtOnceIsInTheLatestVersion(t *testing.T) {
	db := fresh(t)
	first := must(t, db, Save{Model: ModelCollection, Record: Record{"name": "c", "reference": "r", "description": "d"}, Members: []any{file("first", "key", "first")}})
	const writers, each = 6, 4
	var g errgroup.Group
	for w := range writers {
		g.Go(func() error {
			for i := range each {
				name := fmt.Sprintf("w%d-%d", w, i)
				s := Save{Model: ModelCollection, Members: []any{file(name, "key", name)}, Append: true, Revises: first.Record.UID()}
				if _, err := db.Save(context.Background(), s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	latest, err := db.Records(context.Background(), Query{Model: ModelCollection, Where: Lookup{"is_latest", true}})
	if err != nil || len(latest) != 1 {
		t.Fatal(latest, err)
	}
	if r := latest[0]; r["version"] != fmt.Sprint(1+writers*each) || r["name"] != "c" || r["reference"] != "r" || r["description"] != "d" {
		t.Errorf("the latest is %v", r)
	}
	members, err := db.Members(context.Background(), latest[0].UID())
	if err != nil || len(members) != 1+writers*each || members[0].UID() != first.Members[0].UID() {
		t.Errorf("it has %d members, the first %v; %v", len(members), members[:1], err)
	}
}

func TestWhatIsAppendedComesAfterTheMembersOfTheNewest(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	add := func(revises string, members ...any) *Saved {
		t.Helper()
		return must(t, db, Save{Model: ModelCollection, Members: members, Append: true, Revises: revises})
	}
	one := must(t, db, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{file("a", "key", "a")}})
	two := add(one.Record.UID(), file("b", "key", "b"))
	three := add(one.Record.UID(), file("c", "key", "c"))
	want := []string{one.Members[0].UID(), two.Members[1].UID(), three.Members[2].UID()}
	if got, err := db.Members(ctx, three.Record.UID()); err != nil || !slices.Equal(uidsOf(got), want) || three.Record["version"] != "3" {
		t.Errorf("%v has the members %q, want %q; %v", three.Record, uidsOf(got), want, err)
	}
	if again := add(three.Record.UID(), file("b", "key", "b")); again.Created || again.Record.UID() != three.Record.UID() || len(again.Notes) != 2 {
		t.Errorf("a member that it has: %v", again)
	}
	for _, s := range []Save{
		{Model: ModelCollection, Members: []any{want[0]}, Append: true},
		{Model: ModelCollection, Append: true, Revises: one.Record.UID()},
	} {
		_, err := db.Save(ctx, s)
		wantError(t, err, ErrInvalid)
	}
	_, err := db.Save(ctx, Save{Model: ModelCollection, Members: []any{want[0]}, Append: true, Revises: NewUID(ModelCollection)})
	wantError(t, err, ErrNoRecord)
}
