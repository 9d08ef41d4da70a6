package main

import (
	"context"
	"fmt"
)

type cacheCmd struct {
	registryFlags
	Refs []string `arg:"" name:"record" help:"Artifacts and collections: a uid, the beginning of one, a key or a name."`
}

// Run prints where artifacts, and the members of collections, can be read, one path a line, once those on slow file systems are copied.
func (c *cacheCmd) Run(ctx context.Context, con *console) error {
	return c.withRegistry(ctx, con, func(s *session) error {
		of := []any{}
		for _, ref := range c.Refs {
			uids, err := s.artifactsOf(ref)
			if err != nil {
				return err
			}
			of = append(of, uids...)
		}
		answer, err := callFor[map[string]any](s, "cache", map[string]any{"of": of})
		if err != nil {
			return err
		}
		s.notes(answer["notes"])
		if c.JSON {
			return con.printJSON(answer["paths"])
		}
		paths, _ := answer["paths"].([]any)
		for _, p := range paths {
			if _, err := fmt.Fprintf(con.out, "%s\n", p); err != nil { // as it is: for programs
				return err
			}
		}
		return nil
	})
}

// artifactsOf are the uids of an artifact, or of the members of a collection.
func (s *session) artifactsOf(ref string) ([]any, error) {
	r, err := s.resolve(ref, "artifact", "collection")
	if err != nil || r["model"] == "artifact" {
		return []any{r["uid"]}, err
	}
	members, err := s.records("members", map[string]any{"uid": r["uid"]})
	var out []any
	for _, m := range members {
		out = append(out, m["uid"])
	}
	return out, err
}
