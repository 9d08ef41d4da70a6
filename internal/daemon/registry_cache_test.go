package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loaderd/loaderd/cache"
	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/registry"
)

// shelf is a daemon that copies what lies below a folder, and a client of its registry.
type shelf struct {
	*harness
	client *ipc.Client
	slow   string
	copies string
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	dir := t.TempDir()
	s := &shelf{slow: filepath.Join(dir, "slow"), copies: filepath.Join(dir, "copies")}
	s.harness = serve(t, Options{DataDir: filepath.Join(dir, "data"), CopiesDir: s.copies, CacheCopy: []string{s.slow}})
	s.client = s.dial(t)
	return s
}

func (s *shelf) register(t *testing.T, path string) string {
	t.Helper()
	v, err := s.client.Registry(s.ctx, "register", map[string]any{"path": path, "key": filepath.Base(path)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return recordIn(v.(map[string]any))["uid"].(string)
}

// cache gives paths and notes.
func (s *shelf) cache(t *testing.T, of ...any) (paths []any, notes string) {
	t.Helper()
	v, err := s.client.Registry(s.ctx, "cache", map[string]any{"of": of}, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := v.(map[string]any)
	return answer["paths"].([]any), fmt.Sprint(answer["notes"])
}

func TestArtifactsAreGivenWhereTheyCanBeRead(t *testing.T) {
	s := newShelf(t)
	here := write(t, filepath.Join(t.TempDir(), "here.csv"), "a\n1\n")
	slow := write(t, filepath.Join(s.slow, "slow.csv"), "b\n2\n")
	odd := write(t, filepath.Join(s.slow, "odd\xff.csv"), "c\n3\n")
	folder := filepath.Dir(write(t, filepath.Join(s.slow, "f.zarr", "part", "0"), "chunk"))
	paths, notes := s.cache(t, s.register(t, slow), s.register(t, here), []byte(odd), s.register(t, filepath.Dir(folder)), slow)
	if notes != "[]" || len(paths) != 5 || paths[1] != here || paths[0] != paths[4] {
		t.Fatalf("paths %q, notes %s", paths, notes)
	}
	for i, want := range map[int]string{0: "b\n2\n", 2: "c\n3\n"} {
		path, err := pathOf(paths[i])
		if err != nil || !strings.HasPrefix(path, s.copies) {
			t.Errorf("%q is no copy: %v", path, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%q has %q, %v", path, got, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(paths[3].(string), "part", "0")); err != nil || string(got) != "chunk" {
		t.Errorf("the folder has %q, %v", got, err)
	}
	if paths, notes := s.cache(t); len(paths) != 0 || notes != "[]" {
		t.Errorf("of nothing: %q, %s", paths, notes)
	}
}

func TestWhatIsNotWhatWasRegisteredIsNoted(t *testing.T) {
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	for _, tc := range []struct {
		name, content string
		at            time.Time
		says          string
	}{
		{"nothing", "a\n1\n", time.Time{}, ""},
		{"the same content, of another time", "a\n1\n", later, ""},
		{"another size", "a\n1\n2\n", time.Time{}, "6 bytes instead of 4; register it again"},
		{"another content of the same size", "a\n2\n", later, "it was written to at " + later.Format(time.DateTime)},
		{"another content of the same size, at once", "a\n2\n", time.Time{}, "it was written to at "},
		{"another content of the same size, with an older time", "a\n2\n", earlier, "it was written to at "},
	} {
		for _, where := range []string{"in place", "copied"} {
			t.Run(tc.name+", "+where, func(t *testing.T) {
				s, dir := newShelf(t), t.TempDir()
				if where == "copied" {
					dir = s.slow
				}
				path := write(t, filepath.Join(dir, "a.csv"), "a\n1\n")
				uid := s.register(t, path)
				write(t, path, tc.content)
				if !tc.at.IsZero() {
					if err := os.Chtimes(path, tc.at, tc.at); err != nil {
						t.Fatal(err)
					}
				}
				paths, notes := s.cache(t, uid)
				if want := path + " is not what was registered: " + tc.says; tc.says == "" && notes != "[]" || tc.says != "" && !strings.Contains(notes, want) {
					t.Errorf("notes %s", notes)
				}
				if got, err := os.ReadFile(paths[0].(string)); err != nil || string(got) != tc.content {
					t.Errorf("it has %q, %v", got, err)
				}
			})
		}
	}
}

// A file is read again when it was touched, and is known from then on.
func TestAFileIsReadAgainWhenItWasTouched(t *testing.T) {
	s := newShelf(t)
	path := write(t, filepath.Join(t.TempDir(), "a.csv"), "a\n1\n")
	settle := func() int64 {
		t.Helper()
		for range 500 {
			fi, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if registry.Settled(fi, time.Now()) {
				return registry.Signature(fi)
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal("the file does not settle")
		return 0
	}
	db, err := s.registry.open(s.ctx, registry.DefaultName)
	if err != nil {
		t.Fatal(err)
	}
	uid := ""
	knows := func(want int64) {
		t.Helper()
		r, err := db.Get(s.ctx, registry.ModelArtifact, uid)
		if err != nil {
			t.Fatal(err)
		}
		if seen, err := db.Seen(s.ctx, []int64{r.Int("id")}); err != nil || seen[r.Int("id")] != want {
			t.Errorf("it knows %v, %v, want %d", seen, err, want)
		}
	}
	first := settle()
	uid = s.register(t, path)
	knows(first)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	second := settle()
	if _, notes := s.cache(t, uid); first == second || notes != "[]" {
		t.Errorf("notes %s", notes)
	}
	knows(second)
	write(t, path, "a\n2\n")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	settle()
	for range 2 {
		if _, notes := s.cache(t, uid); !strings.Contains(notes, "not what was registered") {
			t.Errorf("notes %s", notes)
		}
	}
	knows(second)
	again := s.register(t, path)
	if again == uid {
		t.Error("it is the same artifact")
	}
	if _, notes := s.cache(t, again); notes != "[]" {
		t.Errorf("notes %s", notes)
	}
}

func TestACopyOfAFolderThatHasMoreFilesThanWereRegisteredIsNoted(t *testing.T) {
	s := newShelf(t)
	folder := filepath.Join(s.slow, "f")
	write(t, filepath.Join(folder, "0"), "chunk")
	uid := s.register(t, folder)
	write(t, filepath.Join(folder, "1"), "chunk")
	if _, notes := s.cache(t, uid); !strings.Contains(notes, folder+" is not what was registered: 2 files instead of 1") {
		t.Errorf("notes %s", notes)
	}
}

func TestAFolderThatWasMadeAnewIsNoted(t *testing.T) {
	s := newShelf(t)
	path := filepath.Dir(write(t, filepath.Join(t.TempDir(), "f.zarr", "0"), "one"))
	write(t, filepath.Join(path, "deep", "1"), "six")
	uid := s.register(t, path)
	again := func(content string) {
		t.Helper()
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(path, "0"), content)
		write(t, filepath.Join(path, "deep", "1"), "six")
	}
	for _, tt := range []struct {
		name  string
		then  func()
		noted bool
	}{
		{"it is as it was", func() {}, false},
		{"written anew with other content", func() { again("two") }, true},
		{"written anew with the same content", func() { again("one") }, false},
		{"a file was written over", func() { write(t, filepath.Join(path, "0"), "two") }, true},
		{"another one was moved there, written long ago", func() {
			again("one")
			other := t.TempDir()
			write(t, filepath.Join(other, "f.zarr", "0"), "two")
			write(t, filepath.Join(other, "f.zarr", "deep", "1"), "six")
			for _, name := range []string{"0", "deep", ""} {
				if err := os.Chtimes(filepath.Join(other, "f.zarr", name), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(os.RemoveAll(path), os.Rename(filepath.Join(other, "f.zarr"), path)); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"a file was added below", func() { again("one"); write(t, filepath.Join(path, "deep", "2"), "new") }, true},
	} {
		tt.then()
		paths, notes := s.cache(t, uid)
		if noted := strings.Contains(notes, path+" is not what was registered: it was written to at"); noted != tt.noted || paths[0] != path {
			t.Errorf("%s: %v, notes %s", tt.name, paths, notes)
		}
	}
}

func TestACopyOutlivesItsSource(t *testing.T) {
	s := newShelf(t)
	path := write(t, filepath.Join(s.slow, "a.csv"), "a\n1\n")
	uid := s.register(t, path)
	copied, _ := s.cache(t, uid)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	paths, notes := s.cache(t, uid)
	if paths[0] != copied[0] || !strings.Contains(notes, path+" is gone; its copy of") {
		t.Errorf("paths %q, notes %s", paths, notes)
	}
}

func TestACopyThatOutlivesItsSourceIsNotOfAnEarlierVersion(t *testing.T) {
	s := newShelf(t)
	path := write(t, filepath.Join(s.slow, "a.csv"), "a\n1\n")
	first := s.register(t, path)
	s.cache(t, first)
	write(t, path, "a\n2\n")
	second := s.register(t, path)
	copied, _ := s.cache(t, second)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	const says = "what it holds is not what was registered"
	if paths, notes := s.cache(t, second); paths[0] != copied[0] || !strings.Contains(notes, "is gone") || strings.Contains(notes, says) {
		t.Errorf("its own: %q, %s", paths, notes)
	}
	if paths, notes := s.cache(t, first); paths[0] != copied[0] || !strings.Contains(notes, "is gone") || !strings.Contains(notes, says) {
		t.Errorf("of the version before: %q, %s", paths, notes)
	}
}

func TestWhatCannotBeCachedHasACodeAndACure(t *testing.T) {
	s := newShelf(t)
	gone := filepath.Join(s.slow, "gone.csv")
	uid := s.register(t, write(t, gone, "a\n1\n"))
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		of   any
		code ipc.Code
		says string
	}{
		{"a file that is gone", uid, ipc.CodeNotFound, gone},
		{"a URL", "s3://bucket/a.h5ad", ipc.CodeUnsupported, "s3://bucket/a.h5ad"},
		{"a uid that is none", "none", ipc.CodeNoRecord, "none"},
		{"a path that is not absolute", "a/b", ipc.CodeInvalidArgument, "absolute"},
		{"a number", 3, ipc.CodeInvalidArgument, "absolute path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := s.client.Registry(s.ctx, "cache", map[string]any{"of": []any{tc.of}}, nil)
			e, ok := err.(*ipc.Error)
			if !ok || e.Code != tc.code || !strings.Contains(e.Error(), tc.says) || e.Code == ipc.CodeUnsupported && e.Hint == "" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestACopyTellsHowFarItIs(t *testing.T) {
	s := newShelf(t)
	path := filepath.Join(s.slow, "big")
	write(t, path, "")
	const size = 64 << 20
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
		t.Fatal(err)
	}
	told := 0
	_, err := s.client.Registry(s.ctx, "cache", map[string]any{"of": []any{path}}, func(p ipc.Progress) {
		if told++; p.What != "bytes" || p.Total != size || p.Done < 1 || p.Done > size {
			t.Errorf("progress %+v", p)
		}
	})
	if err != nil || told == 0 {
		t.Errorf("told %d times, %v", told, err)
	}
}

func TestARootThatIsNotAbsoluteIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, err := Listen(t.Context(), Options{Socket: filepath.Join(dir, "run", "s.sock"), CopiesDir: filepath.Join(dir, "c"), CacheCopy: []string{"nfs"}})
	if err == nil || !strings.Contains(err.Error(), "nfs") || !strings.Contains(err.Error(), "LOADERD_CACHE_COPY") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsOfTheCacheHaveCodes(t *testing.T) {
	for kind, want := range map[error]ipc.Code{
		cache.ErrNoSpace: ipc.CodeDisk, cache.ErrChanged: ipc.CodeSourceChanged, cache.ErrUnreadable: ipc.CodeBadFile, cache.ErrNotFound: ipc.CodeNotFound,
	} {
		e := wireError(&cache.Error{Kind: kind, Object: "/nfs/a", Err: errors.New("it fails"), Hint: "do this"})
		if e.Code != want || e.Object != "/nfs/a" || e.Hint != "do this" || e.Message != "/nfs/a: it fails" || e.Stage != "cache" {
			t.Errorf("%v: %+v", kind, e)
		}
	}
}

func TestWithoutAFolderForCopiesWhatIsHereIsGiven(t *testing.T) {
	for _, name := range []string{"LOADERD_CACHE_DIR", "XDG_CACHE_HOME", "HOME"} {
		t.Setenv(name, "")
	}
	h := serve(t, Options{DataDir: filepath.Join(t.TempDir(), "data")})
	path := write(t, filepath.Join(t.TempDir(), "a"), "1")
	v, err := h.dial(t).Registry(h.ctx, "cache", map[string]any{"of": []any{path}}, nil)
	if err != nil || fmt.Sprint(v) != "map[notes:[] paths:["+path+"]]" {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := Listen(h.ctx, Options{Socket: filepath.Join(t.TempDir(), "r", "s.sock"), CacheCopy: []string{"/nfs"}}); err == nil || !strings.Contains(err.Error(), "LOADERD_CACHE_DIR") {
		t.Errorf("with a root: %v", err)
	}
}
