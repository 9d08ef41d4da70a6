package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

type importCmd struct {
	Lamindb importLamindbCmd `cmd:"" help:"Take over artifacts, collections, labels, runs and transforms of a lamindb instance. It is only read."`
}

type importLamindbCmd struct {
	registryFlags
	Path string `arg:"" help:"The SQLite file of the instance: STORAGE/.lamindb/lamin.db."`
}

// Run imports a lamindb instance, all of it or nothing, and says what has no place here.
func (c *importLamindbCmd) Run(ctx context.Context, con *console) error {
	path, err := absolute(c.Path)
	if err != nil {
		return err
	}
	return c.withRegistry(ctx, con, func(s *session) error {
		out, err := callFor[map[string]any](s, "import_lamindb", map[string]any{"path": path})
		if err != nil {
			return err
		}
		if c.JSON {
			return con.printJSON(out)
		}
		added, _ := out["added"].(map[string]any)
		there, _ := out["there"].(map[string]any)
		t := newTable("RECORDS", ">NEW", ">THERE ALREADY")
		for _, k := range kinds {
			if added[k.model] != nil || there[k.model] != nil {
				t.add(k.plural, zero(added[k.model]), zero(there[k.model]))
			}
		}
		if err := t.print(con.out); err != nil {
			return err
		}
		left, _ := out["left_out"].(map[string]any)
		if len(left) > 0 {
			fmt.Fprintln(con.out, "\nleft out, as there is no place for it here:")
			t := newTable("WHAT", ">ROWS")
			for _, what := range slices.Sorted(maps.Keys(left)) {
				t.add(what, textOf(left[what]))
			}
			if err := t.print(con.out); err != nil {
				return err
			}
		}
		s.notes(out["notes"])
		return nil
	})
}

func zero(v any) string { return either(textOf(v), "0") }
