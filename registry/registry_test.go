package registry

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// fresh is a new database in a folder of the test's.
func fresh(t *testing.T) *DB {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "data", FileName))
}

func reopen(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(context.Background(), Options{Path: path, User: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// must saves, or fails the test.
func must(t *testing.T, db *DB, s Save) *Saved {
	t.Helper()
	out, err := db.Save(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// file is the record of a file whose content is its hash.
func file(hash string, more ...any) Record {
	r := Record{"path": "/data/" + hash + ".h5ad", "hash": hash, "hash_type": "md5", "size": int64(len(hash)), "suffix": ".h5ad"}
	for i := 0; i < len(more); i += 2 {
		r[more[i].(string)] = more[i+1]
	}
	return r
}

func wantError(t *testing.T, err, kind error, says ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("got %q, which does not say %q", err, s)
		}
	}
}

func TestTheSameContentIsTheSameArtifact(t *testing.T) {
	db := fresh(t)
	a := must(t, db, Save{Model: ModelArtifact, Record: file("h1", "key", "a.h5ad")})
	b := must(t, db, Save{Model: ModelArtifact, Record: file("h1", "key", "a.h5ad")})
	if !a.Created || b.Created || a.Record.UID() != b.Record.UID() || a.Record.Int("id") != b.Record.Int("id") {
		t.Errorf("got %v, then %v", a, b)
	}
	got, err := db.Get(context.Background(), ModelArtifact, a.Record.UID())
	if err != nil || got.Text("key") != "a.h5ad" || got["version"] != nil || !got.Bool("is_latest") || got.Text("created_by") != db.User() {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestChangedContentUnderAKeyIsANewVersion(t *testing.T) {
	db := fresh(t)
	a := must(t, db, Save{Model: ModelArtifact, Record: file("h1", "key", "a.h5ad")})
	b := must(t, db, Save{Model: ModelArtifact, Record: file("h2", "key", "a.h5ad")})
	if b.Record.Text("stem_uid") != a.Record.Text("stem_uid") || b.Record.Text("version") != "2" || b.Revised.Text("version") != "1" {
		t.Errorf("got %v after %v", b.Record, b.Revised)
	}
	if b.Revised.Bool("is_latest") || !b.Record.Bool("is_latest") {
		t.Errorf("latest: %v after %v", b.Record, b.Revised)
	}
}

func TestACollectionSavesItsMembersAndKeepsTheirOrder(t *testing.T) {
	db := fresh(t)
	a := must(t, db, Save{Model: ModelArtifact, Record: file("h1", "key", "a.h5ad")})
	s := Save{Model: ModelCollection, Record: Record{"name": "both"}, Members: []any{file("h2", "key", "b.h5ad"), a.Record.UID()}}
	c := must(t, db, s)
	if !c.Created || len(c.Members) != 2 || c.Members[0].Text("hash") != "h2" || c.Record.Text("hash") != HashSet([]string{"h1", "h2"}) {
		t.Errorf("got %v", c)
	}
	if again := must(t, db, s); again.Created || again.Record.UID() != c.Record.UID() {
		t.Errorf("saved again: %v", again)
	}
	s.Members = []any{a.Record.UID(), c.Members[0].UID()}
	if other := must(t, db, s); !other.Created || other.Record.Text("hash") != c.Record.Text("hash") {
		t.Errorf("in another order: %v", other)
	}
}

func TestAnUnknownFieldIsNamedWithNearOnes(t *testing.T) {
	db := fresh(t)
	_, err := db.Save(context.Background(), Save{Model: ModelArtifact, Record: Record{"discription": "x"}})
	wantError(t, err, ErrInvalid, "discription", "did you mean `description`?")
}
