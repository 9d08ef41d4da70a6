package cache

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

func TestWhatIsNotSlowIsUsedInPlace(t *testing.T) {
	b := newBench(t)
	b.write(t, "x", "1")
	beside := b.root + "er" // a name that begins like the root's
	for name, path := range map[string]string{
		"a file":                            filepath.Join(t.TempDir(), "a.h5ad"),
		"a file beside the root":            filepath.Join(beside, "a.h5ad"),
		"a file of which the root is named": filepath.Join(beside, "..", "slower", "b.h5ad"),
	} {
		t.Run(name, func(t *testing.T) {
			writeAt(t, path, "1234", nextTime())
			found, err := b.Path(t.Context(), Ref(path), nil)
			if err != nil || found.Path != filepath.Clean(path) || found.Copy || found.Source.Size() != 4 || found.Source.Dir {
				t.Errorf("got %+v, %v", found, err)
			}
		})
	}
	found, err := b.Path(t.Context(), Ref(beside), nil)
	if err != nil || found.Path != beside || !found.Source.Dir {
		t.Errorf("a folder: %+v, %v", found, err)
	}
	if _, err := os.Stat(b.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of copies is there: %v", err)
	}
}

func TestWhatIsSlowIsCopied(t *testing.T) {
	b := newBench(t)
	link := filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(b.root, link); err != nil {
		t.Fatal(err)
	}
	b.write(t, "cells.zarr/zarr.json", "{}")
	b.write(t, "cells.zarr/X/c/0", "0123")
	for name, path := range map[string]string{
		"a file":                        b.write(t, "a.h5ad", "abc"),
		"an empty file":                 b.write(t, "sub/empty", ""),
		"a folder":                      filepath.Join(b.root, "cells.zarr"),
		"a file by a link to the root":  filepath.Join(link, "a.h5ad"),
		"a name that is no UTF-8":       b.write(t, "a\xff.h5ad", "x"),
		"a name with all that is legal": b.write(t, "a b:\\*\"\n..", "x"),
	} {
		t.Run(name, func(t *testing.T) {
			got := b.path(t, path)
			if !strings.HasPrefix(got, b.dir+"/") || filepath.Base(got) != filepath.Base(path) {
				t.Errorf("%s is at %s", path, got)
			}
			if want := tree(t, path); !maps.Equal(tree(t, got), want) {
				t.Errorf("copied %v, want %v", tree(t, got), want)
			}
			n := b.store.fetched.Load()
			if again := b.path(t, path); again != got || b.store.fetched.Load() != n {
				t.Errorf("the next time it is at %s, and %d files were fetched", again, b.store.fetched.Load()-n)
			}
			if again := b.path(t, got); again != got {
				t.Errorf("a copy of the copy: %s", again)
			}
		})
	}
}

func TestACopyIsRenewedWhenItsSourceChanges(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, b *bench, folder string)
		fetch  int64 // files
	}{
		{"nothing", func(*testing.T, *bench, string) {}, 0},
		{"another size", func(t *testing.T, b *bench, folder string) {
			at := statTime(t, folder+"/a")
			writeAt(t, folder+"/a", "longer", at)
		}, 1},
		{"another time", func(t *testing.T, b *bench, folder string) { writeAt(t, folder+"/a", "b", nextTime()) }, 1},
		{"a nanosecond later", func(t *testing.T, b *bench, folder string) {
			writeAt(t, folder+"/a", "b", statTime(t, folder+"/a").Add(b.grain()))
		}, 1},
		{"a new file", func(t *testing.T, b *bench, folder string) { b.write(t, "f/new/er", "n") }, 1},
		{"a file less", func(t *testing.T, _ *bench, folder string) { remove(t, folder+"/a") }, 0},
		{"a folder less", func(t *testing.T, _ *bench, folder string) { remove(t, folder+"/sub") }, 0},
		{"a file in the place of a folder", func(t *testing.T, b *bench, folder string) { remove(t, folder+"/sub"); b.write(t, "f/sub", "s") }, 1},
		{"a file in the place of all", func(t *testing.T, b *bench, folder string) { remove(t, folder); b.write(t, "f", "all") }, 1},
		{"another name", func(t *testing.T, _ *bench, folder string) {
			if err := os.Rename(folder+"/a", folder+"/b"); err != nil {
				t.Fatal(err)
			}
		}, 1},
		{"a copy that somebody wrote to", func(t *testing.T, b *bench, folder string) {
			at := b.path(t, folder) + "/a"
			remove(t, at)
			writeAt(t, at, "c", nextTime())
		}, 1},
		{"a copy with a file too many", func(t *testing.T, b *bench, folder string) { writeAt(t, b.path(t, folder)+"/z", "z", nextTime()) }, 0},
		{"a copy that was removed", func(t *testing.T, b *bench, folder string) { remove(t, b.dir) }, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.write(t, "f/a", "a")
			b.write(t, "f/sub/1", "1")
			b.write(t, "f/sub/2", "2")
			folder := filepath.Join(b.root, "f")
			was := b.path(t, folder)
			tc.change(t, b, folder)
			before := b.store.fetched.Load()
			got := b.path(t, folder)
			if want := tree(t, folder); !maps.Equal(tree(t, got), want) {
				t.Errorf("copied %v, want %v", tree(t, got), want)
			}
			if n := b.store.fetched.Load() - before; n != tc.fetch {
				t.Errorf("%d files were fetched, want %d", n, tc.fetch)
			}
			if list := b.entries(t); len(list) != 1 {
				t.Errorf("the cache has %q", list)
			}
			if _, err := os.Lstat(was); got != was && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the copy before is still there: %v", err)
			}
		})
	}
}

func statTime(t *testing.T, path string) time.Time {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi.ModTime()
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func TestTwoVersionsShareNoFile(t *testing.T) {
	b := newBench(t)
	b.write(t, "f/zarr.json", "{}")
	b.write(t, "f/c/0", "0")
	folder := filepath.Join(b.root, "f")
	mark, err := os.Open(filepath.Join(b.path(t, folder), "zarr.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer mark.Close()
	b.write(t, "f/c/0", "1")
	b.path(t, folder)
	var st unix.Stat_t
	if err := unix.Fstat(int(mark.Fd()), &st); err != nil || st.Nlink != 0 {
		t.Errorf("a reader of the older copy sees %d names of its first file: %v", st.Nlink, err)
	}
}

func TestFilesAtTheTopGoFirst(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"a/b/c", "a/d", "z", "zarr.json"} {
		b.write(t, name, "")
	}
	var got []string
	for _, path := range topFirst(b.root) {
		got = append(got, strings.TrimPrefix(path, b.root+"/"))
	}
	if want := []string{"z", "zarr.json", "a/d", "a/b/c"}; !slices.Equal(got, want) {
		t.Errorf("in the order %q, want %q", got, want)
	}
}

func TestASourceThatIsGoneLeavesItsCopy(t *testing.T) {
	b := newBench(t)
	path := b.write(t, "a.h5ad", "abc")
	b.path(t, path)
	remove(t, b.root)
	elsewhere, err := New(Options{Dir: b.dir}) // that knows of no root
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Cache{"with the root": b.Cache, "without": elsewhere} {
		found, err := c.Path(t.Context(), Ref(path), nil)
		if err != nil || !found.Copy || found.Source != nil || !strings.Contains(found.Note, path+" is gone; its copy of 2") {
			t.Fatalf("%s: got %+v, %v", name, found, err)
		}
		if got := tree(t, found.Path); len(got) != 1 {
			t.Errorf("%s: the copy has %v", name, got)
		}
	}
}

func TestWhatCannotBeGivenIsNamedWithItsCure(t *testing.T) {
	b := newBench(t)
	b.write(t, "f/x", "x")
	if err := os.Symlink(t.TempDir(), filepath.Join(b.root, "f", "more")); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(b.root, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, ref string
		kind      error
		says      string
	}{
		{"a file that is gone", filepath.Join(b.root, "a.h5ad"), ErrNotFound, "no copy of it; it was moved or deleted"},
		{"a file elsewhere that is gone", "/nowhere/a.h5ad", ErrNotFound, "no copy of it"},
		{"a URL", "s3://bucket/a.h5ad", ErrUnsupported, "copy it here"},
		{"a path that is not absolute", "a.h5ad", ErrInvalid, "absolute"},
		{"nothing", "", ErrInvalid, "absolute"},
		{"the root of all", "/", ErrInvalid, "no name"},
		{"a folder with a link to a folder", filepath.Join(b.root, "f"), ErrUnsupported, "link to a folder"},
		{"a pipe", pipe, ErrUnsupported, "neither"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found, err := b.Path(t.Context(), Ref(tc.ref), nil)
			var e *Error
			if !errors.Is(err, tc.kind) || !errors.As(err, &e) || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), tc.ref) {
				t.Errorf("got %+v, %v", found, err)
			}
		})
	}
	for _, o := range []Options{{Dir: "copies"}, {Dir: "/tmp", Roots: []string{"nfs"}}, {Roots: []string{"/nfs"}}} {
		if _, err := New(o); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestWithoutAFolderNothingIsCopied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	writeAt(t, path, "1", nextTime())
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := c.Path(t.Context(), Ref(path), nil); err != nil || found.Path != path {
		t.Errorf("got %+v, %v", found, err)
	}
	if _, err := c.Path(t.Context(), Ref(path+"x"), nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
}

func TestAFolderOfCopiesThatIsNoneIsNamed(t *testing.T) {
	b := newBench(t)
	path := b.write(t, "a", "1")
	writeAt(t, filepath.Dir(b.dir), "a file", nextTime())
	if _, err := b.Path(t.Context(), Ref(path), nil); !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), b.dir) || !strings.Contains(err.Error(), "LOADERD_CACHE_DIR") {
		t.Errorf("got %v", err)
	}
}

func TestAFailureLeavesNothingBehind(t *testing.T) {
	for _, tc := range []struct {
		name    string
		err     error
		kind    error
		says    string
		prepare func(b *bench)
	}{
		{"a full disk", &os.PathError{Op: "write", Path: "x", Err: unix.ENOSPC}, ErrNoSpace, "LOADERD_CACHE_DIR", nil},
		{"a disk that is too small from the beginning", nil, ErrNoSpace, "needs 8 bytes", func(b *bench) { b.free = func(string) (int64, error) { return 7, nil } }},
		{"a file that cannot be read", &os.PathError{Op: "read", Path: "x", Err: unix.EIO}, ErrUnreadable, "input/output", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.write(t, "f/a", "1234")
			b.write(t, "f/b", "5678")
			folder := filepath.Join(b.root, "f")
			free := b.free
			b.store.before = func(name string) error {
				if name == "b" {
					return tc.err
				}
				return nil
			}
			if tc.prepare != nil {
				tc.prepare(b)
			}
			_, err := b.Path(t.Context(), Ref(folder), nil)
			if !errors.Is(err, tc.kind) || !strings.Contains(err.Error(), folder) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v", err)
			}
			if list := b.entries(t); len(list) != 0 {
				t.Errorf("left behind: %q", list)
			}
			b.store.before, b.free = nil, free
			if got := tree(t, b.path(t, folder)); !maps.Equal(got, tree(t, folder)) {
				t.Errorf("afterwards %v", got)
			}
		})
	}
}

func TestASourceThatChangesWhileItIsCopiedIsCopiedAgain(t *testing.T) {
	b := newBench(t)
	b.write(t, "f/a", "1")
	folder := filepath.Join(b.root, "f")
	changes := 2
	b.store.before = func(string) error {
		if changes--; changes >= 0 {
			b.write(t, "f/a", []string{"22", "3"}[min(changes, 1)]+strings.Repeat("x", max(0, changes-1))) // first of the same size
		}
		return nil
	}
	if got := tree(t, b.path(t, folder)); !maps.Equal(got, tree(t, folder)) {
		t.Errorf("copied %v", got)
	}
	changes = 100
	b.write(t, "f/a", "again")
	if _, err := b.Path(t.Context(), Ref(folder), nil); !errors.Is(err, ErrChanged) {
		t.Errorf("a source that never rests: %v", err)
	}
}

func TestManyCallersAtOnceMakeOneCopy(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"a", "b", "c"} {
		b.write(t, "f/"+name, name)
	}
	folder := filepath.Join(b.root, "f")
	caches := []*Cache{b.Cache, b.open(t)}
	var g errgroup.Group
	paths := make([]string, 16)
	for i := range paths {
		g.Go(func() error {
			found, err := caches[i%2].Path(t.Context(), Ref(folder), nil)
			paths[i] = found.Path
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(paths); paths[0] != paths[len(paths)-1] || b.store.fetched.Load() != 3 {
		t.Errorf("%d files were fetched, to %q", b.store.fetched.Load(), slices.Compact(paths))
	}
}

func TestWhoWaitsGoesWithItsContext(t *testing.T) {
	b := newBench(t)
	path := b.write(t, "a", "1")
	begun, end := make(chan struct{}), make(chan struct{})
	b.store.before = func(string) error { close(begun); <-end; return nil }
	var g errgroup.Group
	g.Go(func() error { _, err := b.Path(t.Context(), Ref(path), nil); return err })
	<-begun
	tired := errors.New("tired")
	ctx, cancel := context.WithCancelCause(t.Context())
	g.Go(func() error {
		if _, err := b.Path(ctx, Ref(path), nil); !errors.Is(err, tired) {
			t.Errorf("who waits gets %v", err)
		}
		close(end)
		return nil
	})
	cancel(tired)
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestACancelledCopyLeavesNothing(t *testing.T) {
	b := newBench(t)
	path := b.write(t, "a", strings.Repeat("1", 100))
	ctx, cancel := context.WithCancel(t.Context())
	b.store.before = func(string) error { cancel(); return nil }
	if _, err := b.Path(ctx, Ref(path), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if list := b.entries(t); len(list) != 0 {
		t.Errorf("left behind: %q", list)
	}
}

func TestProgressCountsBytes(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"a", "b", "c"} {
		b.write(t, "f/"+name, "1234")
	}
	var dones []int64
	_, err := b.Path(t.Context(), Ref(filepath.Join(b.root, "f")), func(done, total int64) {
		if total != 12 {
			t.Errorf("%d bytes in all", total)
		}
		dones = append(dones, done)
	})
	if err != nil || !slices.IsSorted(dones) || len(dones) < 3 || dones[len(dones)-1] != 12 {
		t.Errorf("progress %v, %v", dones, err)
	}
}

func TestAnotherStoreServesURLs(t *testing.T) {
	b := newBench(t)
	remote := memory{"mem://lab/a.h5ad?version=1": {"": "cells"}, "mem://lab/b.zarr": {"zarr.json": "{}", "c/0": "0"}}
	c, err := New(Options{Dir: b.dir, Stores: map[string]Store{"mem": remote}})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[Ref]string{"mem://lab/a.h5ad?version=1": "a.h5ad", "mem://lab/b.zarr": "b.zarr"} {
		found, err := c.Path(t.Context(), ref, nil)
		if err != nil || filepath.Base(found.Path) != want || !found.Copy {
			t.Fatalf("%s: %+v, %v", ref, found, err)
		}
		for name, content := range remote[ref] {
			if got, err := os.ReadFile(filepath.Join(found.Path, name)); err != nil || string(got) != content {
				t.Errorf("%s %s: %q, %v", ref, name, got, err)
			}
		}
	}
	if _, err := c.Path(t.Context(), "mem://lab/none", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
}

func TestTimesThatTheDiskCannotKeepAreNoChange(t *testing.T) {
	b := newBench(t)
	path := b.write(t, "a", "1")
	at := b.path(t, path)
	b.grain = func() time.Duration { return time.Second }
	whole := statTime(t, path).Truncate(time.Second)
	if err := os.Chtimes(at, whole, whole); err != nil {
		t.Fatal(err)
	}
	if again := b.path(t, path); again != at {
		t.Errorf("it was copied again, to %s", again)
	}
}

// short is a store that gives less than it says.
type short struct{ memory }

func (s short) Fetch(_ context.Context, _ Ref, _ string, into *os.File, _ func(int64)) error {
	_, err := into.WriteString("x")
	return err
}

func TestAStoreThatGivesLessThanItSaysIsNotBelieved(t *testing.T) {
	b := newBench(t)
	c, err := New(Options{Dir: b.dir, Stores: map[string]Store{"mem": short{memory{"mem://a": {"": "xy"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := c.Path(t.Context(), "mem://a", nil); !errors.Is(err, ErrChanged) {
		t.Errorf("got %+v, %v", found, err)
	}
	if list := b.entries(t); len(list) != 0 {
		t.Errorf("left behind: %q", list)
	}
}
