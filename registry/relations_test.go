package registry

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func textsOf(records []Record, field string) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.Text(field)
	}
	return out
}

func related(t *testing.T, db *DB, of, m Model, uid, relation string) []Record {
	t.Helper()
	found, err := db.Records(context.Background(), Query{Model: m, Of: &Of{of, uid, relation}, All: true})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLabelsAreGivenAndTakenAway(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	a := must(t, db, Save{Model: ModelArtifact, Record: file("a"), Labels: []any{Record{"name": "x"}}}).Record
	x := must(t, db, Save{Model: ModelULabel, Record: Record{"name": "x"}})
	if x.Created {
		t.Error("the label was not made with the artifact")
	}
	got, err := db.Label(ctx, ModelArtifact, a.UID(), []any{x.Record.UID(), Record{"name": "w"}, map[string]any{"name": "y"}}, nil)
	if err != nil || !slices.Equal(textsOf(got, "name"), []string{"w", "x", "y"}) {
		t.Errorf("got %v, %v", got, err)
	}
	got, err = db.Label(ctx, ModelArtifact, a.UID(), nil, []any{x.Record.UID(), got[0].UID()})
	if err != nil || !slices.Equal(textsOf(got, "name"), []string{"y"}) {
		t.Errorf("got %v, %v", got, err)
	}
	c := must(t, db, Save{Model: ModelCollection, Members: []any{a.UID()}}).Record
	if _, err = db.Label(ctx, ModelCollection, c.UID(), []any{x.Record.UID()}, nil); err != nil {
		t.Error(err)
	}
	if got := related(t, db, ModelCollection, ModelULabel, c.UID(), "ulabels"); !slices.Equal(textsOf(got, "name"), []string{"x"}) {
		t.Errorf("of the collection: %v", got)
	}
	_, err = db.Label(ctx, ModelArtifact, a.UID(), []any{"nobody"}, nil)
	wantError(t, err, ErrNoRecord, "nobody")
	_, err = db.Label(ctx, ModelRun, "x", nil, nil)
	wantError(t, err, ErrInvalid, "only artifacts and collections")
	_, err = db.Label(ctx, ModelArtifact, a.UID(), []any{3}, nil)
	wantError(t, err, ErrInvalid, "int")
}

func TestFeaturesAreReadWithoutTheFile(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	slots := []Slot{
		{Name: "obs", Names: []string{"cell_type", "n"}, DTypes: []string{"cat", "int"}},
		{Name: "var", Names: []string{"B", "A", "B", "C"}, DTypes: []string{"num"}}, // names of variables may come twice
	}
	a := must(t, db, Save{Model: ModelArtifact, Record: file("a"), Slots: slots}).Record
	b := must(t, db, Save{Model: ModelArtifact, Record: file("b"), Slots: slots}).Record
	got, err := db.Features(ctx, ModelArtifact, a.UID())
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if !reflect.DeepEqual(got[0].Slot, slots[0]) || got[0].Set["dtype"] != nil || got[0].Set.Int("n") != 2 {
		t.Errorf("obs: %+v", got[0])
	}
	if !slices.Equal(got[1].Names, []string{"B", "A", "C"}) || got[1].Set.Text("dtype") != "num" || got[1].Set.Int("n") != 3 {
		t.Errorf("var: %+v", got[1])
	}
	if n, _ := db.Count(ctx, Query{Model: ModelFeatureSet}); n != 2 {
		t.Errorf("%d sets for two artifacts of equal features", n)
	}
	if n, _ := db.Count(ctx, Query{Model: ModelFeature}); n != 5 {
		t.Errorf("%d features", n)
	}
	c := must(t, db, Save{Model: ModelCollection, Members: []any{a.UID(), b.UID()}}).Record
	if of, err := db.Features(ctx, ModelCollection, c.UID()); err != nil || len(of) != 2 {
		t.Errorf("of a collection: %v, %v", of, err)
	}
	// What was saved without them gets them when it is saved once more.
	bare := must(t, db, Save{Model: ModelArtifact, Record: file("bare")}).Record
	must(t, db, Save{Model: ModelArtifact, Record: file("bare"), Slots: slots[:1]})
	if of, err := db.Features(ctx, ModelArtifact, bare.UID()); err != nil || len(of) != 1 {
		t.Errorf("of one that had none: %v, %v", of, err)
	}
	_, err = db.Save(ctx, Save{Model: ModelArtifact, Record: file("odd"), Slots: []Slot{{"obs", []string{"a", "b", "c"}, []string{"int", "cat"}}}})
	wantError(t, err, ErrInvalid, "2 dtypes for 3 features")
}

func TestARunKnowsWhatItReadAndMade(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	got, err := db.Track(ctx, Record{"key": "train.py", "hash": "h1", "type": "script"}, Record{"params": map[string]any{"seed": 1}})
	if err != nil {
		t.Fatal(err)
	}
	run := got.Run.UID()
	if got.Run.Text("status") != "started" || got.Run.Time("started_at").IsZero() || got.Run["finished_at"] != nil {
		t.Errorf("got %v", got.Run)
	}
	in := must(t, db, Save{Model: ModelArtifact, Record: file("in")}).Record
	out := must(t, db, Save{Model: ModelArtifact, Record: file("out", "run", run)}).Record
	if out.Text("transform") != got.Transform.UID() {
		t.Errorf("the transform of what it made: %v", out)
	}
	c := must(t, db, Save{Model: ModelCollection, Members: []any{in.UID()}}).Record
	items := []Input{{ModelArtifact, in.UID()}, {ModelCollection, c.UID()}, {ModelArtifact, out.UID()}}
	for range 2 {
		noted, err := db.AddInputs(ctx, run, items)
		if err != nil || !slices.Equal(noted, items[:2]) {
			t.Errorf("noted %v, %v", noted, err)
		}
	}
	if of := related(t, db, ModelArtifact, ModelRun, in.UID(), "input_of"); len(of) != 1 || of[0].UID() != run {
		t.Errorf("input of %v", of)
	}
	if of := related(t, db, ModelRun, ModelArtifact, run, "input_artifacts"); len(of) != 1 {
		t.Errorf("inputs %v", of)
	}
	// The run of another day makes the same again.
	next, err := db.Track(ctx, Record{"uid": got.Transform.UID()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	again := must(t, db, Save{Model: ModelArtifact, Record: file("out", "run", next.Run.UID())})
	if again.Created || again.Record.Text("run") != run {
		t.Errorf("made again: %v", again)
	}
	if before := related(t, db, ModelArtifact, ModelRun, out.UID(), "previous_runs"); len(before) != 1 || before[0].UID() != next.Run.UID() {
		t.Errorf("previous runs: %v", before)
	}
	if noted, err := db.AddInputs(ctx, next.Run.UID(), items[2:]); err != nil || len(noted) != 0 {
		t.Errorf("what it made again is its input: %v, %v", noted, err)
	}
	done, err := db.Finish(ctx, run, "finished")
	if err != nil || done.Text("status") != "finished" || done.Time("finished_at").Before(done.Time("started_at")) {
		t.Errorf("got %v, %v", done, err)
	}
	_, err = db.Finish(ctx, run, "done")
	wantError(t, err, ErrInvalid, `"finished"`)
	_, err = db.AddInputs(ctx, run, []Input{{ModelULabel, "x"}})
	wantError(t, err, ErrInvalid, "only artifacts and collections")
}

func TestMembersOfACollectionAreChanged(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	c := must(t, db, Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{file("b"), file("a")}})
	d := must(t, db, Save{Model: ModelArtifact, Record: file("d"), Slots: []Slot{{"obs", []string{"x"}, []string{"int"}}}}).Record
	b := c.Members[0]
	got, err := db.ChangeMembers(ctx, c.Record.UID(), []string{d.UID(), b.UID()}, []string{b.UID()})
	if err != nil || got.Text("hash") != HashSet([]string{"a", "b", "d"}) || got["order_hash"] == c.Record["order_hash"] {
		t.Errorf("got %v, %v", got, err)
	}
	members, err := db.Members(ctx, c.Record.UID())
	if err != nil || !slices.Equal(textsOf(members, "hash"), []string{"a", "d", "b"}) {
		t.Errorf("members %v, %v", textsOf(members, "hash"), err)
	}
	if of, _ := db.Features(ctx, ModelCollection, c.Record.UID()); len(of) != 1 {
		t.Errorf("features %v", of)
	}
	must(t, db, Save{Model: ModelCollection, Members: []any{d.UID(), b.UID()}})
	_, err = db.ChangeMembers(ctx, c.Record.UID(), nil, []string{members[0].UID()})
	wantError(t, err, ErrConflict, "these members")
	_, err = db.ChangeMembers(ctx, c.Record.UID(), nil, []string{members[0].UID(), members[1].UID(), members[2].UID()})
	wantError(t, err, ErrInvalid, "at least one")
}

func TestACollectionIsWhatItsMembersAreAndHowTheyAreOrdered(t *testing.T) {
	db := fresh(t)
	save := func(key string, members ...any) *Saved {
		return must(t, db, Save{Model: ModelCollection, Record: Record{"name": key, "key": key}, Members: members})
	}
	a := save("one", file("a"), file("b"))
	twice := save("one", file("a"), file("b"), file("a"))
	if twice.Created || len(twice.Notes) != 1 || !strings.Contains(twice.Notes[0], "more than once") {
		t.Errorf("a member twice: %v, %q", twice.Record, twice.Notes)
	}
	renamed := save("two", file("a"), file("b"))
	if renamed.Created || renamed.Record.Text("name") != "one" {
		t.Errorf("another name for the same: %v", renamed.Record)
	}
	turned := save("two", file("b"), file("a"))
	if !turned.Created || turned.Record["hash"] != a.Record["hash"] || turned.Record["stem_uid"] == a.Record["stem_uid"] {
		t.Errorf("in another order: %v", turned.Record)
	}
	next := save("one", file("a"), file("b"), file("c"))
	if next.Record["stem_uid"] != a.Record["stem_uid"] || next.Record.Text("version") != "2" {
		t.Errorf("another content under the key: %v", next.Record)
	}
	alone := must(t, db, Save{Model: ModelCollection, Record: Record{"name": "table", "artifact": file("table")}})
	if len(alone.Members) != 1 || alone.Record.Text("artifact") != alone.Members[0].UID() {
		t.Errorf("of one artifact: %v", alone)
	}
	ctx := context.Background()
	_, err := db.Save(ctx, Save{Model: ModelCollection, Record: Record{"name": "none"}})
	wantError(t, err, ErrInvalid, "at least one artifact")
	_, err = db.Save(ctx, Save{Model: ModelCollection, Record: Record{"name": "x"}, Members: []any{file("new"), Record{"hash": "no path"}}})
	wantError(t, err, ErrInvalid, "member 1", "path")
	if n, err := db.Count(ctx, Query{Model: ModelArtifact, Where: Lookup{"hash", "new"}}); n != 0 || err != nil {
		t.Errorf("of what failed %d members are there, %v", n, err)
	}
}

func TestTheSameContentUnderAnotherKeyStays(t *testing.T) {
	db := fresh(t)
	must(t, db, Save{Model: ModelArtifact, Record: file("a", "key", "one")})
	again := must(t, db, Save{Model: ModelArtifact, Record: file("a", "key", "two", "path", "/elsewhere")})
	if again.Created || again.Record.Text("key") != "one" || len(again.Notes) != 1 {
		t.Errorf("got %v", again)
	}
	larger := must(t, db, Save{Model: ModelArtifact, Record: file("a", "size", int64(77), "hash_type", HashEnds)})
	if !larger.Created {
		t.Error("a file of another length is the same")
	}
	for i := range 2 {
		empty := must(t, db, Save{Model: ModelArtifact, Record: file("none", "size", int64(0), "path", fmt.Sprint("/empty/", i))})
		if !empty.Created {
			t.Error("two empty files are the same")
		}
	}
}

func TestAnArtifactLiesInTheStorageWithTheLongestRoot(t *testing.T) {
	db := fresh(t)
	storage := func(root string) string {
		return must(t, db, Save{Model: ModelStorage, Record: Record{"root": root}}).Record.UID()
	}
	lab, sub := storage("/data/lab"), storage("/data/lab/2026/")
	for _, tc := range []struct {
		path, key string // key: of the artifact that was given none
		storage   string // "": one that is made
		root      string
	}{
		{"/data/lab/a.csv", "a.csv", lab, "/data/lab"},
		{"/data/lab/2026/x/a.csv", "x/a.csv", sub, "/data/lab/2026/"},
		{"/data/laboratory/a.csv", "", "", "/"},
		{"/data/lab/.loaderd/abc.csv", "", lab, "/data/lab"},
		{"/data/labor", "", "", "/"},
		{"s3://bucket/a/b.csv", "", "", "s3://bucket"},
	} {
		a := must(t, db, Save{Model: ModelArtifact, Record: Record{"path": tc.path, "hash": tc.path, "hash_type": "md5", "size": 1}}).Record
		s := get(t, db, ModelStorage, a.Text("storage"))
		if a.Text("key") != tc.key || s.Text("root") != tc.root || tc.storage != "" && s.UID() != tc.storage {
			t.Errorf("%s: key %q in %q", tc.path, a.Text("key"), s.Text("root"))
		}
	}
}

func TestAPathThatIsNotWholeIsRefused(t *testing.T) {
	db := fresh(t)
	a := must(t, db, Save{Model: ModelArtifact, Record: file("a")}).Record
	for _, path := range []any{"a.csv", "", "./a", nil} {
		_, err := db.Save(context.Background(), Save{Model: ModelArtifact, Record: file("b", "path", path)})
		wantError(t, err, ErrInvalid, "path")
		_, err = db.Update(context.Background(), ModelArtifact, a.UID(), Record{"path": path})
		wantError(t, err, ErrInvalid, "path")
	}
}

func TestTheTransformIsThatOfTheRun(t *testing.T) {
	ctx := context.Background()
	db := fresh(t)
	var runs []*Tracked
	for _, key := range []string{"a.py", "b.py"} {
		tracked, err := db.Track(ctx, Record{"key": key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, tracked)
	}
	a := must(t, db, Save{Model: ModelArtifact, Record: file("a", "run", runs[0].Run.UID())}).Record
	for _, want := range []*Tracked{runs[1], {Transform: Record{}, Run: Record{}}, runs[0]} {
		got, err := db.Update(ctx, ModelArtifact, a.UID(), Record{"run": want.Run["uid"]})
		if err != nil || got["run"] != want.Run["uid"] || got["transform"] != want.Transform["uid"] {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestADrySaveChangesNothing(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	a := must(t, db, Save{Model: ModelArtifact, Record: file("a", "key", "k")}).Record
	would := must(t, db, Save{Model: ModelArtifact, Record: file("b", "key", "k"), Dry: true})
	if !would.Created || would.Record["id"] != nil || would.Record.Text("version") != "2" || would.Record.Text("stem_uid") != a.Text("stem_uid") {
		t.Errorf("got %v", would.Record)
	}
	same := must(t, db, Save{Model: ModelArtifact, Record: file("a"), Dry: true})
	if same.Created || same.Record["id"] != a["id"] {
		t.Errorf("got %v", same.Record)
	}
	if n, err := db.Count(ctx, Query{Model: ModelArtifact, All: true}); n != 1 || err != nil {
		t.Errorf("%d artifacts, %v", n, err)
	}
	if got := get(t, db, ModelArtifact, a.UID()); got["version"] != nil {
		t.Errorf("the one before has the version %v", got["version"])
	}
}

func TestFieldsThatStayAreNotUpdated(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	a := must(t, db, Save{Model: ModelArtifact, Record: file("a")}).Record
	for field, says := range map[string]string{"uid": "stays", "hash": "stays", "is_latest": "stays", "created_by": "stays", "visibility": "0 (shown)", "suffix": "needs", "nam": "no field"} {
		v := map[string]any{"visibility": 7, "suffix": nil}[field]
		_, err := db.Update(ctx, ModelArtifact, a.UID(), Record{field: v})
		wantError(t, err, ErrInvalid, says)
	}
	_, err := db.Update(ctx, ModelArtifact, "nobody", Record{"key": "x"})
	wantError(t, err, ErrNoRecord, "nobody")
	got := update(t, db, ModelArtifact, a.UID(), Record{"key": "x", "description": "d", "path": "s3://b/x"})
	if got.Text("key") != "x" || !got.Time("updated_at").After(a.Time("updated_at")) || got["storage"] == a["storage"] {
		t.Errorf("got %v", got)
	}
	if got = update(t, db, ModelArtifact, a.UID(), Record{"description": nil}); got["description"] != nil {
		t.Errorf("got %v", got)
	}
	label := must(t, db, Save{Model: ModelULabel, Record: Record{"name": "a"}}).Record
	must(t, db, Save{Model: ModelULabel, Record: Record{"name": "b"}})
	_, err = db.Update(ctx, ModelULabel, label.UID(), Record{"name": "b"})
	wantError(t, err, ErrConflict)
}

func TestValuesAreOfTheTypeOfTheirField(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600))
	run := func(params any, started any) Record {
		tr, err := db.Track(ctx, Record{"key": "k", "hash": "h"}, Record{"params": params, "started_at": started})
		if err != nil {
			t.Fatal(err)
		}
		return get(t, db, ModelRun, tr.Run.UID())
	}
	got := run(map[string]any{"a": []any{1.5, "x", nil, true}}, at)
	if !reflect.DeepEqual(got["params"], map[string]any{"a": []any{1.5, "x", nil, true}}) || !got.Time("started_at").Equal(at.Truncate(time.Microsecond)) {
		t.Errorf("got %v", got)
	}
	if got := run("text", "2026-01-02T03:04:05+01:00"); got["params"] != "text" || got.Time("started_at").Hour() != 2 {
		t.Errorf("got %v", got)
	}
	for field, v := range map[string]any{"size": 1.5, "key": 3, "is_latest": 1, "created_at": "yesterday", "run": 3, "n_files": "3", "visibility": int64(9), "updated_at": "9999-12-31T23:59:59-14:00"} {
		_, err := db.Save(ctx, Save{Model: ModelArtifact, Record: file("x", field, v)})
		wantError(t, err, ErrInvalid, field)
	}
	for _, v := range []any{3, int64(3), uint64(3), 3.0, int32(3), uint8(3), uint(3)} {
		s := must(t, db, Save{Model: ModelArtifact, Record: file(fmt.Sprintf("%T", v), "n_files", v)})
		if s.Record["n_files"] != int64(3) {
			t.Errorf("%T: %v", v, s.Record["n_files"])
		}
	}
	_, err := db.Save(ctx, Save{Model: "artefact"})
	wantError(t, err, ErrInvalid, "did you mean `artifact`?", "collection")
	_, err = db.Save(ctx, Save{Model: ModelTransform, Record: Record{"type": "scrip"}})
	wantError(t, err, ErrInvalid, "script")
}
