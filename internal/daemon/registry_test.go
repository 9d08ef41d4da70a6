package daemon

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/registry"
)

// asker calls the registry of a server of its own.
func asker(t *testing.T) (call func(name string, args map[string]any) map[string]any, refused func(name string, args map[string]any) *ipc.Error) {
	t.Helper()
	h := serve(t, Options{DataDir: filepath.Join(t.TempDir(), "data")})
	c := h.dial(t)
	ask := func(name string, args map[string]any) (any, error) { return c.Registry(h.ctx, name, args, nil) }
	call = func(name string, args map[string]any) map[string]any {
		t.Helper()
		v, err := ask(name, args)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, ok := v.(map[string]any)
		if !ok {
			m = map[string]any{"": v}
		}
		return m
	}
	refused = func(name string, args map[string]any) *ipc.Error {
		t.Helper()
		v, err := ask(name, args)
		var e *ipc.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: got %v, %v and no error of the wire", name, v, err)
		}
		return e
	}
	return call, refused
}

func TestTheRegistryIsReachedWithoutAnOpenCollection(t *testing.T) {
	call, _ := asker(t)
	saved := call("save", map[string]any{"model": "ulabel", "record": map[string]any{"name": "treated"}})
	record := saved["record"].(map[string]any)
	if saved["created"] != true || record["model"] != "ulabel" || len(record["uid"].(string)) != 8 {
		t.Errorf("saved %v", saved)
	}
	if at := record["created_at"].(string); len(at) != 27 || !strings.HasSuffix(at, "Z") {
		t.Errorf("created at %q", at)
	}
	if got := call("get", map[string]any{"model": "ulabel", "uid": record["uid"]}); got["name"] != "treated" {
		t.Errorf("got %v", got)
	}
	found := call("query", map[string]any{"model": "ulabel", "where": []any{"lookup", "name", "treated"}})[""].([]any)
	if len(found) != 1 || found[0].(map[string]any)["uid"] != record["uid"] {
		t.Errorf("found %v", found)
	}
}

func TestARegistryThatIsNotWhereItIsExpectedIsNotUsed(t *testing.T) {
	call, refused := asker(t)
	own := filepath.Dir(call("databases", map[string]any{})[registry.DefaultName].(string))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(own, link); err != nil {
		t.Fatal(err)
	}
	path := write(t, filepath.Join(t.TempDir(), "a.txt"), "one")
	for _, dir := range []any{own, own + "/.", link, []byte(link), nil} {
		call("query", map[string]any{"model": "artifact", "what": "count", "data_dir": dir})
		call("register", map[string]any{"path": path, "data_dir": dir, "save": false})
	}
	there := t.TempDir()
	for _, dir := range []any{there, filepath.Join(there, "not yet"), "relative", 3} {
		for _, name := range []string{"query", "register", "save"} {
			e := refused(name, map[string]any{"model": "ulabel", "path": path, "record": map[string]any{"name": "x"}, "data_dir": dir})
			if text, _ := dir.(string); e.Code != ipc.CodeInvalidArgument || strings.HasPrefix(text, "/") && !(strings.Contains(e.Error(), text) && strings.Contains(e.Error(), own)) {
				t.Errorf("%v: got %v", dir, e)
			}
		}
	}
	if n := call("query", map[string]any{"model": "ulabel", "what": "count"})[""]; number(n) != 0 {
		t.Errorf("%v were saved", n)
	}
}

func TestQueriesGiveWhatTheyAreAskedFor(t *testing.T) {
	call, _ := asker(t)
	for _, name := range []string{"B cell", "killer cell", "tissue"} {
		call("save", map[string]any{"model": "ulabel", "record": map[string]any{"name": name}})
	}
	cells := []any{"and", []any{[]any{"lookup", "name__iendswith", "CELL"}, []any{"not", []any{"lookup", "name__in", []any{"B"}}}}}
	ask := func(more map[string]any) any {
		args := map[string]any{"model": "ulabel", "where": cells, "order_by": []any{"-name"}}
		for k, v := range more {
			args[k] = v
		}
		return call("query", args)[""]
	}
	for _, tt := range []struct {
		args map[string]any
		want string
	}{
		{map[string]any{"what": "count"}, "2"},
		{map[string]any{"what": "exists", "where": nil, "offset": 3}, "false"},
		{map[string]any{"what": "values", "fields": []any{"name", "created_by__handle", "type__name", "artifacts__uid"}, "limit": 1}, "[[killer cell " + account() + " <nil> []]]"},
		{map[string]any{"what": "values", "fields": []any{"is_type"}, "distinct": true}, "[[false]]"},
		{map[string]any{"what": "values", "fields": []any{"id"}, "where": []any{"lookup", "id__in", "3,1"}, "texts": true}, "[[3] [1]]"},
	} {
		if got := fmt.Sprint(ask(tt.args)); got != tt.want {
			t.Errorf("%v gives %s, want %s", tt.args, got, tt.want)
		}
	}
	uids := ask(map[string]any{"what": "uids"}).([]any)
	rows := ask(nil).([]any)
	found := call("search", map[string]any{"model": "ulabel", "text": "cell kill", "where": cells})[""].([]any)
	if len(uids) != 2 || len(rows) != 2 || len(found) != 1 || rows[0].(map[string]any)["uid"] != uids[0] || found[0].(map[string]any)["uid"] != uids[0] {
		t.Errorf("uids %v, rows %v, found %v", uids, rows, found)
	}
}

func TestTheLineageTravelsInThreeForms(t *testing.T) {
	call, refused := asker(t)
	tracked := call("track", map[string]any{"transform": map[string]any{"key": "qc.py"}, "run": nil})
	run := tracked["run"].(map[string]any)["uid"].(string)
	made := call("register", map[string]any{"path": "https://example.org/a.h5ad", "key": "a.h5ad", "run": run})["record"].(map[string]any)["uid"].(string)
	for format, want := range map[string]string{"": "└─ run " + run, "text": "artifact " + made, "svg": "<svg", "graph": "[[1 0 output]]"} {
		if got := fmt.Sprint(call("lineage", map[string]any{"uid": made, "format": format})); !strings.Contains(got, want) {
			t.Errorf("%q lacks %q: %s", format, want, got)
		}
	}
	if e := refused("lineage", map[string]any{"uid": "x", "format": "png"}); e.Code != ipc.CodeInvalidArgument {
		t.Errorf("a format that is none: %v", e)
	}
	if e := refused("lineage", map[string]any{"uid": "x"}); e.Code != ipc.CodeNoRecord {
		t.Errorf("a record that is none: %v", e)
	}
}

func TestALamindbInstanceIsImportedOverTheWire(t *testing.T) {
	call, refused := asker(t)
	packed, err := os.Open("../../registry/testdata/lamindb/lamindb.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "lamin.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	out := call("import_lamindb", map[string]any{"path": path})
	if got := fmt.Sprint(out["added"].(map[string]any)["artifact"], out["left_out"], out["there"], out["notes"]); got != "9 map[project:1 record:1] map[] []" {
		t.Errorf("imported %s", got)
	}
	if got := call("query", map[string]any{"model": "artifact", "what": "count"})[""]; fmt.Sprint(got) != "7" {
		t.Errorf("%v artifacts are shown", got)
	}
	if e := refused("import_lamindb", map[string]any{"path": path + "x"}); e.Code != ipc.CodeNoRecord {
		t.Errorf("a file that is not there: %v", e)
	}
}

func TestWhatTheRegistryRefusesHasACodeOfItsOwn(t *testing.T) {
	call, refused := asker(t)
	for _, tc := range []struct {
		name, call string
		args       map[string]any
		code       ipc.Code
		says       string
	}{
		{"a call that it has not", "sav", nil, ipc.CodeInvalidArgument, "save"},
		{"a model that it has not", "get", map[string]any{"model": "artefact", "uid": "x"}, ipc.CodeValidation, "did you mean `artifact`?"},
		{"a record that is not there", "get", map[string]any{"model": "run", "uid": "x"}, ipc.CodeNoRecord, "no run"},
		{"a field that the model has not", "save", map[string]any{"model": "ulabel", "record": map[string]any{"nam": 1}}, ipc.CodeValidation, "did you mean `name`?"},
		{"a value of another type", "save", map[string]any{"model": "ulabel", "record": map[string]any{"name": 1}}, ipc.CodeValidation, "no text"},
		{"a query of an unknown field", "query", map[string]any{"model": "ulabel", "where": []any{"lookup", "nam", 1}}, ipc.CodeUnknownField, "did you mean `name`?"},
		{"a query for something that it does not give", "query", map[string]any{"model": "ulabel", "what": "row"}, ipc.CodeInvalidArgument, "rows"},
		{"a relation that is none", "query", map[string]any{"model": "artifact", "of": []any{"collection", "x"}}, ipc.CodeInvalidArgument, "relation"},
		{"a search for nothing", "search", map[string]any{"model": "artifact", "text": " "}, ipc.CodeValidation, "word"},
		{"a tree that is none", "query", map[string]any{"model": "ulabel", "where": []any{"xor", 1}}, ipc.CodeValidation, "xor"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := refused(tc.call, tc.args)
			if e.Code != tc.code || !strings.Contains(e.Error(), tc.says) {
				t.Errorf("got %s: %v; want %s, %q", e.Code, e, tc.code, tc.says)
			}
		})
	}
	if call("save", map[string]any{"model": "ulabel", "record": map[string]any{"name": "a"}})["created"] != true {
		t.Error("it does not go on after an error")
	}
}

func TestABrokenDatabaseIsNamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "registry.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	h := serve(t, Options{DataDir: dir})
	_, err := h.dial(t).Registry(h.ctx, "get", map[string]any{"model": "run", "uid": "x"}, nil)
	var e *ipc.Error
	if !errors.As(err, &e) || e.Code != ipc.CodeRegistry || e.Object != path || e.Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestThePageHasARowForEveryCall(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(page), "\n## Registry\n")
	part, _, _ = strings.Cut(part, "\n## ")
	for name := range calls {
		if !strings.Contains(part, "\n| `"+name+"` | ") {
			t.Errorf("docs/protocol.md has no row for the call %s", name)
		}
	}
}
