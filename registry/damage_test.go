package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

func TestABrokenFileIsNamedAndLeftAsItIs(t *testing.T) {
	db := fresh(t)
	for i := range 50 {
		must(t, db, Save{Model: ModelArtifact, Record: file(fmt.Sprint("h", i), "key", fmt.Sprint(i))})
	}
	db.Close()
	whole, err := os.ReadFile(db.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		content []byte
	}{
		{"text", []byte("name,size\na,1\n")},
		{"zeros", make([]byte, 8192)},
		{"a header alone", whole[:100]},
		{"half of it", whole[:len(whole)/2]},
		{"a header over nothing", append(bytes.Clone(whole[:100]), make([]byte, len(whole)-100)...)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), FileName)
			if err := os.WriteFile(path, tc.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(context.Background(), Options{Path: path})
			wantError(t, err, ErrBadFile, path, ".recover")
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, tc.content) {
				t.Errorf("it was changed: %v", err)
			}
		})
	}
}

// Bytes that turned over are found, or do not matter: no call panics, and none reports anything but a broken file.
func TestDamagedPagesAreAnErrorOrDoNotMatter(t *testing.T) {
	db := fresh(t)
	for i := range 50 {
		must(t, db, Save{Model: ModelArtifact, Record: file(fmt.Sprint("h", i), "key", fmt.Sprint(i))})
	}
	db.Close()
	whole, err := os.ReadFile(db.Path())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 60 {
		spoilt := bytes.Clone(whole)
		for range 40 {
			spoilt[r.IntN(len(spoilt))] ^= byte(1 + r.IntN(255))
		}
		path := filepath.Join(t.TempDir(), FileName)
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := useAll(path); err != nil {
			found++
			var own *Error
			if !errors.As(err, &own) {
				t.Errorf("an error without its file: %v", err)
			}
		}
	}
	if found == 0 {
		t.Error("no damage was found")
	}
}

func useAll(path string) error {
	ctx := context.Background()
	db, err := Open(ctx, Options{Path: path})
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := db.Records(ctx, Query{Model: ModelArtifact})
	if err != nil {
		return err
	}
	_, err = db.Save(ctx, Save{Model: ModelArtifact, Record: file("another", "key", "7")})
	if err == nil && len(found) > 0 {
		_, err = db.Delete(ctx, ModelArtifact, found[0].UID(), true)
	}
	return err
}

func TestPlacesWhereNoDatabaseCanBe(t *testing.T) {
	dir := t.TempDir()
	occupied := filepath.Join(dir, "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, path string }{
		{"a folder", dir},
		{"below a file", filepath.Join(occupied, FileName)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Open(context.Background(), Options{Path: tc.path})
			if err == nil || !bytes.Contains([]byte(err.Error()), []byte(tc.path)) {
				t.Errorf("got %v", err)
			}
			var own *Error
			if !errors.As(err, &own) {
				t.Errorf("got %T", err)
			}
		})
	}
	_, err := Open(context.Background(), Options{})
	wantError(t, err, ErrInvalid, "no path")
}

func TestTheFilesAreTheUsersAlone(t *testing.T) {
	db := fresh(t)
	must(t, db, Save{Model: ModelULabel, Record: Record{"name": "a"}})
	for _, path := range []string{db.Path(), db.Path() + "-wal", filepath.Dir(db.Path())} {
		fi, err := os.Stat(path)
		if err != nil || fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", path, fi.Mode(), err)
		}
	}
}

func TestAPathMayHoldAnyCharacter(t *testing.T) {
	for _, name := range []string{"a b", "50%25", "what?x=1", "a#b", "ü", "a&b", "a\xffb"} {
		path := filepath.Join(t.TempDir(), name, FileName)
		must(t, reopen(t, path), Save{Model: ModelULabel, Record: Record{"name": name}})
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: the file is elsewhere", name)
		}
	}
}

func TestAFullDiskFailsTheWriteWhole(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	must(t, db, Save{Model: ModelArtifact, Record: file("a", "key", "k")})
	limit := func(pages string) {
		t.Helper()
		if _, err := db.pools.write.Exec("PRAGMA max_page_count = " + pages); err != nil {
			t.Fatal(err)
		}
	}
	var pages int
	if err := db.pools.write.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit(fmt.Sprint(pages)) // what SQLite then says is what it says of a full disk
	big := Save{Model: ModelCollection, Record: Record{"name": "big", "description": string(bytes.Repeat([]byte("x"), 100_000))}, Members: []any{file("b", "key", "k")}}
	_, err := db.Save(ctx, big)
	wantError(t, err, ErrNoSpace, db.Path(), "room")
	if n, err := db.Count(ctx, Query{Model: ModelArtifact, All: true}); n != 1 || err != nil {
		t.Errorf("%d artifacts, %v", n, err)
	}
	if broken := texts(t, db.Path(), "PRAGMA integrity_check"); broken[0] != "ok" {
		t.Errorf("integrity: %q", broken)
	}
	limit("1000000")
	if c := must(t, db, big); !c.Created || c.Members[0].Text("version") != "2" {
		t.Errorf("with room again: %v", c)
	}
}
