package main

import (
	"context"
	"io"
	"os"
)

type lineageCmd struct {
	registryFlags
	Ref  string `arg:"" name:"record" help:"An artifact, a collection, a run or a transform: a uid, the beginning of one, a key or a name."`
	SVG  string `help:"Draw it into this file; - is standard output." placeholder:"FILE"`
	Most int    `help:"Records to show at most, the nearest ones." default:"200"`
}

// Run shows where a record came from and what became of it.
func (c *lineageCmd) Run(ctx context.Context, con *console) error {
	return c.withRegistry(ctx, con, func(s *session) error {
		r, err := s.resolve(c.Ref, "artifact", "collection", "run", "transform")
		if err != nil {
			return err
		}
		format := "text"
		switch {
		case c.JSON:
			format = "graph"
		case c.SVG != "":
			format = "svg"
		}
		drawn, err := s.call("lineage", map[string]any{"uid": r["uid"], "format": format, "most": c.Most})
		if err != nil {
			return err
		}
		if c.JSON {
			return con.printJSON(drawn)
		}
		if c.SVG != "" && c.SVG != "-" {
			return os.WriteFile(c.SVG, []byte(textOf(drawn)), 0o666)
		}
		_, err = io.WriteString(con.out, textOf(drawn))
		return err
	})
}
