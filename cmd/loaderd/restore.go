package main

import "context"

// trash is the visibility of what is in the trash.
const trash = 2

type restoreCmd struct {
	registryFlags
	Refs []string `arg:"" name:"record" help:"Artifacts and collections in the trash: a uid, the beginning of one, a key or a name."`
}

// Run takes records out of the trash.
func (c *restoreCmd) Run(ctx context.Context, con *console) error {
	return c.withRegistry(ctx, con, func(s *session) error {
		return each(con, c.JSON, c.Refs, func(ref string) (record, string, error) {
			r, err := s.resolveInTrash(ref, "artifact", "collection")
			if err != nil {
				return nil, "", err
			}
			if n, _ := number(r["visibility"]); n != trash {
				return r, "was not in the trash", nil
			}
			r, err = callFor[record](s, "restore", map[string]any{"model": r["model"], "uid": r["uid"]})
			return r, "restored", err
		})
	})
}
