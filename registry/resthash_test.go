package registry

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
)

// changed is a file with one byte that another one has not.
type changed struct {
	io.ReaderAt
	at int64
}

func (c changed) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, off)
	if i := c.at - off; i >= 0 && i < int64(n) {
		b[i]++
	}
	return n, err
}

func TestTheMiddleOfALargeFileIsSampled(t *testing.T) {
	ctx := context.Background()
	rest := func(r io.ReaderAt, size int64) string {
		t.Helper()
		got, err := HashRest(ctx, r, size)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, size := range []int64{0, 1, wholeFile, wholeFile + 1, 2 * wholeFile} {
		if got := rest(pattern(size), size); got != "" {
			t.Errorf("of %d bytes the hash leaves out something: %s", size, got)
		}
	}
	for _, middle := range []int64{1, restSample, restSample + 1, restSamples * restSample, 1 << 30} {
		size := 2*wholeFile + middle
		whole := rest(pattern(size), size)
		for _, at := range []int64{wholeFile, size - wholeFile - 1} {
			if got := rest(changed{pattern(size), at}, size); got == whole || len(got) != hashLen {
				t.Errorf("of %d bytes in the middle, that at %d does not count: %q and %q", middle, at, whole, got)
			}
		}
	}
	if _, err := HashRest(ctx, pattern(3*wholeFile-1), 3*wholeFile+restSample); err != nil {
		t.Errorf("the end does not count: %v", err)
	}
	if _, err := HashRest(ctx, pattern(wholeFile), 3*wholeFile); !errors.Is(err, io.EOF) {
		t.Errorf("of a file that ends early: %v", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := HashRest(ctx, pattern(3*wholeFile), 3*wholeFile); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTheNamesOfAFoldersFilesAreHashed(t *testing.T) {
	files := []FileOf{{"/a", "1", ""}, {"/b", "2", ""}}
	want := HashRestOfFolder(slices.Clone(files))
	slices.Reverse(files)
	if got := HashRestOfFolder(files); got != want || len(got) != hashLen {
		t.Errorf("in another order: %s, not %s", got, want)
	}
	for _, other := range [][]FileOf{{{"/a", "2", ""}, {"/b", "1", ""}}, {{"/a", "1", ""}, {"/c", "2", ""}}, {{"/a", "1", "x"}, {"/b", "2", ""}}, files[:1]} {
		if HashRestOfFolder(slices.Clone(other)) == want {
			t.Errorf("%v are taken for %v", other, files)
		}
	}
}

func TestWhatTheHashLeavesOutTellsArtifactsApart(t *testing.T) {
	db := fresh(t)
	folder := func(path string, rest any) Record {
		return Record{"path": path, "key": "k", "hash": "h", "hash_type": HashFolder, "size": int64(3), "n_files": int64(2), "rest_hash": rest}
	}
	first := must(t, db, Save{Model: ModelArtifact, Record: folder("/data/one", "a")})
	second := must(t, db, Save{Model: ModelArtifact, Record: folder("/data/one", "b")})
	if !second.Created || second.Record["stem_uid"] != first.Record["stem_uid"] || second.Record.Text("version") != "2" {
		t.Errorf("the same files by other names: %v", second)
	}
	if again := must(t, db, Save{Model: ModelArtifact, Record: folder("/data/other", "a")}); again.Created || again.Record.UID() != first.Record.UID() {
		t.Errorf("the same files by the same names: %v", again)
	}
	byUID := folder("/data/one", "b")
	byUID["uid"] = first.Record.UID()
	if got := must(t, db, Save{Model: ModelArtifact, Record: byUID}); got.Record.UID() != second.Record.UID() {
		t.Errorf("with the uid of the other: %v", got)
	}
	if got := must(t, db, Save{Model: ModelArtifact, Record: folder("/data/two", nil)}); got.Created {
		t.Errorf("whose names nobody knows: %v", got)
	}
}

// Records of schemas before the seventh, and those of lamindb, say nothing of what the hash leaves out.
func TestARecordLearnsWhatItsHashLeavesOut(t *testing.T) {
	db := fresh(t)
	folder := func(path string, rest any) Record {
		return Record{"path": path, "hash": "h", "hash_type": HashFolder, "size": int64(3), "rest_hash": rest}
	}
	old := must(t, db, Save{Model: ModelArtifact, Record: folder("/", nil)}).Record
	for _, tc := range []struct {
		path string
		rest any
		want any
	}{{"/tmp", "elsewhere", nil}, {"/", nil, nil}, {"/", "a", "a"}} {
		if got := must(t, db, Save{Model: ModelArtifact, Record: folder(tc.path, tc.rest)}); got.Created || got.Record.UID() != old.UID() || got.Record["rest_hash"] != tc.want {
			t.Errorf("at %s, with %v: got %v, want %v", tc.path, tc.rest, got.Record, tc.want)
		}
	}
}
