package registry

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// What is written to a file that was removed is lost, whatever the system says of it.
func TestAFileThatIsRemovedWhileItIsOpenIsMadeAnew(t *testing.T) {
	for _, what := range []string{"the file", "its folder"} {
		t.Run(what, func(t *testing.T) {
			db := fresh(t)
			must(t, db, Save{Model: ModelArtifact, Record: file("before")})
			user := db.User()
			gone := map[string]string{"the file": db.Path(), "its folder": filepath.Dir(db.Path())}[what]
			if err := os.RemoveAll(gone); err != nil {
				t.Fatal(err)
			}
			must(t, db, Save{Model: ModelArtifact, Record: file("after")})
			if db.User() == user {
				t.Errorf("the user is still %s", user)
			}
			db.Close()
			found, err := reopen(t, db.Path()).Records(context.Background(), Query{Model: ModelArtifact})
			if err != nil || len(found) != 1 || found[0].Text("hash") != "after" {
				t.Errorf("there is %v, %v", found, err)
			}
		})
	}
}

// A copy that is put back takes the place of the file, also for who is at work.
func TestAFileThatTakesThePlaceOfAnOpenOneIsUsed(t *testing.T) {
	other, db := fresh(t), fresh(t)
	must(t, other, Save{Model: ModelArtifact, Record: file("put back")})
	other.Close()
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := db.Records(context.Background(), Query{Model: ModelArtifact}); err != nil {
					t.Error(err)
					return
				}
				if _, err := db.Save(context.Background(), Save{Model: ModelULabel, Record: Record{"name": "l"}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	if err := os.Rename(other.Path(), db.Path()); err != nil {
		t.Fatal(err)
	}
	found, err := db.Records(context.Background(), Query{Model: ModelArtifact})
	if err != nil || len(found) != 1 || found[0].Text("hash") != "put back" {
		t.Errorf("there is %v, %v", found, err)
	}
	close(stop)
	all.Wait()
	db.Close()
	if got := texts(t, db.Path(), "PRAGMA integrity_check"); len(got) != 1 || got[0] != "ok" {
		t.Errorf("the file is %q", got)
	}
	found, err = reopen(t, db.Path()).Records(context.Background(), Query{Model: ModelArtifact})
	if err != nil || len(found) != 1 || found[0].Text("hash") != "put back" {
		t.Errorf("opened again, there is %v, %v", found, err)
	}
}

// What was saved before is in the file that was moved, with its log or without.
func TestAFileThatIsMovedAwayHasAllThatWasSaved(t *testing.T) {
	db := fresh(t)
	must(t, db, Save{Model: ModelArtifact, Record: file("before")})
	moved := filepath.Join(t.TempDir(), "moved.db")
	if err := os.Rename(db.Path(), moved); err != nil {
		t.Fatal(err)
	}
	must(t, db, Save{Model: ModelArtifact, Record: file("after")})
	hashes := func(db *DB) []string {
		found, err := db.Records(context.Background(), Query{Model: ModelArtifact})
		if err != nil {
			t.Error(err)
		}
		return textsOf(found, "hash")
	}
	other := reopen(t, moved)
	if got := hashes(other); !slices.Equal(got, []string{"before"}) {
		t.Errorf("the one that was moved has %q", got)
	}
	other.Close()
	again := filepath.Join(t.TempDir(), "again.db")
	for _, paths := range [][2]string{{db.Path(), again}, {moved, db.Path()}} { // and back
		if err := os.Rename(paths[0], paths[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got := hashes(db); !slices.Equal(got, []string{"before"}) {
		t.Errorf("moved back, it has %q", got)
	}
	if got := hashes(reopen(t, again)); !slices.Equal(got, []string{"after"}) {
		t.Errorf("the one between has %q", got)
	}
}

// Links lead to the file; what lies beside it lies beside the file, and not beside the link.
func TestAFileBehindALinkIsOpenedAnewToo(t *testing.T) {
	dir := t.TempDir()
	real, other, link := filepath.Join(dir, "real", "r.db"), filepath.Join(dir, "other", "r.db"), filepath.Join(dir, "link.db")
	reopen(t, real).Close()
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	db := reopen(t, link)
	must(t, db, Save{Model: ModelArtifact, Record: file("first")})
	if err := os.Remove(real); err != nil {
		t.Fatal(err)
	}
	must(t, db, Save{Model: ModelArtifact, Record: file("second")})
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	reopen(t, other).Close()
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	must(t, db, Save{Model: ModelArtifact, Record: file("third")})
	db.Close()
	for path, want := range map[string]string{real: "second", other: "third"} {
		found, err := reopen(t, path).Records(context.Background(), Query{Model: ModelArtifact})
		if got := textsOf(found, "hash"); err != nil || !slices.Equal(got, []string{want}) {
			t.Errorf("%s has %q, %v", path, got, err)
		}
	}
}

func TestADatabaseThatIsClosedIsNotOpenedAnew(t *testing.T) {
	db := fresh(t)
	db.Close()
	if err := os.Remove(db.Path()); err != nil {
		t.Fatal(err)
	}
	_, err := db.Records(context.Background(), Query{Model: ModelArtifact})
	wantError(t, err, ErrClosed)
	if _, err := os.Stat(db.Path()); err == nil {
		t.Error("it is there again")
	}
}
