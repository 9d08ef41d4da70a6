package main

import (
	"context"
	"fmt"
)

type versionsCmd struct {
	registryFlags
	Ref string `arg:"" name:"record" help:"An artifact, a collection or a transform: a uid, the beginning of one, a key or a name."`
}

// Run lists all versions of a record, the newest first.
func (c *versionsCmd) Run(ctx context.Context, con *console) error {
	return c.withRegistry(ctx, con, func(s *session) error {
		r, err := s.resolve(c.Ref, "artifact", "collection", "transform")
		if err != nil {
			return err
		}
		model := text(r, "model")
		found, err := s.records("query", map[string]any{"model": model, "of": []any{model, r["uid"], "versions"}, "all": true})
		if err != nil {
			return err
		}
		if c.JSON {
			return con.printJSON(found)
		}
		t := newTable("UID", "VERSION", "LATEST", ">SIZE", "CREATED", "DESCRIPTION")
		for _, v := range found {
			latest := ""
			if v["is_latest"] == true {
				latest = "yes"
			}
			t.add(text(v, "uid"), text(v, "version"), latest, sizeOf(v["size"]), moment(v["created_at"]), text(v, "description"))
		}
		fmt.Fprintf(con.out, "%s\n", oneLine(title(r)))
		return t.print(con.out)
	})
}
