package registry

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestASignatureChangesWithAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	last := int64(0)
	old := time.Now().Add(-time.Hour)
	for _, tt := range []struct {
		name string
		do   func() error
	}{
		{"written", func() error { return os.WriteFile(path, []byte("one"), 0o600) }},
		{"written over with the same time", func() error {
			if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, old, old)
		}},
		{"written over with the same time and size", func() error {
			if err := os.WriteFile(path, []byte("six"), 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, old, old)
		}},
		{"replaced by one that has the same time and size", func() error {
			other := path + "2"
			if err := os.WriteFile(other, []byte("ten"), 0o600); err != nil {
				return err
			}
			if err := os.Chtimes(other, old, old); err != nil {
				return err
			}
			time.Sleep(2 * fine)
			return os.Rename(other, path)
		}},
	} {
		if err := tt.do(); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if Signature(fi) == last {
			t.Errorf("%s: the same signature", tt.name)
		}
		last = Signature(fi)
		at := changedAt(fi)
		if Settled(fi, at.Add(fine/2)) || !Settled(fi, at.Add(coarse+1)) {
			t.Errorf("%s: when it is settled is wrong", tt.name)
		}
		r := Record{"created_at": at.Add(time.Second)} // as another clock has it
		if !MayDiffer(fi, r, 0) || !MayDiffer(fi, r, last+1) || MayDiffer(fi, r, last) || MayDiffer(fi, Record{"created_at": at.Add(coarse + 1)}, 0) {
			t.Errorf("%s: whether it may differ is wrong", tt.name)
		}
		time.Sleep(2 * fine)
	}
}

func TestSignaturesGoWithTheirArtifacts(t *testing.T) {
	ctx := context.Background()
	db := fresh(t)
	s := Save{Model: ModelArtifact, Record: file("a"), Seen: -5}
	a := must(t, db, s).Record
	s.Record = file("a", "path", "/elsewhere")
	s.Seen = 7
	must(t, db, s) // it is not the file of the record
	id := a.Int("id")
	if seen, err := db.Seen(ctx, []int64{id, 99}); err != nil || len(seen) != 1 || seen[id] != -5 {
		t.Errorf("got %v, %v", seen, err)
	}
	if err := db.See(ctx, map[int64]int64{id: 9, 99: 1}); err != nil {
		t.Fatal(err)
	}
	if seen, err := db.Seen(ctx, []int64{id, 99}); err != nil || len(seen) != 1 || seen[id] != 9 {
		t.Errorf("got %v, %v", seen, err)
	}
	del(t, db, ModelArtifact, a.UID(), true)
	if left := texts(t, db.Path(), "SELECT * FROM seen"); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}
