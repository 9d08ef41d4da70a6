package main

import (
	"context"
	"fmt"
	"strings"
)

type lsCmd struct {
	registryFlags
	What    []string `arg:"" optional:"" help:"What to list (artifacts, collections, transforms, runs, ulabels, storages, users, features), then conditions: suffix=.h5ad size__gt=1000000 ulabels__name__in=lung,blood."`
	Exclude []string `short:"x" help:"Conditions that must not hold." placeholder:"FIELD=VALUE" sep:"none"`
	Search  string   `short:"s" help:"Words that names, keys and descriptions hold; the best come first." placeholder:"TEXT"`
	Order   []string `short:"o" help:"Fields to order by, the highest first with - before one. Default: the newest first." placeholder:"FIELD"`
	Limit   int64    `short:"n" help:"Records to list (0: all)." default:"20"`
	Offset  int64    `help:"Records to leave out first."`
	Count   bool     `help:"Print their number alone, of all, whatever -n and --offset."`
	Trash   bool     `help:"Those in the trash." xor:"seen"`
	Hidden  bool     `help:"Those that are hidden." xor:"seen"`
	All     bool     `help:"Those in the trash and hidden ones too." xor:"seen"`
}

// Run lists records.
func (c *lsCmd) Run(ctx context.Context, con *console) error {
	args, err := c.query()
	if err != nil {
		return err
	}
	return c.withRegistry(ctx, con, func(s *session) error {
		call := "query"
		if c.Search != "" {
			call, args["text"] = "search", c.Search
		}
		if c.Count {
			args["what"], args["limit"], args["offset"] = "count", 0, 0
			n, err := s.call(call, args)
			if err != nil {
				return err
			}
			fmt.Fprintln(con.out, textOf(n))
			return nil
		}
		found, err := s.records(call, args)
		if err != nil {
			return err
		}
		if c.JSON {
			return con.printJSON(found)
		}
		return list(con, args["model"].(string), found)
	})
}

// query is the arguments of the call.
func (c *lsCmd) query() (map[string]any, error) {
	model, conditions := kinds[0], c.What
	if len(c.What) > 0 && !strings.Contains(c.What[0], "=") {
		var err error
		if model, err = kindOf(c.What[0]); err != nil {
			return nil, err
		}
		conditions = c.What[1:]
	}
	all, err := lookups(conditions)
	if err != nil {
		return nil, err
	}
	not, err := lookups(c.Exclude)
	if err != nil {
		return nil, err
	}
	for _, l := range not {
		all = append(all, []any{"not", l})
	}
	switch {
	case (c.Trash || c.Hidden) && !model.visible:
		return nil, invalid(model.plural, "", "only artifacts and collections can be in the trash or hidden")
	case c.Trash:
		all = append(all, lookup("visibility", "2"))
	case c.Hidden:
		all = append(all, lookup("visibility", "1"))
	}
	order := []any{"-created_at"}
	if len(c.Order) > 0 {
		order = nil
		for _, field := range c.Order {
			order = append(order, field)
		}
	}
	args := map[string]any{"model": model.model, "where": []any{"and", all}, "texts": true, "all": c.All, "limit": c.Limit, "offset": c.Offset}
	if c.Search == "" {
		args["order_by"] = order
	}
	return args, nil
}

// lookups reads conditions as they stand on a command line.
func lookups(words []string) ([]any, error) {
	all := []any{}
	for _, w := range words {
		field, value, ok := strings.Cut(w, "=")
		if !ok || field == "" {
			return nil, invalid(w, "write FIELD=VALUE or FIELD__COMPARISON=VALUE, such as suffix=.h5ad or size__gt=1000", "%q is no condition", w)
		}
		all = append(all, lookup(field, value))
	}
	return all, nil
}

// list prints records of one model as a table.
func list(con *console, model string, found []record) error {
	var t *table
	switch model {
	case "artifact":
		t = newTable("UID", "KEY", ">SIZE", "TYPE", ">OBS", "VERSION", "CREATED")
		for _, r := range found {
			t.add(text(r, "uid"), title(r), sizeOf(r["size"]), either(text(r, "otype"), text(r, "suffix")), text(r, "n_observations"), versionOf(r), moment(r["created_at"]))
		}
	case "collection":
		t = newTable("UID", "NAME", "DESCRIPTION", "VERSION", "CREATED")
		for _, r := range found {
			t.add(text(r, "uid"), either(text(r, "name"), text(r, "key")), text(r, "description"), versionOf(r), moment(r["created_at"]))
		}
	case "transform":
		t = newTable("UID", "KEY", "TYPE", "VERSION", "CREATED")
		for _, r := range found {
			t.add(text(r, "uid"), title(r), text(r, "type"), versionOf(r), moment(r["created_at"]))
		}
	case "run":
		t = newTable("UID", "NAME", "TRANSFORM", "STATUS", "STARTED", "FINISHED")
		for _, r := range found {
			t.add(text(r, "uid"), text(r, "name"), text(r, "transform"), text(r, "status"), moment(r["started_at"]), moment(r["finished_at"]))
		}
	case "feature":
		t = newTable("UID", "NAME", "DTYPE", "DESCRIPTION")
		for _, r := range found {
			t.add(text(r, "uid"), text(r, "name"), text(r, "dtype"), text(r, "description"))
		}
	default:
		t = newTable("UID", "NAME", "DESCRIPTION", "CREATED")
		for _, r := range found {
			t.add(text(r, "uid"), title(r), text(r, "description"), moment(r["created_at"]))
		}
	}
	return t.print(con.out)
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// versionOf says what version a record is, and whether it is not the latest, hidden, or in the trash.
func versionOf(r record) string {
	parts := []string{}
	if v := text(r, "version"); v != "" {
		parts = append(parts, v)
	}
	if latest, ok := r["is_latest"].(bool); ok && !latest {
		parts = append(parts, "old")
	}
	switch n, _ := number(r["visibility"]); n {
	case 1:
		parts = append(parts, "hidden")
	case 2:
		parts = append(parts, "trash")
	}
	return strings.Join(parts, ", ")
}

func sizeOf(v any) string {
	if n, ok := number(v); ok {
		return size(n)
	}
	return ""
}
