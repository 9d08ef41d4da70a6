package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// recorded is what lamindb gave, by testdata/hashes/record.py.
type recorded struct {
	Files []struct {
		Size     int64
		Hash     string
		HashType string `json:"hash_type"`
	}
	Folders []struct {
		Name     string
		Files    map[string]int64
		Hash     string
		HashType string `json:"hash_type"`
		NFiles   int    `json:"n_files"`
		Size     int64
	}
	Collections []struct {
		Members []string
		Hash    string
	}
}

func readRecorded(t *testing.T) recorded {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "hashes", "recorded.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Files) < 10 || len(r.Folders) < 5 || len(r.Collections) < 4 {
		t.Fatalf("only %d files, %d folders, %d collections", len(r.Files), len(r.Folders), len(r.Collections))
	}
	return r
}

// pattern is a file of the recording, without its bytes.
type pattern int64

// patternBlock is what its bytes repeat.
var patternBlock = func() (b [65521]byte) {
	for j := range b {
		b[j] = byte(j*j*31 + j)
	}
	return b
}()

func (p pattern) ReadAt(b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) && off+int64(n) < int64(p) {
		at := (off + int64(n)) % int64(len(patternBlock))
		n += copy(b[n:min(int64(len(b)), int64(p)-off)], patternBlock[at:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func TestTheHashOfAFileIsThatOfLamindb(t *testing.T) {
	for _, f := range readRecorded(t).Files {
		hash, kind, err := HashFile(context.Background(), pattern(f.Size), f.Size)
		if err != nil || hash != f.Hash || kind != f.HashType {
			t.Errorf("%d bytes: got %s %s, %v; lamindb has %s %s", f.Size, hash, kind, err, f.Hash, f.HashType)
		}
	}
}

func TestTheHashOfAFolderIsThatOfLamindb(t *testing.T) {
	for _, f := range readRecorded(t).Folders {
		var hashes []string
		size := int64(0)
		for _, n := range f.Files {
			hash, _, err := HashFile(context.Background(), pattern(n), n)
			if err != nil {
				t.Fatal(err)
			}
			hashes, size = append(hashes, hash), size+n
		}
		if got := HashOfFolder(hashes); got != f.Hash || f.HashType != HashFolder || len(hashes) != f.NFiles || size != f.Size {
			t.Errorf("%s: got %s of %d files, lamindb has %+v", f.Name, got, len(hashes), f)
		}
	}
}

func TestTheHashOfACollectionIsThatOfLamindb(t *testing.T) {
	for _, c := range readRecorded(t).Collections {
		db := fresh(t)
		var members []any
		for _, h := range c.Members {
			members = append(members, file(h))
		}
		got := must(t, db, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: members})
		if got.Record.Text("hash") != c.Hash {
			t.Errorf("%q: got %s, lamindb has %s", c.Members, got.Record.Text("hash"), c.Hash)
		}
	}
}

func TestAFileThatEndsEarlyHasNoHash(t *testing.T) {
	if _, _, err := HashFile(context.Background(), pattern(99), 100); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := HashFile(ctx, pattern(100), 100); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
