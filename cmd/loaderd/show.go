package main

import (
	"context"
	"slices"
	"strings"
)

type showCmd struct {
	registryFlags
	Ref string `arg:"" name:"record" help:"A uid, the beginning of one, a key, a name, or a path of a file."`
}

// Run prints all fields of one record.
func (c *showCmd) Run(ctx context.Context, con *console) error {
	return c.withRegistry(ctx, con, func(s *session) error {
		r, err := s.resolve(c.Ref)
		if err != nil {
			return err
		}
		if c.JSON {
			return con.printJSON(r)
		}
		return fields(con.out, pairs(r))
	})
}

// firstFields are those that stand first where a record has them; the others follow by name.
var firstFields = []string{"model", "uid", "key", "name", "handle", "root", "description", "version", "is_latest"}

// pairs are the fields of a record that have a value.
func pairs(r record) [][2]string {
	names := slices.Clone(firstFields)
	var rest []string
	for name := range r {
		if !slices.Contains(names, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	var out [][2]string
	for _, name := range append(names, rest...) {
		v, ok := r[name]
		if !ok || v == nil {
			continue
		}
		value := textOf(v)
		if strings.HasSuffix(name, "_at") {
			value = moment(v)
		}
		out = append(out, [2]string{name, value})
	}
	return out
}
