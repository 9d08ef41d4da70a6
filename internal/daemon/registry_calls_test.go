package daemon

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/ipc"
)

// kept saves an artifact of its own content.
func kept(t *testing.T, call func(string, map[string]any) map[string]any, name string, more map[string]any) map[string]any {
	t.Helper()
	args := map[string]any{"path": write(t, filepath.Join(t.TempDir(), name), "content of "+name), "key": name}
	for k, v := range more {
		args[k] = v
	}
	return recordIn(call("register", args))
}

func listIn(answer map[string]any) []any { return answer[""].([]any) }

// column has a field of each record of a list.
func column(list []any, field string) []any {
	out := []any{}
	for _, r := range list {
		out = append(out, r.(map[string]any)[field])
	}
	return out
}

func TestARecordIsChangedAndComesOutOfTheTrash(t *testing.T) {
	call, refused := asker(t)
	a := kept(t, call, "a.txt", nil)
	name := map[string]any{"model": "artifact", "uid": a["uid"]}
	changed := call("update", map[string]any{"model": "artifact", "uid": a["uid"], "set": map[string]any{"description": "d", "version": "1.0"}})
	if changed["description"] != "d" || changed["version"] != "1.0" {
		t.Errorf("got %v", changed)
	}
	if e := refused("update", map[string]any{"model": "artifact", "uid": a["uid"], "set": map[string]any{"hash": "x"}}); e.Code != ipc.CodeValidation {
		t.Errorf("got %v", e)
	}
	call("delete", name)
	if back := call("restore", name); number(back["visibility"]) != 0 || back["is_latest"] != true {
		t.Errorf("got %v", back)
	}
	next := kept(t, call, "b.txt", map[string]any{"revises": a["uid"], "version": "2.0"})
	if next["version"] != "2.0" || next["stem_uid"] != a["stem_uid"] {
		t.Errorf("got %v", next)
	}
	e := refused("save", map[string]any{"model": "artifact", "revises": a["uid"], "record": map[string]any{"path": "s3://b/c", "version": "2.0"}})
	if e.Code != ipc.CodeConflict || !strings.Contains(e.Message, `"1.0"`) {
		t.Errorf("got %v", e)
	}
}

func TestLabelsAndMembersAreChanged(t *testing.T) {
	call, refused := asker(t)
	a, b := kept(t, call, "a.txt", nil), kept(t, call, "b.txt", nil)
	label := recordIn(call("save", map[string]any{"model": "ulabel", "record": map[string]any{"name": "x"}}))
	has := listIn(call("labels", map[string]any{"model": "artifact", "uid": a["uid"], "add": []any{label["uid"], map[string]any{"name": "y"}}}))
	if got := column(has, "name"); !reflect.DeepEqual(got, []any{"x", "y"}) {
		t.Errorf("labels %v", got)
	}
	has = listIn(call("labels", map[string]any{"model": "artifact", "uid": a["uid"], "remove": []any{label["uid"]}}))
	if got := column(has, "name"); !reflect.DeepEqual(got, []any{"y"}) {
		t.Errorf("labels %v", got)
	}
	unsaved := recordIn(call("register", map[string]any{"path": write(t, filepath.Join(t.TempDir(), "c.csv"), "n\n1\n"), "save": false}))
	saved := call("save", map[string]any{"model": "collection", "record": map[string]any{"name": "c", "meta_artifact": unsaved}, "members": []any{b["uid"], a["uid"], unsaved}})
	c := recordIn(saved)["uid"]
	third := saved["members"].([]any)[2].(map[string]any)
	if recordIn(saved)["meta_artifact"] != third["uid"] {
		t.Errorf("meta is %v, the member %v", recordIn(saved)["meta_artifact"], third)
	}
	if f := listIn(call("features", map[string]any{"model": "collection", "uid": c})); len(f) != 1 || f[0].(map[string]any)["slot"] != "columns" {
		t.Errorf("features %v", f)
	}
	if got := column(listIn(call("members", map[string]any{"uid": c})), "uid"); !reflect.DeepEqual(got, []any{b["uid"], a["uid"], third["uid"]}) {
		t.Errorf("members %v", got)
	}
	call("members", map[string]any{"uid": c, "remove": []any{a["uid"]}})
	if got := column(listIn(call("members", map[string]any{"uid": c})), "uid"); !reflect.DeepEqual(got, []any{b["uid"], third["uid"]}) {
		t.Errorf("members %v", got)
	}
	if e := refused("members", map[string]any{"uid": c, "remove": []any{b["uid"], third["uid"]}}); e.Code != ipc.CodeValidation {
		t.Errorf("got %v", e)
	}
}

func TestMembersAreAppendedToTheNewestVersion(t *testing.T) {
	call, refused := asker(t)
	a, b, c := kept(t, call, "a.txt", nil), kept(t, call, "b.txt", nil), kept(t, call, "c.txt", nil)
	first := recordIn(call("save", map[string]any{"model": "collection", "record": map[string]any{"name": "n", "meta_artifact": a["uid"]}, "members": []any{a["uid"]}}))
	var last map[string]any
	for _, m := range []map[string]any{b, c} { // of the same object, as two who do not know of each other do
		last = call("append", map[string]any{"revises": first["uid"], "record": map[string]any{}, "members": []any{m["uid"]}})
	}
	if r := recordIn(last); r["version"] != "3" || r["name"] != "n" || r["meta_artifact"] != a["uid"] {
		t.Errorf("got %v", r)
	}
	if got := column(last["members"].([]any), "uid"); !reflect.DeepEqual(got, []any{a["uid"], b["uid"], c["uid"]}) {
		t.Errorf("members %v", got)
	}
	if e := refused("append", map[string]any{"record": map[string]any{}, "members": []any{a["uid"]}}); e.Code != ipc.CodeValidation {
		t.Errorf("got %v", e)
	}
}

func TestARunIsTrackedOverTheWire(t *testing.T) {
	call, _ := asker(t)
	in := kept(t, call, "in.txt", nil)
	got := call("track", map[string]any{"transform": map[string]any{"key": "a.py", "hash": "h"}, "run": map[string]any{"params": map[string]any{"lr": 0.5}}})
	run := got["run"].(map[string]any)
	if run["transform"] != got["transform"].(map[string]any)["uid"] || !reflect.DeepEqual(run["params"], map[string]any{"lr": 0.5}) {
		t.Errorf("got %v", got)
	}
	out := kept(t, call, "out.txt", map[string]any{"run": run["uid"]})
	items := []any{[]any{"artifact", in["uid"]}, []any{"artifact", out["uid"]}}
	if noted := listIn(call("input", map[string]any{"run": run["uid"], "items": items})); !reflect.DeepEqual(noted, items[:1]) {
		t.Errorf("noted %v", noted)
	}
	of := listIn(call("query", map[string]any{"model": "run", "of": []any{"artifact", in["uid"], "input_of"}}))
	if len(of) != 1 || of[0].(map[string]any)["uid"] != run["uid"] {
		t.Errorf("input of %v", of)
	}
	if done := call("finish", map[string]any{"run": run["uid"]}); done["status"] != "finished" || done["finished_at"] == nil {
		t.Errorf("got %v", done)
	}
}

func TestAnotherDatabaseIsUsedByItsName(t *testing.T) {
	call, refused := asker(t)
	path := filepath.Join(t.TempDir(), "lab", "lab.db")
	if e := refused("query", map[string]any{"model": "artifact", "using": "lab"}); e.Code != ipc.CodeNoRecord || !strings.Contains(e.Message, "default") {
		t.Errorf("got %v", e)
	}
	call("database", map[string]any{"name": "lab", "path": path})
	names := call("databases", nil)
	if names["lab"] != path || !strings.HasSuffix(fmt.Sprint(names["default"]), "registry.db") {
		t.Errorf("there are %v", names)
	}
	a := kept(t, call, "a.txt", nil)
	c := call("save", map[string]any{"model": "collection", "record": map[string]any{"name": "c"}, "members": []any{a["uid"]}, "using": "lab"})
	if c["created"] != true || c["members"].([]any)[0].(map[string]any)["uid"] != a["uid"] {
		t.Errorf("got %v", c)
	}
	if n := call("query", map[string]any{"model": "collection", "what": "count"})[""]; number(n) != 0 {
		t.Errorf("%v collections in the default one", n)
	}
	there := call("get", map[string]any{"model": "artifact", "uid": a["uid"], "using": "lab"})
	if there["hash"] != a["hash"] || there["path"] != a["path"] {
		t.Errorf("got %v", there)
	}
	if s := call("settings", map[string]any{"using": "lab"}); s["database"] != path || s["storage"] != filepath.Join(filepath.Dir(path), "artifacts") {
		t.Errorf("settings %v", s)
	}
	for _, args := range []map[string]any{{"name": "a b", "path": path}, {"name": "x", "path": "x.db"}, {"name": "x"}} {
		if e := refused("database", args); e.Code != ipc.CodeValidation && e.Code != ipc.CodeInvalidArgument {
			t.Errorf("%v: %v", args, e)
		}
	}
	if e := refused("database", map[string]any{"name": "folder", "path": t.TempDir()}); e.Code != ipc.CodeRegistry {
		t.Errorf("a folder: %v", e)
	}
	if names := call("databases", nil); len(names) != 2 {
		t.Errorf("there are %v", names)
	}
}

func TestANetworkFileSystemMayBeForced(t *testing.T) {
	t.Setenv("LOADERD_NETWORK_FS", "1")
	call, _ := asker(t)
	path := call("settings", nil)["database"].(string)
	for _, want := range []string{path, path + ".lease.*"} {
		if found, _ := filepath.Glob(want); len(found) != 1 {
			t.Errorf("%s: %q", want, found)
		}
	}
	if found, _ := filepath.Glob(path + "-*"); len(found) != 0 {
		t.Errorf("there are %q", found)
	}
}
