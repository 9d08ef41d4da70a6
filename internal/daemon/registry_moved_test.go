package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// moveFile moves a file to another folder, and gives where it is then.
func moveFile(t *testing.T, path string) string {
	t.Helper()
	now := filepath.Join(filepath.Dir(path), "elsewhere", filepath.Base(path))
	if err := os.MkdirAll(filepath.Dir(now), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, now); err != nil {
		t.Fatal(err)
	}
	return now
}

// The ways in which a client says that a file is at another path than its record.
func TestARecordFollowsAFileThatWasMoved(t *testing.T) {
	type caller = func(name string, args map[string]any) map[string]any
	dry := func(call caller, path string) map[string]any {
		return call("register", map[string]any{"path": path, "save": false})
	}
	for _, tc := range []struct {
		name string
		save func(call caller, path string) map[string]any
	}{
		{"registered again", func(call caller, path string) map[string]any {
			return call("register", map[string]any{"path": path})
		}},
		{"looked at, then saved", func(call caller, path string) map[string]any {
			return call("save", map[string]any{"model": "artifact", "record": recordIn(dry(call, path))})
		}},
		{"among the members of a collection", func(call caller, path string) map[string]any {
			return call("save", map[string]any{"model": "collection", "record": map[string]any{"name": "c"}, "members": []any{recordIn(dry(call, path))}})
		}},
		{"as what describes a collection", func(call caller, path string) map[string]any {
			r := map[string]any{"name": "c", "meta_artifact": recordIn(dry(call, path))}
			other := call("register", map[string]any{"path": "https://example.org/b.txt", "key": "b"})
			return call("save", map[string]any{"model": "collection", "record": r, "members": []any{recordIn(other)["uid"]}})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			call, _ := asker(t)
			path := write(t, filepath.Join(t.TempDir(), "a.txt"), "one")
			r := recordIn(call("register", map[string]any{"path": path, "key": "a"}))
			now := moveFile(t, path)
			saved := tc.save(call, now)
			got := call("get", map[string]any{"model": "artifact", "uid": r["uid"]})
			if got["path"] != now || got["key"] != "a" || got["hash"] != r["hash"] {
				t.Errorf("got %v", got)
			}
			if notes := fmt.Sprint(saved["notes"]); !strings.Contains(notes, path+", where nothing is any more") || !strings.Contains(notes, now) {
				t.Errorf("notes %s", notes)
			}
			if n := call("query", map[string]any{"model": "artifact", "what": "count", "where": []any{"lookup", "path__endswith", "a.txt"}})[""]; number(n) != 1 {
				t.Errorf("%v records", n)
			}
		})
	}
}

func TestWhatIsNotSavedSaysWhereARecordWouldGo(t *testing.T) {
	call, _ := asker(t)
	path := write(t, filepath.Join(t.TempDir(), "a.txt"), "one")
	r := recordIn(call("register", map[string]any{"path": path, "key": "a"}))
	now := moveFile(t, path)
	would := call("register", map[string]any{"path": now, "save": false})
	if w := recordIn(would); would["created"] != false || w["uid"] != r["uid"] || w["path"] != now || number(w["id"]) != number(r["id"]) || !strings.Contains(fmt.Sprint(would["notes"]), path) {
		t.Errorf("would be %v", would)
	}
	if got := call("get", map[string]any{"model": "artifact", "uid": r["uid"]}); got["path"] != path {
		t.Errorf("it went to %v without being saved", got["path"])
	}
}

func TestARecordStaysWithAFileThatIsThere(t *testing.T) {
	call, _ := asker(t)
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a.txt"), "one")
	call("register", map[string]any{"path": path, "key": "a"})
	copied := call("register", map[string]any{"path": write(t, filepath.Join(dir, "b.txt"), "one")})
	if recordIn(copied)["path"] != path || len(copied["notes"].([]any)) > 0 {
		t.Errorf("a copy: %v", copied)
	}
}

func TestAMovedFileBringsItsStorageAlong(t *testing.T) {
	call, _ := asker(t)
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a.txt"), "one")
	call("register", map[string]any{"path": path, "key": "a"})
	now := moveFile(t, path)
	root := recordIn(call("save", map[string]any{"model": "storage", "record": map[string]any{"root": filepath.Dir(now)}}))
	if moved := recordIn(call("register", map[string]any{"path": now})); moved["storage"] != root["uid"] {
		t.Errorf("got %v, want the storage %v", moved, root["uid"])
	}
}

func TestTheRecordOfWhatWasOverwrittenFollowsItsContent(t *testing.T) {
	call, _ := asker(t)
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a.txt"), "one")
	first := recordIn(call("register", map[string]any{"path": path, "key": "a"}))
	write(t, path, "another")
	second := recordIn(call("register", map[string]any{"path": path, "key": "a"}))
	kept := write(t, filepath.Join(dir, "old", "a.txt"), "one")
	found := call("register", map[string]any{"path": kept})
	if r := recordIn(found); r["uid"] != first["uid"] || r["path"] != kept || !strings.Contains(fmt.Sprint(found["notes"]), path+", where something else is now") {
		t.Errorf("got %v", found)
	}
	if r := call("get", map[string]any{"model": "artifact", "uid": second["uid"]}); r["path"] != path || r["version"] != "2" {
		t.Errorf("the newer one: %v", r)
	}
}

func TestTheRecordOfAFileThatWasRewrittenInItsSizeFollowsItsContent(t *testing.T) {
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	for _, tc := range []struct {
		name    string
		now     string    // what the record's file holds then
		written time.Time // zero: at once
		follows bool
	}{
		{"other bytes, at once", "two", time.Time{}, true},
		{"other bytes, later", "two", later, true},
		{"the same bytes once more", "one", later, false},
		{"other bytes, with the time of before", "two", earlier, true},
		{"the same bytes once more, with the time of before", "one", earlier, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			call, _ := asker(t)
			dir := t.TempDir()
			path := write(t, filepath.Join(dir, "a.txt"), "one")
			first := recordIn(call("register", map[string]any{"path": path, "key": "a"}))
			write(t, path, tc.now)
			if !tc.written.IsZero() {
				if err := os.Chtimes(path, tc.written, tc.written); err != nil {
					t.Fatal(err)
				}
			}
			good := write(t, filepath.Join(dir, "good", "a.txt"), "one")
			for _, save := range []bool{false, true} {
				found := call("register", map[string]any{"path": good, "key": "b", "save": save})
				want, notes := path, fmt.Sprint(found["notes"])
				if tc.follows {
					want = good
				}
				if r := recordIn(found); r["uid"] != first["uid"] || r["path"] != want {
					t.Errorf("saved: %t, it is at %v, want %s", save, r["path"], want)
				}
				if said := strings.Contains(notes, path+", where something else is now"); said != tc.follows {
					t.Errorf("saved: %t, notes %s", save, notes)
				}
			}
		})
	}
}

func TestTheRecordOfAFolderThatIsSomethingElseFollowsItsContent(t *testing.T) {
	swap := func(t *testing.T, a, b string) {
		t.Helper()
		for _, names := range [][2]string{{a, a + "x"}, {b, a}, {a + "x", b}} {
			if err := os.Rename(names[0], names[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tc := range []struct {
		name    string
		then    func(t *testing.T, own, other string)
		follows bool
	}{
		{"it is as it was", func(*testing.T, string, string) {}, false},
		{"a file was written over in its size", func(t *testing.T, own, _ string) { write(t, filepath.Join(own, "a"), "two") }, true},
		{"files have exchanged their names", func(t *testing.T, own, _ string) { swap(t, filepath.Join(own, "a"), filepath.Join(own, "b")) }, true},
		{"another one was moved there", func(t *testing.T, own, other string) { swap(t, own, other) }, true},
		{"it is a file now", func(t *testing.T, own, _ string) { moveFile(t, own); write(t, own, "onesix") }, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			call, _ := asker(t)
			folder := func(name, first string) string {
				return filepath.Dir(write(t, filepath.Join(t.TempDir(), name, "a"), first))
			}
			own, other, good := folder("own", "one"), folder("other", "two"), folder("good", "one")
			for _, at := range []string{own, other, good} {
				write(t, filepath.Join(at, "b"), "six")
			}
			first := recordIn(call("register", map[string]any{"path": own, "key": "a"}))
			tc.then(t, own, other)
			for _, save := range []bool{false, true} {
				found, want := call("register", map[string]any{"path": good, "key": "b", "save": save}), own
				if tc.follows {
					want = good
				}
				if r := recordIn(found); r["uid"] != first["uid"] || r["path"] != want {
					t.Errorf("saved: %t, it is at %v, want %s", save, r["path"], want)
				}
			}
		})
	}
}
