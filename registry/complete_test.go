package registry

import (
	"context"
	"reflect"
	"strings"
	"testing"
)

func TestWhatIsThereGetsWhatItLacksAndKeepsWhatItHas(t *testing.T) {
	for _, tt := range []struct {
		name        string
		there       Save
		given       Record
		want        Record
		says        []string
		sameContent string
	}{
		{"an artifact without names", Save{Record: file("a", "description", "d")},
			Record{"key": "k", "description": "d", "kind": "model", "version": "1.0"},
			Record{"key": "k", "description": "d", "kind": "model", "version": "1.0"}, nil, "a"},
		{"an artifact with other ones", Save{Record: file("b", "key", "b", "description", "d", "kind", "model", "version", "1")},
			Record{"key": "c", "description": "e", "kind": "dataset", "version": "2", "visibility": Hidden},
			Record{"key": "b", "description": "d", "kind": "model", "version": "1", "visibility": Visible},
			[]string{`the key "b"; it stays`, `the description "d", which stays; not "e"`, `kind "model"`, `version "1"`, "visibility 0"}, "b"},
		{"an artifact whose key would be that of another", Save{Record: file("c", "description", "c")},
			Record{"key": "taken"}, Record{"key": nil}, []string{`without a key, and stays so`}, "c"},
		{"an artifact of which nothing is said", Save{Record: file("d", "key", "d", "description", "d")}, Record{}, Record{"key": "d", "description": "d"}, nil, "d"},
		{"a collection without names", Save{Model: ModelCollection, Members: []any{file("e", "key", "e")}},
			Record{"name": "n", "key": "n/k", "description": "d", "reference": "r", "reference_type": "url", "version": "3"},
			Record{"name": "n", "key": "n/k", "description": "d", "reference": "r", "reference_type": "url", "version": "3"}, nil, "e"},
		{"a collection with other ones", Save{Model: ModelCollection, Record: Record{"name": "n", "reference": "r"}, Members: []any{file("f", "key", "f")}},
			Record{"name": "m", "reference": "s", "description": "d"}, Record{"name": "n", "reference": "r", "description": "d"},
			[]string{`name "n", which stays; not "m"`, `reference "r"`}, "f"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := fresh(t)
			must(t, db, Save{Model: ModelArtifact, Record: file("taken", "key", "taken")})
			s := tt.there
			if s.Model == "" {
				s.Model = ModelArtifact
			}
			there := must(t, db, s).Record
			s.Record = Record{}
			if s.Model == ModelArtifact {
				s.Record = file(tt.sameContent)
			}
			for name, v := range tt.given {
				s.Record[name] = v
			}
			for _, dry := range []bool{true, false} {
				s.Dry = dry
				out := must(t, db, s)
				if out.Created || out.Record.UID() != there.UID() || len(out.Notes) != len(tt.says) {
					t.Errorf("dry %v: got %v", dry, out)
				}
				for _, want := range tt.says {
					if !strings.Contains(strings.Join(out.Notes, "\n"), want) {
						t.Errorf("dry %v: the notes %q do not say %q", dry, out.Notes, want)
					}
				}
				if dry && !reflect.DeepEqual(out.Record, there) {
					t.Errorf("a dry save gives %v of %v", out.Record, there)
				}
				for name, want := range tt.want {
					if !dry && out.Record[name] != want {
						t.Errorf("%s is %v, want %v", name, out.Record[name], want)
					}
				}
			}
		})
	}
}

func TestMetadataAreAttachedToACollectionThatIsThere(t *testing.T) {
	db := fresh(t)
	s := Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: []any{file("a", "key", "a")}}
	first := must(t, db, s)
	s.Record = Record{"meta_artifact": file("meta", "key", "meta")}
	again := must(t, db, s)
	meta, err := db.Get(context.Background(), ModelArtifact, again.Record.Text("meta_artifact"))
	if err != nil || again.Record.UID() != first.Record.UID() || meta["key"] != "meta" {
		t.Errorf("got %v, with %v, %v", again, meta, err)
	}
}
