package main

import (
	"context"
	"errors"
	"path"
	"strings"
)

type addCmd struct {
	registryFlags
	Paths       []string `arg:"" name:"path" help:"Files, folders or URLs. They stay where they are."`
	Key         string   `short:"k" help:"Name like a path; with / at its end, the folder that the names of several go into. Default: the path below a registered storage, else below this folder, else the file's name." placeholder:"KEY"`
	Description string   `short:"d" help:"What it is." placeholder:"TEXT"`
	Kind        string   `help:"What it is for: dataset, model, or a word of your own." placeholder:"WORD"`
	Label       []string `short:"l" help:"A label, which is made where it is missing; once for each." placeholder:"NAME" sep:"none"`
	Version     string   `help:"Version, where it is a new one of its key." placeholder:"VERSION"`
}

// Run registers files, folders and URLs as artifacts.
func (c *addCmd) Run(ctx context.Context, con *console) error {
	if len(c.Paths) > 1 && c.Key != "" && !strings.HasSuffix(c.Key, "/") {
		return invalid("--key", "with / at its end it is a folder of names", "--key %s is the name of one artifact, and there are %d paths", c.Key, len(c.Paths))
	}
	return c.withRegistry(ctx, con, func(s *session) error {
		names, err := s.names()
		if err != nil {
			return err
		}
		saved := []any{}
		t := newTable("UID", "KEY", ">SIZE", "TYPE", ">OBS", "VERSION", "")
		var failed error
		for _, p := range c.Paths {
			out, err := c.add(s, names, p)
			if err != nil { // those before it are saved, and told of
				failed = err
				break
			}
			saved = append(saved, out)
			r, _ := out["record"].(record)
			state := "was there"
			if out["created"] == true {
				state = "new"
			}
			t.add(text(r, "uid"), title(r), sizeOf(r["size"]), either(text(r, "otype"), text(r, "suffix")), text(r, "n_observations"), versionOf(r), state)
			s.notes(out["notes"])
		}
		if c.JSON {
			return errors.Join(con.printJSON(saved), failed)
		}
		if len(saved) == 0 {
			return failed
		}
		return errors.Join(t.print(con.out), failed)
	})
}

func (c *addCmd) add(s *session, n *names, file string) (map[string]any, error) {
	args, err := c.fields(n, file)
	if err != nil {
		return nil, err
	}
	var labels []any
	for _, name := range c.Label {
		labels = append(labels, map[string]any{"name": name})
	}
	args["labels"] = labels
	out, err := callFor[map[string]any](s, "register", args)
	if err == nil {
		err = s.noteOlder(out, args["key"])
	}
	return out, err
}

// fields are those of an artifact that is to be registered.
func (c *addCmd) fields(n *names, file string) (map[string]any, error) {
	where, err := absolute(file)
	if err != nil {
		return nil, err
	}
	args := map[string]any{"path": where}
	for name, value := range map[string]string{"key": c.Key, "description": c.Description, "kind": c.Kind, "version": c.Version} {
		if value != "" {
			args[name] = value
		}
	}
	switch {
	case strings.HasSuffix(c.Key, "/"):
		args["key"] = c.Key + path.Base(textOf(where))
	case c.Key != "" || c.Description != "":
		return args, nil
	default:
		args["key"] = n.name(textOf(where))
	}
	args["same_path"] = true
	return args, nil
}
