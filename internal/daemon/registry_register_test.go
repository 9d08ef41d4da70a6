package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/loaderd/loaderd/ipc"
)

// write makes a file, and its folder, and gives its path.
func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// number is a whole number as the wire has it.
func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case uint64:
		return int64(n)
	}
	return -1
}

func recordIn(answer map[string]any) map[string]any { return answer["record"].(map[string]any) }

func TestAnAnnDataFileIsRegisteredWithWhatItHolds(t *testing.T) {
	call, _ := asker(t)
	path := absolute(t, pbmc)
	would := call("register", map[string]any{"path": path, "key": "pbmc.h5ad", "save": false})
	if r := recordIn(would); would["created"] != true || r["id"] != nil || number(r["n_observations"]) != 700 {
		t.Errorf("would be %v", would)
	}
	found := call("query", map[string]any{"model": "artifact", "what": "count"})[""]
	if number(found) != 0 {
		t.Errorf("there are %v artifacts after a dry run", found)
	}
	saved := call("register", map[string]any{"path": path, "key": "pbmc.h5ad"})
	r := recordIn(saved)
	// 22 characters of lamindb's hash of this file.
	want := map[string]any{"otype": "AnnData", "suffix": ".h5ad", "hash_type": "md5", "path": path, "n_files": nil}
	for name, v := range want {
		if r[name] != v {
			t.Errorf("%s is %v, not %v", name, r[name], v)
		}
	}
	features := call("features", map[string]any{"uid": r["uid"]})[""].([]any)
	slots := map[string][]any{}
	for _, f := range features {
		f := f.(map[string]any)
		slots[f["slot"].(string)] = f["names"].([]any)
	}
	if len(slots["var"]) != 765 || slots["obs"][0] != "bulk_labels" {
		t.Errorf("features %v", features)
	}
	again := call("register", map[string]any{"path": path})
	if again["created"] != false || recordIn(again)["uid"] != r["uid"] {
		t.Errorf("again: %v", again)
	}
}

func TestAZarrStoreIsAnnDataIfItCanBeReadAsThat(t *testing.T) {
	call, _ := asker(t)
	store := recordIn(call("register", map[string]any{"path": absolute(t, "../../testdata/zarr/a_v3.zarr.zip"), "key": "a"}))
	if store["otype"] != "AnnData" || store["suffix"] != ".zarr.zip" || number(store["n_observations"]) < 1 {
		t.Errorf("got %v", store)
	}
	dir := filepath.Join(t.TempDir(), "images.zarr")
	write(t, filepath.Join(dir, ".zgroup"), `{"zarr_format": 2}`)
	if other := recordIn(call("register", map[string]any{"path": dir, "key": "b"})); other["otype"] != nil || other["suffix"] != ".zarr" {
		t.Errorf("got %v", other)
	}
}

func TestATableIsRegisteredWithItsColumns(t *testing.T) {
	call, _ := asker(t)
	r := recordIn(call("register", map[string]any{"path": absolute(t, "../tables/testdata/plain.parquet"), "description": "cells"}))
	if number(r["n_observations"]) != 3 || r["otype"] != nil {
		t.Errorf("got %v", r)
	}
	f := call("features", map[string]any{"uid": r["uid"]})[""].([]any)[0].(map[string]any)
	if f["slot"] != "columns" || f["names"].([]any)[2] != "score" || f["dtypes"].([]any)[2] != "float" {
		t.Errorf("features %v", f)
	}
}

func TestFeaturesThatComeAlongAreTakenAsTheyAre(t *testing.T) {
	call, refused := asker(t)
	path := write(t, filepath.Join(t.TempDir(), "a.parquet"), "no table")
	sent := map[string]any{"columns": []any{[]any{"a", "int"}, []any{"b", "cat"}}}
	r := recordIn(call("register", map[string]any{"path": path, "key": "a", "otype": "DataFrame", "n_observations": 5, "features": sent}))
	f := call("features", map[string]any{"uid": r["uid"], "model": "artifact"})[""].([]any)[0].(map[string]any)
	if !reflect.DeepEqual(f["names"], []any{"a", "b"}) || !reflect.DeepEqual(f["dtypes"], []any{"int", "cat"}) {
		t.Errorf("features %v", f)
	}
	e := refused("register", map[string]any{"path": path, "features": map[string]any{"obs": []any{"a"}}})
	if e.Code != ipc.CodeInvalidArgument || !strings.Contains(e.Message, "[name, dtype]") {
		t.Errorf("got %v", e)
	}
}

func TestAFileThatCanNotBeReadIsRegisteredWithANote(t *testing.T) {
	call, _ := asker(t)
	path := write(t, filepath.Join(t.TempDir(), "broken.h5ad"), "this is no HDF5")
	saved := call("register", map[string]any{"path": path, "key": "broken.h5ad"})
	notes := fmt.Sprint(saved["notes"])
	if r := recordIn(saved); r["otype"] != "AnnData" || r["n_observations"] != nil || !strings.Contains(notes, "can not be read") {
		t.Errorf("got %v, %s", r, notes)
	}
}

func TestAFolderIsOneArtifact(t *testing.T) {
	call, _ := asker(t)
	dir := filepath.Join(t.TempDir(), "images")
	for i := range 30 {
		write(t, filepath.Join(dir, fmt.Sprint(i%3), fmt.Sprintf("%d.png", i)), fmt.Sprintf("image %d", i))
	}
	r := recordIn(call("register", map[string]any{"path": dir, "key": "images"}))
	if number(r["n_files"]) != 30 || number(r["size"]) != 10*7+20*8 || r["hash_type"] != "md5-d" || r["suffix"] != "" {
		t.Errorf("got %v", r)
	}
	if n := call("query", map[string]any{"model": "artifact", "what": "count"})[""]; number(n) != 1 {
		t.Errorf("%v records", n)
	}
	if same := call("register", map[string]any{"path": dir}); same["created"] != false {
		t.Errorf("it is registered already: %v", same)
	}
	write(t, filepath.Join(dir, "0", "0.png"), "another")
	next := call("register", map[string]any{"path": dir, "key": "images"})
	if next["created"] != true || recordIn(next)["version"] != "2" || next["revised"].(map[string]any)["version"] != "1" {
		t.Errorf("got %v", next)
	}
}

func TestWhatChangedBetweenRegisteringAndSavingIsNotSaved(t *testing.T) {
	call, refused := asker(t)
	path := write(t, filepath.Join(t.TempDir(), "a.txt"), "one")
	r := recordIn(call("register", map[string]any{"path": path, "key": "a", "save": false}))
	write(t, path, "two")
	e := refused("save", map[string]any{"model": "artifact", "record": r})
	if e.Code != ipc.CodeSourceChanged || e.Object != path {
		t.Errorf("got %v", e)
	}
	r = recordIn(call("register", map[string]any{"path": path, "key": "a", "save": false}))
	saved := call("save", map[string]any{"model": "artifact", "record": r})
	if saved["created"] != true || recordIn(saved)["hash"] != r["hash"] || recordIn(saved)["uid"] != r["uid"] {
		t.Errorf("got %v, want %v", saved, r)
	}
}

func TestAFileOfAnotherSizeThanItsRecordSaysIsNotSaved(t *testing.T) {
	_, refused := asker(t) // a daemon that has not looked at it
	path := write(t, filepath.Join(t.TempDir(), "a.txt"), "one")
	record := map[string]any{"path": path, "hash": "h", "hash_type": "md5", "size": 4}
	if e := refused("save", map[string]any{"model": "artifact", "record": record}); e.Code != ipc.CodeSourceChanged {
		t.Errorf("got %v", e)
	}
	record["path"] = path + "x"
	if e := refused("save", map[string]any{"model": "artifact", "record": record}); e.Code != ipc.CodeNotFound {
		t.Errorf("got %v", e)
	}
}

// Whoever looks at the file again, and whichever daemon looked at it before: a record is saved with what the file holds, or not at all.
func TestWhatWasWrittenOverInItsSizeIsNotSaved(t *testing.T) {
	for _, tc := range []struct {
		name string
		path func(t *testing.T) string
		over func(t *testing.T, path string)
	}{
		{"a file", func(t *testing.T) string { return write(t, filepath.Join(t.TempDir(), "a.txt"), "one") },
			func(t *testing.T, path string) { write(t, path, "two") }},
		{"a folder", func(t *testing.T) string {
			return filepath.Dir(write(t, filepath.Join(t.TempDir(), "f", "a.txt"), "one"))
		},
			func(t *testing.T, path string) { write(t, filepath.Join(path, "a.txt"), "two") }},
	} {
		for _, who := range []string{"somebody looked at it since", "another daemon looked at it"} {
			t.Run(tc.name+", and "+who, func(t *testing.T) {
				call, refused := asker(t)
				path := tc.path(t)
				r := recordIn(call("register", map[string]any{"path": path, "key": "a", "save": false}))
				tc.over(t, path)
				if who == "another daemon looked at it" {
					_, refused = asker(t)
				} else {
					call("register", map[string]any{"path": path, "key": "b", "save": false})
				}
				delete(r, "created_by")
				delete(r, "storage")
				if e := refused("save", map[string]any{"model": "artifact", "record": r}); e.Code != ipc.CodeSourceChanged || e.Object != path {
					t.Errorf("got %v", e)
				}
				e := refused("save", map[string]any{"model": "collection", "record": map[string]any{"name": "c"}, "members": []any{r}})
				if e.Code != ipc.CodeSourceChanged || e.Object != path {
					t.Errorf("as a member: got %v", e)
				}
			})
		}
	}
}

func TestAFolderWhoseFilesHaveOtherNamesIsAnotherOne(t *testing.T) {
	call, refused := asker(t)
	folder := t.TempDir()
	cat, dog := write(t, filepath.Join(folder, "cat", "1"), "meow"), write(t, filepath.Join(folder, "dog", "1"), "woof")
	swap := func() {
		t.Helper()
		for _, names := range [][2]string{{cat, folder + "/x"}, {dog, cat}, {folder + "/x", dog}} {
			if err := os.Rename(names[0], names[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := recordIn(call("register", map[string]any{"path": folder, "key": "labelled"}))
	again := recordIn(call("register", map[string]any{"path": folder, "key": "labelled", "save": false}))
	if again["uid"] != first["uid"] {
		t.Errorf("unchanged: %v and %v", first, again)
	}
	swap()
	now := call("register", map[string]any{"path": folder, "key": "labelled", "save": false})
	r := recordIn(now)
	if now["created"] != true || r["stem_uid"] != first["stem_uid"] || r["hash"] != first["hash"] {
		t.Errorf("of %v, %v was made", first, now)
	}
	swap()
	if e := refused("save", map[string]any{"model": "artifact", "record": r}); e.Code != ipc.CodeSourceChanged {
		t.Errorf("got %v", e)
	}
	swap()
	delete(r, "rest_hash") // as a client sends it that knows nothing of it
	if saved := call("save", map[string]any{"model": "artifact", "record": r}); saved["created"] != true || recordIn(saved)["version"] != "2" {
		t.Errorf("got %v", saved)
	}
}

func TestPathsThatCanNotBeRegistered(t *testing.T) {
	_, refused := asker(t)
	empty := t.TempDir()
	for _, tc := range []struct {
		name string
		path any
		code ipc.Code
		says string
	}{
		{"nothing there", filepath.Join(empty, "x"), ipc.CodeNotFound, "nothing"},
		{"a relative path", "x.h5ad", ipc.CodeInvalidArgument, "absolute"},
		{"no path", nil, ipc.CodeInvalidArgument, "path"},
		{"a number", 3, ipc.CodeInvalidArgument, "path"},
		{"an empty folder", empty, ipc.CodeInvalidArgument, "no files"},
		{"a device", os.DevNull, ipc.CodeInvalidArgument, "neither"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if e := refused("register", map[string]any{"path": tc.path}); e.Code != tc.code || !strings.Contains(e.Error(), tc.says) {
				t.Errorf("got %s: %v", e.Code, e)
			}
		})
	}
}

func TestLabelsComeWithAnArtifactInOneStep(t *testing.T) {
	call, refused := asker(t)
	path := write(t, filepath.Join(t.TempDir(), "a.txt"), "one")
	args := map[string]any{"path": path, "key": "a", "labels": []any{map[string]any{"name": "new"}, "nobody00"}}
	if e := refused("register", args); e.Code != ipc.CodeNoRecord {
		t.Errorf("a label that is not there: %v", e)
	}
	for _, model := range []string{"artifact", "ulabel"} {
		if n := call("query", map[string]any{"model": model, "what": "count", "all": true})[""]; fmt.Sprint(n) != "0" {
			t.Errorf("%v of %s are left", n, model)
		}
	}
	for range 2 { // also of what is there
		args["labels"] = []any{map[string]any{"name": "new"}}
		uid := recordIn(call("register", args))["uid"]
		found := call("query", map[string]any{"model": "ulabel", "of": []any{"artifact", uid, "ulabels"}})[""].([]any)
		if len(found) != 1 || found[0].(map[string]any)["name"] != "new" {
			t.Errorf("its labels are %v", found)
		}
	}
}

func TestWhatOnlyLooksSavesNothingWhateverItIsGiven(t *testing.T) {
	for name, v := range map[string]any{"save": "no", "revises": 5} {
		call, refused := asker(t)
		path := write(t, filepath.Join(t.TempDir(), "a.txt"), "one")
		if e := refused("register", map[string]any{"path": path, "key": "a", name: v}); e.Code != ipc.CodeProtocol {
			t.Errorf("%s: got %v", name, e)
		}
		if r := call("register", map[string]any{"path": path, "key": "a", "save": nil}); r["created"] != true {
			t.Errorf("%s: it was saved: %v", name, r)
		}
	}
}

func TestAURLIsRegisteredUnseen(t *testing.T) {
	call, _ := asker(t)
	args := map[string]any{"path": "s3://bucket/a/b.h5ad", "key": "b.h5ad"}
	r := recordIn(call("register", args))
	if r["hash"] != nil || r["suffix"] != ".h5ad" || r["path"] != args["path"] {
		t.Errorf("got %v", r)
	}
	s := call("get", map[string]any{"model": "storage", "uid": r["storage"]})
	if s["root"] != "s3://bucket" || s["type"] != "s3" {
		t.Errorf("in %v", s)
	}
	if again := call("register", args); again["created"] != false {
		t.Errorf("again: %v", again)
	}
}

func TestAPathNeedNotBeUTF8(t *testing.T) {
	call, _ := asker(t)
	path := write(t, filepath.Join(t.TempDir(), "a\xff.txt"), "one")
	r := recordIn(call("register", map[string]any{"path": []byte(path), "key": "a"}))
	if r["path"] != path { // bytes on the wire, which Go has as a string

		t.Errorf("got %q", r["path"])
	}
	moved := call("register", map[string]any{"path": []byte(moveFile(t, path))})
	if notes := fmt.Sprint(moved["notes"]); !strings.Contains(notes, "where nothing is any more") || !utf8.ValidString(notes) {
		t.Errorf("its move is told of as %q", notes)
	}
	other := write(t, filepath.Join(t.TempDir(), "b\xff"), "two") // called by its path
	run := call("track", map[string]any{"transform": map[string]any{"key": "t"}, "run": map[string]any{}})["run"].(map[string]any)["uid"]
	b := recordIn(call("register", map[string]any{"path": []byte(other), "run": run}))
	for _, format := range []string{"text", "svg", "graph"} {
		drawn := call("lineage", map[string]any{"uid": b["uid"], "format": format})
		if nodes, is := drawn["nodes"].([]any); is {
			drawn = map[string]any{"": nodes[0].(map[string]any)["title"]}
		}
		if s := fmt.Sprint(drawn[""]); s == "" || !utf8.ValidString(s) {
			t.Errorf("%s: %q", format, s)
		}
	}
}

func TestTheFileThatAClientWroteGoesWithItsArtifact(t *testing.T) {
	call, refused := asker(t)
	root := call("settings", nil)["storage"].(string)
	dir := t.TempDir()
	real := recordIn(call("register", map[string]any{"path": write(t, filepath.Join(dir, "a.txt"), "mine"), "key": "mine"}))
	path := filepath.Join(root, ".loaderd", "abcdefghijklmnop0000.parquet")
	own := recordIn(call("register", map[string]any{"path": write(t, path, "frame"), "uid": "abcdefghijklmnop0000", "key": "own"}))
	held := call("save", map[string]any{"model": "collection", "record": map[string]any{"name": "both"}, "members": []any{own["uid"], real["uid"]}})
	if e := refused("delete", map[string]any{"model": "artifact", "uid": own["uid"], "permanent": true}); e.Code != ipc.CodeProtected || !strings.Contains(e.Message, `"both"`) {
		t.Errorf("got %v", e)
	}
	call("delete", map[string]any{"model": "collection", "uid": recordIn(held)["uid"], "permanent": true})
	for _, r := range []map[string]any{own, real} {
		if trashed := call("delete", map[string]any{"model": "artifact", "uid": r["uid"]}); number(trashed["visibility"]) != 2 {
			t.Errorf("got %v", trashed)
		}
		if gone := call("delete", map[string]any{"model": "artifact", "uid": r["uid"], "permanent": true})[""]; gone != nil {
			t.Errorf("got %v", gone)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("its own file is there: %v", err)
	}
	if _, err := os.Stat(real["path"].(string)); err != nil {
		t.Errorf("the user's file is gone: %v", err)
	}
}

func TestTheFileOfACopyInAnotherDatabaseStays(t *testing.T) {
	for _, tt := range []struct{ name, first, last string }{
		{"that of the default one goes first", "", "lab"},
		{"the copy goes first", "lab", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call, _ := asker(t)
			dir := t.TempDir()
			call("database", map[string]any{"name": "lab", "path": filepath.Join(dir, "lab.db")})
			call("database", map[string]any{"name": "gone", "path": filepath.Join(dir, "gone.db")})
			if err := os.Remove(filepath.Join(dir, "gone.db")); err != nil {
				t.Fatal(err)
			}
			root := call("settings", nil)["storage"].(string)
			path := filepath.Join(root, ".loaderd", "abcdefghijklmnop0000.parquet")
			own := recordIn(call("register", map[string]any{"path": write(t, path, "frame"), "uid": "abcdefghijklmnop0000", "key": "own"}))
			call("save", map[string]any{"model": "collection", "record": map[string]any{"name": "c"}, "members": []any{own["uid"]}, "using": "lab"})
			c := call("query", map[string]any{"model": "collection", "using": "lab"})[""].([]any)[0].(map[string]any)
			call("delete", map[string]any{"model": "collection", "uid": c["uid"], "permanent": true, "using": "lab"})
			for _, using := range []string{tt.first, tt.last} {
				if _, err := os.Stat(path); err != nil {
					t.Fatalf("before the one of %q went, its file is gone: %v", using, err)
				}
				args := map[string]any{"model": "artifact", "uid": own["uid"], "permanent": true}
				if using != "" {
					args["using"] = using
				}
				call("delete", args)
			}
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("no record has the file, and it is there: %v", err)
			}
		})
	}
}

func TestSuffixesAreThoseOfFormats(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b.h5ad": ".h5ad", "b.anndata.zarr": ".anndata.zarr", "b.zarr/": ".zarr", "b.csv.gz": ".csv.gz", "b.h5ad.gz": ".h5ad.gz", "b.tar.gz": ".tar.gz",
		"b.2022_07_03": "", "b": "", "b.x.gz": ".gz", "b.ome.tiff": ".ome.tiff", "B.CSV": ".CSV", "s3://a/b.parquet": ".parquet",
	} {
		if got := suffixOf(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestTheSchemeOfAURLIsInSmallLetters(t *testing.T) {
	call, _ := asker(t)
	r := recordIn(call("register", map[string]any{"path": "HTTPS://Example.org/Data/x.csv", "key": "x"}))
	again := call("register", map[string]any{"path": "https://Example.org/Data/x.csv", "key": "x"})
	if r["path"] != "https://Example.org/Data/x.csv" || again["created"] != false || recordIn(again)["uid"] != r["uid"] {
		t.Errorf("got %v, and again %v", r, again)
	}
}
