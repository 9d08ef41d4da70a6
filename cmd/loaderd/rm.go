package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

type rmCmd struct {
	registryFlags
	Refs      []string `arg:"" name:"record" help:"Artifacts, collections and other records: a uid, the beginning of one, a key or a name."`
	Permanent bool     `help:"For good, not into the trash. Files that users own stay; those that the registry keeps go too."`
	KeepFile  bool     `help:"With --permanent: the registry's own file stays too."`
}

// Run puts records into the trash, or deletes them for good.
func (c *rmCmd) Run(ctx context.Context, con *console) error {
	return c.withRegistry(ctx, con, func(s *session) error {
		return each(con, c.JSON, c.Refs, func(ref string) (record, string, error) {
			r, err := s.resolve(ref)
			if err == nil && !c.Permanent {
				err = s.checkTrash(r)
			}
			if err != nil {
				return nil, "", err
			}
			now, err := s.call("delete", map[string]any{"model": r["model"], "uid": r["uid"], "permanent": c.Permanent, "storage": !c.KeepFile})
			if err != nil {
				return nil, "", err
			}
			if left, ok := now.(record); ok {
				return left, "in the trash", nil
			}
			return r, "deleted", nil
		})
	})
}

// checkTrash is the error that a record has no trash to go to. It says what has a label, since nothing holds that: it would go from all.
func (s *session) checkTrash(r record) error {
	k, err := kindOf(text(r, "model"))
	if err != nil || k.visible {
		return err
	}
	message := fmt.Sprintf("%s have no trash", k.plural)
	if k.model == "ulabel" {
		var uses []string
		for _, of := range []string{"artifact", "collection"} {
			n, err := s.call("query", map[string]any{"model": of, "where": lookup("ulabels", r["uid"]), "all": true, "what": "count"})
			if err != nil {
				return err
			}
			if n, _ := number(n); n > 0 {
				uses = append(uses, counted(int(n), of))
			}
		}
		if len(uses) > 0 {
			message += "; it is a label of " + strings.Join(uses, " and ")
		}
	}
	return invalid(text(r, "uid")+" "+title(r), "with --permanent it is deleted for good", "%s", message)
}

// each does something to one record after the other, and says what came of it. The first that fails ends it.
func each(con *console, asJSON bool, refs []string, do func(ref string) (record, string, error)) error {
	done := []record{}
	var failed error
	for _, ref := range refs {
		r, what, err := do(ref)
		if err != nil {
			failed = err
			break
		}
		done = append(done, r)
		if !asJSON {
			fmt.Fprintf(con.out, "%s %s %s: %s\n", text(r, "model"), text(r, "uid"), oneLine(title(r)), what)
		}
	}
	if asJSON {
		return errors.Join(con.printJSON(done), failed)
	}
	return failed
}
