package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/loaderd/loaderd/internal/leak"
	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// block is what the bytes of a file of the recording repeat (registry/testdata/hashes/record.py).
var block = func() (b [65521]byte) {
	for j := range b {
		b[j] = byte(j*j*31 + j)
	}
	return b
}()

func TestAFolderHasTheHashThatLamindbGivesIt(t *testing.T) {
	leak.Check(t)
	raw, err := os.ReadFile("../../registry/testdata/hashes/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Folders []struct {
			Name   string
			Files  map[string]int
			Hash   string
			NFiles int64 `json:"n_files"`
			Size   int64
		}
	}
	if err := json.Unmarshal(raw, &recorded); err != nil || len(recorded.Folders) == 0 {
		t.Fatal(err)
	}
	for _, f := range recorded.Folders {
		dir := filepath.Join(t.TempDir(), f.Name)
		for name, size := range f.Files {
			content := make([]byte, 0, size+len(block))
			for len(content) < size {
				content = append(content, block[:]...)
			}
			write(t, filepath.Join(dir, name), string(content[:size]))
		}
		// lamindb follows links to files, and none to folders.
		if err := os.Symlink(t.TempDir(), filepath.Join(dir, "link to a folder")); err != nil {
			t.Fatal(err)
		}
		n := new(counted)
		got, err := lookAt(t.Context(), dir, n)
		if err != nil || got.hash != f.Hash || got.files != f.NFiles || got.size != f.Size {
			t.Errorf("%s: got %+v, %v; lamindb has %+v", f.Name, got, err, f)
		}
		if n.done.Load() != f.NFiles || n.found.Load() != f.NFiles || n.bytes.Load() != f.Size || !n.all.Load() {
			t.Errorf("%s: counted %d of %d files, %d bytes", f.Name, n.done.Load(), n.found.Load(), n.bytes.Load())
		}
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(dir, link); err != nil {
			t.Fatal(err)
		}
		if same, err := lookAt(t.Context(), link, new(counted)); err != nil || same.hash != f.Hash {
			t.Errorf("%s by a link: got %+v, %v", f.Name, same, err)
		}
		if now, err := signatureOf(t.Context(), dir); err != nil || now != got.signature {
			t.Errorf("%s: the signature is another one: %v", f.Name, err)
		}
	}
}

func TestTheSignatureChangesWithAFolder(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	a := write(t, filepath.Join(dir, "x", "a"), "1")
	write(t, filepath.Join(dir, "b"), "22")
	seen := map[uint64]string{}
	look := func(what string) {
		t.Helper()
		now, err := signatureOf(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if before, there := seen[now]; there {
			t.Errorf("%s: as when %s", what, before)
		}
		seen[now] = what
	}
	look("it was new")
	write(t, a, "11")
	look("a file had grown")
	write(t, filepath.Join(dir, "c"), "3")
	look("there was one more")
	if err := os.Rename(filepath.Join(dir, "c"), filepath.Join(dir, "x", "c")); err != nil {
		t.Fatal(err)
	}
	look("one had moved")
	if err := os.Remove(a); err != nil {
		t.Fatal(err)
	}
	look("one was gone")
}

func TestALookEndsWithItsContext(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	for i := range 1000 {
		write(t, filepath.Join(dir, fmt.Sprint(i)), "x")
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := new(counted)
	cancel()
	if _, err := lookAt(ctx, dir, n); !errors.Is(err, context.Canceled) || n.done.Load() > 100 {
		t.Errorf("got %v after %d files", err, n.done.Load())
	}
}

func TestAFileThatCanNotBeReadIsNamed(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a"), "x")
	if err := os.Symlink(path, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if got, err := lookAt(t.Context(), dir, new(counted)); err != nil || got.files != 2 {
		t.Errorf("a link counts as its file: %+v, %v", got, err)
	}
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	_, err := lookAt(t.Context(), dir, new(counted))
	var e *mapped.Error
	if !errors.As(err, &e) || filepath.Dir(e.Object) != dir {
		t.Errorf("got %v", err)
	}
}

func TestAClientHearsHowFarALongCallIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "many")
	for i := range 300 {
		write(t, filepath.Join(dir, fmt.Sprint(i%10), fmt.Sprint(i)), fmt.Sprint(i))
	}
	h := serve(t, Options{DataDir: filepath.Join(t.TempDir(), "data")})
	c := h.dial(t)
	heard := 0
	_, err := c.Registry(h.ctx, "register", map[string]any{"path": dir, "key": "many"}, func(p ipc.Progress) {
		if heard++; p.What != "files" || p.Done > 300 || p.Total != 0 && p.Total != 300 {
			t.Errorf("got %+v", p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if heard == 0 {
		t.Error("nothing was heard")
	}
}

// One record for a folder of 100,000 files. The target is 10 s beside what reading and hashing take.
func BenchmarkRegisterFolder(b *testing.B) {
	dir := b.TempDir()
	for i := range 100 {
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint(i)), 0o700); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 100_000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i%100), fmt.Sprint(i)), fmt.Append(nil, "image ", i), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		got, err := lookAt(b.Context(), dir, new(counted))
		if err != nil || got.files != 100_000 {
			b.Fatal(got, err)
		}
	}
}
