package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/loaderd/loaderd/registry"
)

// open makes a registry in a folder that the example throws away.
func open() (*registry.DB, func()) {
	dir, err := os.MkdirTemp("", "registry")
	if err != nil {
		panic(err)
	}
	db, err := registry.Open(context.Background(), registry.Options{Path: filepath.Join(dir, registry.FileName), User: "ada"})
	if err != nil {
		panic(err)
	}
	return db, func() {
		db.Close()
		os.RemoveAll(dir)
	}
}

// artifact is the record of a file of this content.
func artifact(name, content string) registry.Record {
	hash, kind, err := registry.HashFile(context.Background(), bytes.NewReader([]byte(content)), int64(len(content)))
	if err != nil {
		panic(err)
	}
	return registry.Record{"key": name, "path": "/data/" + name, "hash": hash, "hash_type": kind, "size": len(content)}
}

func ExampleDB_Save() {
	db, done := open()
	defer done()
	ctx := context.Background()
	first, err := db.Save(ctx, registry.Save{Model: registry.ModelArtifact, Record: artifact("cells.csv", "a,b\n1,2\n")})
	if err != nil {
		fmt.Println(err)
		return
	}
	again, _ := db.Save(ctx, registry.Save{Model: registry.ModelArtifact, Record: artifact("cells.csv", "a,b\n1,2\n")})
	other, _ := db.Save(ctx, registry.Save{Model: registry.ModelArtifact, Record: artifact("cells.csv", "a,b\n3,4\n")})
	fmt.Println("the same record:", first.Record.UID() == again.Record.UID())
	fmt.Println("versions:", other.Revised["version"], other.Record["version"])
	fmt.Println("one family:", first.Record["stem_uid"] == other.Record["stem_uid"])
	// Output:
	// the same record: true
	// versions: 1 2
	// one family: true
}

func ExampleDB_Save_collection() {
	db, done := open()
	defer done()
	ctx := context.Background()
	saved, err := db.Save(ctx, registry.Save{
		Model:   registry.ModelCollection,
		Record:  registry.Record{"name": "two files"},
		Members: []any{artifact("b.csv", "2"), artifact("a.csv", "1")}, // saved with it, or not at all
		Labels:  []any{registry.Record{"name": "pilot"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	members, _ := db.Members(ctx, saved.Record.UID())
	for _, m := range members {
		fmt.Println(m["key"])
	}
	_, err = db.Delete(ctx, registry.ModelArtifact, members[0].UID(), true)
	fmt.Println(errors.Is(err, registry.ErrProtected))
	// Output:
	// b.csv
	// a.csv
	// true
}

func ExampleDB_Track() {
	db, done := open()
	defer done()
	ctx := context.Background()
	in, _ := db.Save(ctx, registry.Save{Model: registry.ModelArtifact, Record: artifact("in.csv", "1")})
	tracked, err := db.Track(ctx, registry.Record{"key": "train.py", "type": "script", "hash": "…"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	run := tracked.Run.UID()
	db.AddInputs(ctx, run, []registry.Input{{Model: registry.ModelArtifact, UID: in.Record.UID()}})
	out := artifact("out.csv", "2")
	out["run"] = run
	db.Save(ctx, registry.Save{Model: registry.ModelArtifact, Record: out})
	db.Finish(ctx, run, "finished")
	made, _ := db.Records(ctx, registry.Query{Model: registry.ModelArtifact, Where: registry.Lookup{Path: "run__transform__key", Value: "train.py"}})
	fmt.Println(made[0]["key"])
	// Output:
	// out.csv
}

func ExampleDB_Values() {
	db, done := open()
	defer done()
	ctx := context.Background()
	for name, labels := range map[string][]any{
		"a.csv": {registry.Record{"name": "lung"}, registry.Record{"name": "human"}},
		"b.csv": {registry.Record{"name": "lung"}},
		"c.csv": {registry.Record{"name": "blood"}},
	} {
		if _, err := db.Save(ctx, registry.Save{Model: registry.ModelArtifact, Record: artifact(name, name), Labels: labels}); err != nil {
			fmt.Println(err)
			return
		}
	}
	rows, err := db.Values(ctx, registry.Query{
		Model: registry.ModelArtifact,
		Where: registry.And{
			registry.Lookup{Path: "key__endswith", Value: ".csv"},
			registry.Not{Where: registry.Lookup{Path: "ulabels__name__in", Value: []any{"blood", "liver"}}},
		},
		OrderBy: []string{"-key"},
	}, []string{"key", "ulabels__name"})
	for _, row := range rows {
		fmt.Println(row...)
	}
	_, err = db.Count(ctx, registry.Query{Model: registry.ModelArtifact, Where: registry.Lookup{Path: "ulabel__name", Value: "lung"}})
	var refused *registry.Error
	fmt.Println(errors.As(err, &refused), refused.Hint)
	// Output:
	// b.csv [lung]
	// a.csv [lung human]
	// true did you mean `ulabels`?
}

func ExampleDB_Artifacts() {
	db, done := open()
	defer done()
	ctx := context.Background()
	saved, err := db.Save(ctx, registry.Save{Model: registry.ModelCollection, Record: registry.Record{"name": "two files"},
		Members: []any{artifact("b.csv", "22"), artifact("a.csv", "1")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	collection := saved.Record.Collection()
	members, err := db.Artifacts(ctx, registry.Query{
		Of:  &registry.Of{Model: registry.ModelCollection, UID: collection.UID, Relation: "artifacts"},
		All: true, // those in the trash too
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(collection.Name)
	for _, a := range members {
		fmt.Println(a.Key, *a.Size, a.HashType)
	}
	// Output:
	// two files
	// b.csv 2 md5
	// a.csv 1 md5
}
