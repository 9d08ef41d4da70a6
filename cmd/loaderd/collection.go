package main

import (
	"context"
	"fmt"
	"maps"
	"os"

	"github.com/loaderd/loaderd/ipc"
)

type collectionCmd struct {
	Create collectionCreateCmd `cmd:"" help:"Make a collection of artifacts, in the order given."`
	Append collectionAppendCmd `cmd:"" help:"Make a new version of a collection that has more artifacts."`
}

type collectionCreateCmd struct {
	registryFlags
	Name        string   `arg:"" help:"Its name."`
	Members     []string `arg:"" name:"artifact" help:"Artifacts: a uid, the beginning of one, a key, or a path; files that are not registered yet are."`
	Key         string   `short:"k" help:"A name like a path; a collection of a key that is there is a new version of it." placeholder:"KEY"`
	Description string   `short:"d" help:"What it is." placeholder:"TEXT"`
	Revises     string   `help:"The collection of which it is a new version." placeholder:"RECORD"`
	Version     string   `help:"Its version, where it is a new one." placeholder:"VERSION"`
}

// Run saves a collection and those of its members that are not yet, all of it or nothing.
func (c *collectionCreateCmd) Run(ctx context.Context, con *console) error {
	return c.withRegistry(ctx, con, func(s *session) error {
		members, err := s.members(c.Members)
		if err != nil {
			return err
		}
		r := record{"name": c.Name}
		for name, value := range map[string]string{"key": c.Key, "description": c.Description, "version": c.Version} {
			if value != "" {
				r[name] = value
			}
		}
		args := map[string]any{"model": "collection", "record": r, "members": members, "own": true}
		if c.Revises != "" {
			old, err := s.resolve(c.Revises, "collection")
			if err != nil {
				return err
			}
			args["revises"] = old["uid"]
		}
		return s.saveCollection("save", args)
	})
}

type collectionAppendCmd struct {
	registryFlags
	Collection string   `arg:"" help:"A collection: a uid, the beginning of one, or its name."`
	Members    []string `arg:"" name:"artifact" help:"Artifacts to add at its end: a uid, the beginning of one, a key, or a path."`
	Version    string   `help:"Version of the new collection." placeholder:"VERSION"`
}

// Run saves a new version of a collection: the members that it has, and the new ones after them.
func (c *collectionAppendCmd) Run(ctx context.Context, con *console) error {
	return c.withRegistry(ctx, con, func(s *session) error {
		old, err := s.resolve(c.Collection, "collection")
		if err != nil {
			return err
		}
		more, err := s.members(c.Members)
		if err != nil {
			return err
		}
		r := record{}
		if c.Version != "" {
			r["version"] = c.Version
		}
		return s.saveCollection("append", map[string]any{"model": "collection", "record": r, "members": more, "own": true, "revises": old["uid"]})
	})
}

// members are uids of artifacts, and records of files that are not registered yet.
func (s *session) members(refs []string) ([]any, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(refs))
	for _, ref := range refs {
		r, err := s.resolve(ref, "artifact")
		if err == nil {
			out = append(out, r["uid"])
			continue
		}
		path, _ := local(ref) // which was looked for
		if _, there := os.Stat(path); there != nil || !isCode(err, ipc.CodeNoRecord) {
			return nil, err
		}
		args, err := (&addCmd{}).fields(names, ref)
		if err != nil {
			return nil, err
		}
		args["save"] = false
		looked, err := callFor[map[string]any](s, "register", args)
		if err != nil {
			return nil, err
		}
		found, _ := looked["record"].(record)
		member := record{} // whole, also of one that is there: it may have to follow its file, or come out of the trash
		maps.Copy(member, found)
		delete(member, "model")
		member["same_path"] = args["same_path"]
		out = append(out, member)
	}
	return out, nil
}

func (s *session) saveCollection(call string, args map[string]any) error {
	out, err := callFor[map[string]any](s, call, args)
	if err != nil {
		return err
	}
	s.notes(out["notes"])
	of, _ := args["record"].(record)
	if err := s.noteOlder(out, of["key"]); err != nil {
		return err
	}
	if s.JSON {
		return s.con.printJSON(out)
	}
	r, _ := out["record"].(record)
	state := "was there already"
	if out["created"] == true {
		state = "saved"
	}
	if v := text(r, "version"); v != "" {
		state = "version " + v + " " + state
	}
	fmt.Fprintf(s.con.out, "collection %s %s: %s, %s\n", text(r, "uid"), oneLine(title(r)), state, counted(len(recordsOf(out["members"])), "artifact"))
	return nil
}
