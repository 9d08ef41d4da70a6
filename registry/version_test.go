package registry

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func update(t *testing.T, db *DB, m Model, uid string, set Record) Record {
	t.Helper()
	r, err := db.Update(context.Background(), m, uid, set)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func get(t *testing.T, db *DB, m Model, uid string) Record {
	t.Helper()
	r, err := db.Get(context.Background(), m, uid)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// chain saves artifacts, each a version after the one before.
func chain(t *testing.T, db *DB, versions ...any) []Record {
	t.Helper()
	var out []Record
	for i, v := range versions {
		s := Save{Model: ModelArtifact, Record: file(fmt.Sprintf("chain %d %v", i, db.Path()), "version", v)}
		if i > 0 {
			s.Revises = out[i-1].UID()
		}
		out = append(out, must(t, db, s).Record)
	}
	return out
}

func TestOneOfSeveralVersionsKeepsOne(t *testing.T) {
	db := shelf(t)
	alone := chain(t, db, "1.0")[0]
	if got := update(t, db, ModelArtifact, alone.UID(), Record{"version": nil}); got["version"] != nil {
		t.Errorf("alone: %v", got)
	}
	next := must(t, db, Save{Model: ModelArtifact, Record: file("after alone"), Revises: alone.UID()}).Record
	for _, none := range []any{nil, ""} {
		_, err := db.Update(context.Background(), ModelArtifact, next.UID(), Record{"version": none})
		wantError(t, err, ErrInvalid, "artifact.version", "one of several")
	}
	if got := update(t, db, ModelArtifact, next.UID(), Record{"version": "1.1"}); got["version"] != "1.1" {
		t.Errorf("got %v", got)
	}
}

func TestANewVersionHasTheNamesOfTheOneBefore(t *testing.T) {
	db := shelf(t)
	first := must(t, db, Save{Model: ModelArtifact, Record: file("names 1", "key", "k", "description", "d")}).Record
	for _, tc := range []struct {
		name   string
		save   Save
		key, d string
	}{
		{"none of its own", Save{Record: file("names 2"), Revises: first.UID()}, "k", "d"},
		{"the same key", Save{Record: file("names 3", "key", "k")}, "k", "d"},
		{"a description of its own", Save{Record: file("names 4", "description", "e"), Revises: first.UID()}, "k", "e"},
		{"that of the newest", Save{Record: file("names 5"), Revises: first.UID()}, "k", "e"},
	} {
		tc.save.Model = ModelArtifact
		if got := must(t, db, tc.save).Record; got["key"] != tc.key || got["description"] != tc.d || got["stem_uid"] != first["stem_uid"] {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestVersionsComeWithASuccessor(t *testing.T) {
	for _, tc := range []struct {
		name  string
		given []any
		want  []any
	}{
		{"a record alone has none", []any{nil}, []any{nil}},
		{"two", []any{nil, nil}, []any{"1", "2"}},
		{"four", []any{nil, nil, nil, nil}, []any{"1", "2", "3", "4"}},
		{"a first one that is given", []any{"5", nil}, []any{"5", "6"}},
		{"a second one that is given", []any{nil, "2.0"}, []any{"1", "2.0"}},
		{"semantic ones", []any{"1.0.0", "1.1.0", "2.0.0"}, []any{"1.0.0", "1.1.0", "2.0.0"}},
		{"the next major", []any{"1.2.0", nil, nil}, []any{"1.2.0", "2.0.0", "3.0.0"}},
		{"the next major of two parts", []any{"0.9", nil}, []any{"0.9", "1.0"}},
		{"a major that is taken is passed over", []any{"1.2.0", "2.0.0", "1.3.0", nil}, []any{"1.2.0", "2.0.0", "1.3.0", "3.0.0"}},
		{"numbers after a word", []any{"1.0.0", "7", nil}, []any{"1.0.0", "7", "8"}},
		{"a number that is taken is passed over", []any{"3", "2", nil}, []any{"3", "2", "4"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db := fresh(t)
			made := chain(t, db, tc.given...)
			for i, r := range made {
				got := get(t, db, ModelArtifact, r.UID())
				if got["version"] != tc.want[i] || got["stem_uid"] != made[0]["stem_uid"] || got.Bool("is_latest") != (i == len(made)-1) {
					t.Errorf("record %d: %v", i, got)
				}
				if suffix := got.UID()[16:]; suffix != fmt.Sprintf("%04d", i) {
					t.Errorf("record %d has the suffix %s", i, suffix)
				}
			}
		})
	}
}

func TestANewVersionByKeyOfADottedOneIsTheNextMajor(t *testing.T) {
	db := fresh(t)
	for _, tt := range []struct {
		name string
		save func(content string) Save
	}{
		{"an artifact", func(content string) Save { return Save{Model: ModelArtifact, Record: file(content, "key", "k")} }},
		{"a collection", func(content string) Save {
			return Save{Model: ModelCollection, Record: Record{"key": "k"}, Members: []any{file("m"+content, "key", "m"+content)}}
		}},
		{"a transform", func(content string) Save {
			return Save{Model: ModelTransform, Record: Record{"key": "k", "hash": content}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := tt.save("one")
			first.Record["version"] = "1.2.0"
			a, b := must(t, db, first).Record, must(t, db, tt.save("two")).Record
			if b["version"] != "2.0.0" || b["stem_uid"] != a["stem_uid"] {
				t.Errorf("after %v comes %v", a, b)
			}
		})
	}
}

func TestVersionsThatContradictAreRefused(t *testing.T) {
	db := fresh(t)
	made := chain(t, db, "1.0.0", "1.1-rc")
	ctx := context.Background()
	_, err := db.Save(ctx, Save{Model: ModelArtifact, Record: file("x", "version", "1.0.0"), Revises: made[1].UID()})
	wantError(t, err, ErrConflict, `"1.0.0"`, `"1.1-rc"`)
	_, err = db.Save(ctx, Save{Model: ModelArtifact, Record: file("x"), Revises: made[1].UID()})
	wantError(t, err, ErrInvalid, `"1.1-rc"`, "give the version")
	for _, last := range []string{"9223372036854775807", "1.", "-1", "+1", ""} {
		if next, ok := nextVersion(last); ok {
			t.Errorf("after %q comes %q", last, next)
		}
	}
	_, err = db.Update(ctx, ModelArtifact, made[1].UID(), Record{"version": "1.0.0"})
	wantError(t, err, ErrConflict, made[0].UID())
	_, err = db.Save(ctx, Save{Model: ModelArtifact, Record: file("x"), Revises: "abcdefghijklmnop0000"})
	wantError(t, err, ErrNoRecord, "abcdefghijklmnop0000")
	_, err = db.Save(ctx, Save{Model: ModelArtifact, Record: file("x", "uid", "abc")})
	wantError(t, err, ErrInvalid, "3 characters", "has 20")
	_, err = db.Save(ctx, Save{Model: ModelArtifact, Record: file("x", "uid", "abcdefghijklmnop000-")})
	wantError(t, err, ErrInvalid, "ASCII letter")
	_, err = db.Save(ctx, Save{Model: ModelArtifact, Record: file("x", "uid", made[0].UID())})
	wantError(t, err, ErrConflict, made[0].UID())
	if n, err := db.Count(ctx, Query{Model: ModelArtifact, All: true}); n != 2 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	if got := update(t, db, ModelArtifact, made[1].UID(), Record{"version": "1.2.0"}); got.Text("version") != "1.2.0" {
		t.Errorf("got %v", got)
	}
}

func TestAnOldVersionIsFollowedByWayOfTheNewest(t *testing.T) {
	db := fresh(t)
	made := chain(t, db, nil, nil, nil)
	got := must(t, db, Save{Model: ModelArtifact, Record: file("x"), Revises: made[0].UID()})
	if got.Record.Text("version") != "4" || got.Revised.UID() != made[2].UID() || len(got.Notes) != 1 {
		t.Errorf("got %v", got)
	}
}

// What two clients find out before they save may be the same; the second gets the next.
func TestAUIDThatWasTakenMeanwhileIsGivenAnew(t *testing.T) {
	db := fresh(t)
	first := chain(t, db, nil)[0]
	next := first.Text("stem_uid") + "0001"
	a := must(t, db, Save{Model: ModelArtifact, Record: file("a", "uid", next), Revises: first.UID()})
	b := must(t, db, Save{Model: ModelArtifact, Record: file("b", "uid", next), Revises: first.UID()})
	if a.Record.UID() != next || b.Record.UID() != first.Text("stem_uid")+"0002" || b.Record.Text("version") != "3" || len(b.Notes) != 2 {
		t.Errorf("got %v, %v", a, b)
	}
}

func TestSuffixesCountInBase62(t *testing.T) {
	for _, tc := range []struct{ from, want string }{
		{"0000", "0001"}, {"0009", "000A"}, {"000Z", "000a"}, {"000z", "0010"}, {"0zzz", "1000"}, {"zzzz", ""},
	} {
		if got, err := nextSuffix(tc.from); got != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("after %s: %q, %v", tc.from, got, err)
		}
	}
	// Texts of suffixes sort as their numbers do, which is how the newest of a family is found.
	if !slices.IsSorted([]byte(alphabet)) {
		t.Error("the alphabet is not sorted")
	}
}

func TestUIDsAreOfTheirLengthAndEvenlyDrawn(t *testing.T) {
	counts := map[rune]int{}
	for range 20_000 {
		for _, c := range NewUID(ModelUser) {
			counts[c]++
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d characters", len(counts))
	}
	for c, n := range counts { // 2581 each, with a standard deviation of 50
		if n < 2250 || n > 2900 {
			t.Errorf("%c comes %d times", c, n)
		}
	}
	for _, table := range Schema {
		if uid := NewUID(table.Model); len(uid) != table.UID || table.checkUID("save", uid) != nil {
			t.Errorf("%s: %q", table.Model, uid)
		}
	}
}

// Whatever is done to the records of a family, one of them is the latest: the newest that is shown, else hidden, else in the trash.
func TestOneOfAFamilyIsAlwaysTheLatest(t *testing.T) {
	db := fresh(t)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(5, 6))
	model, hidden := map[string]int64{}, map[string]bool{} // visibility by uid; which were hidden before they went into the trash
	see := func(uid string, visibility int64) {
		if was := model[uid]; was != Trash || visibility != Trash {
			hidden[uid] = was == Hidden && visibility == Trash
		}
		model[uid] = visibility
	}
	first := chain(t, db, nil)[0]
	model[first.UID()] = Visible
	for step := range 150 {
		uids := sortedKeys(model)
		uid := uids[r.IntN(len(uids))]
		var err error
		switch r.IntN(5) {
		case 0:
			saved := must(t, db, Save{Model: ModelArtifact, Record: file(strconv.Itoa(step), "visibility", int64(r.IntN(2))), Revises: uid})
			model[saved.Record.UID()] = saved.Record.Int("visibility")
		case 1:
			see(uid, Trash)
			_, err = db.Delete(ctx, ModelArtifact, uid, false)
		case 2:
			if model[uid] == Trash {
				see(uid, map[bool]int64{true: Hidden, false: Visible}[hidden[uid]])
			}
			_, err = db.Restore(ctx, ModelArtifact, uid)
		case 3:
			see(uid, int64(r.IntN(3)))
			_, err = db.Update(ctx, ModelArtifact, uid, Record{"visibility": model[uid]})
		case 4:
			if len(model) > 1 {
				delete(model, uid)
				_, err = db.Delete(ctx, ModelArtifact, uid, true)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		want := sortedKeys(model)
		slices.SortStableFunc(want, func(a, b string) int {
			if model[a] != model[b] {
				return int(model[a] - model[b])
			}
			return -compareTexts(a, b)
		})
		latest, err := db.UIDs(ctx, Query{Model: ModelArtifact, Where: Lookup{"is_latest", true}, All: true})
		if err != nil || len(latest) != 1 || latest[0] != want[0] {
			t.Fatalf("step %d: latest are %q, %v; want %s of %v", step, latest, err, want[0], model)
		}
	}
}

func sortedKeys(m map[string]int64) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func compareTexts(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func TestTwoLatestAreMoreThanTheDatabaseTakes(t *testing.T) {
	db := fresh(t)
	made := chain(t, db, nil, nil)
	_, err := db.pools.write.Exec("UPDATE artifact SET is_latest = 1 WHERE uid = ?", made[0].UID())
	if _, extended, _ := sqlCode(err); extended != sqliteUnique {
		t.Errorf("got %v", err)
	}
}

func TestATransformWhoseTextChangedIsANewVersion(t *testing.T) {
	db := fresh(t)
	text := func(hash string) *Saved {
		return must(t, db, Save{Model: ModelTransform, Record: Record{"key": "a.py", "hash": hash}})
	}
	a, b, again, other := text("h1"), text("h2"), text("h1"), must(t, db, Save{Model: ModelTransform, Record: Record{"key": "b.py", "hash": "h1"}})
	if b.Record["stem_uid"] != a.Record["stem_uid"] || b.Record.Text("version") != "2" || again.Record.UID() != a.Record.UID() || again.Created {
		t.Errorf("got %v, %v, %v", a, b, again)
	}
	if other.Record["stem_uid"] == a.Record["stem_uid"] {
		t.Error("another key is a version of the first")
	}
}

func TestASuccessorThatIsThereAlreadyIsToldOf(t *testing.T) {
	for _, tc := range []struct {
		name  string
		model Model
		make  func(content string) Save
	}{
		{"an artifact", ModelArtifact, func(content string) Save { return Save{Model: ModelArtifact, Record: file(content, "key", content)} }},
		{"a collection", ModelCollection, func(content string) Save {
			return Save{Model: ModelCollection, Record: Record{"name": content}, Members: []any{file(content, "key", content)}}
		}},
		{"a transform", ModelTransform, func(content string) Save {
			return Save{Model: ModelTransform, Record: Record{"key": content, "hash": content}}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db := fresh(t)
			old, other := must(t, db, tc.make("one")).Record, must(t, db, tc.make("two")).Record
			for _, there := range []Record{old, other} {
				s := tc.make(map[bool]string{true: "one", false: "two"}[there.UID() == old.UID()])
				s.Revises, s.Record["version"] = old.UID(), "2"
				for _, dry := range []bool{true, false} {
					s.Dry = dry
					out := must(t, db, s)
					notes := fmt.Sprint(out.Notes)
					if out.Created || out.Revised != nil || out.Record.UID() != there.UID() || len(out.Notes) != 1 || !strings.Contains(notes, there.UID()) || !strings.Contains(notes, "no new version of "+old.UID()) {
						t.Errorf("got %v", out)
					}
					if v := out.Record["version"]; v != nil || get(t, db, tc.model, old.UID())["version"] != nil {
						t.Errorf("version %v", v)
					}
				}
			}
			s := tc.make("three")
			s.Revises = old.UID()
			if made, again := must(t, db, s), must(t, db, s); !made.Created || again.Created || len(again.Notes) > 0 {
				t.Errorf("saved %v, then %v", made, again)
			}
			s = tc.make("one")
			s.Revises = NewUID(tc.model)
			_, err := db.Save(context.Background(), s)
			wantError(t, err, ErrNoRecord, s.Revises)
		})
	}
}

func TestAKeyOfAnotherFamilyIsRefused(t *testing.T) {
	for _, model := range []Model{ModelArtifact, ModelCollection, ModelTransform} {
		t.Run(string(model), func(t *testing.T) {
			db := fresh(t)
			save := func(key, revises, content string) (*Saved, error) {
				s := Save{Model: model, Revises: revises, Record: Record{"key": key}}
				switch model {
				case ModelArtifact:
					s.Record = file(content, "key", key)
				case ModelCollection:
					s.Members = []any{file(content, "key", content)}
				default:
					s.Record["hash"] = content
				}
				return db.Save(context.Background(), s)
			}
			made := func(out *Saved, err error) Record {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				return out.Record
			}
			a1, b := made(save("a", "", "a1")), made(save("b", "", "b"))
			a2 := made(save("a", a1.UID(), "a2"))
			for _, uid := range []string{a1.UID(), a2.UID()} {
				_, err := db.Update(context.Background(), model, uid, Record{"key": "b"})
				wantError(t, err, ErrConflict, `"b"`, b.UID(), "revises")
			}
			_, err := save("b", a2.UID(), "a3")
			wantError(t, err, ErrConflict, `"b"`, b.UID())
			if n, err := db.Count(context.Background(), Query{Model: model, Where: And{Lookup{"key", "b"}, Lookup{"is_latest", true}}}); err != nil || n != 1 {
				t.Errorf("%d latest of one key, %v", n, err)
			}
			// A key that is given up is free, as is one that stays.
			update(t, db, model, b.UID(), Record{"key": "c"})
			update(t, db, model, a2.UID(), Record{"key": "b"})
			update(t, db, model, a2.UID(), Record{"key": "b", "description": "same"})
		})
	}
}

func TestAUIDIsNeverUsedTwice(t *testing.T) {
	for _, model := range []Model{ModelArtifact, ModelCollection, ModelTransform} {
		t.Run(string(model), func(t *testing.T) {
			db := fresh(t)
			n := 0
			save := func(revises string, given ...any) *Saved {
				t.Helper()
				n++
				content := fmt.Sprint(model, n)
				s := Save{Model: model, Revises: revises, Record: Record{}}
				switch model {
				case ModelArtifact:
					s.Record = file(content, "description", content)
				case ModelCollection:
					s.Members = []any{file(content, "description", content)}
				default:
					s.Record["hash"] = content
				}
				if len(given) > 0 {
					s.Record["uid"] = given[0]
				}
				return must(t, db, s)
			}
			gone := func(r Record) {
				t.Helper()
				if _, err := db.Delete(context.Background(), model, r.UID(), true); err != nil {
					t.Fatal(err)
				}
			}
			first := save("").Record
			stem := first.Text("stem_uid")
			second := save(first.UID()).Record
			third := save(first.UID()).Record
			gone(third)
			gone(second) // of which the third is the higher one still
			db.Close()
			db = reopen(t, db.Path())
			next := save(first.UID()).Record
			if next.UID() != stem+"0003" {
				t.Errorf("the uid after %s is %s", third.UID(), next.UID())
			}
			gone(next)
			gone(first)
			for _, used := range []Record{first, third, next} {
				again := save("", used.UID())
				if uid := again.Record.UID(); uid[:len(stem)] == stem || len(again.Notes) != 1 || !strings.Contains(again.Notes[0], used.UID()) || !strings.Contains(again.Notes[0], uid) {
					t.Errorf("what was %s is saved as %s, with the notes %q", used.UID(), uid, again.Notes)
				}
			}
			if later := save("", stem+"0004"); later.Record.UID() != stem+"0004" || len(later.Notes) > 0 {
				t.Errorf("a uid that was never used: %v", later)
			}
		})
	}
}
