package main

import (
	"context"
	"fmt"
	"strings"
)

type describeCmd struct {
	registryFlags
	Ref string `arg:"" name:"record" help:"A uid, the beginning of one, a key, a name, or a path of a file."`
}

// described is how many members, features and the like are named.
const described = 10

// Run prints a record and what it has to do with others.
func (c *describeCmd) Run(ctx context.Context, con *console) error {
	return c.withRegistry(ctx, con, func(s *session) error {
		r, err := s.resolve(c.Ref)
		if err != nil {
			return err
		}
		d := &description{session: s, record: r, model: text(r, "model"), found: map[string]any{"record": r}}
		if err := d.read(); err != nil {
			return err
		}
		if c.JSON {
			return con.printJSON(d.found)
		}
		return d.print()
	})
}

// description is a record and its surroundings.
type description struct {
	*session
	record record
	model  string
	found  map[string]any
	counts map[string]int64
}

// relations are those that are described, by model.
var relations = map[string][]struct{ name, to string }{
	"artifact":   {{"ulabels", "ulabel"}, {"collections", "collection"}, {"input_of", "run"}, {"previous_runs", "run"}},
	"collection": {{"artifacts", "artifact"}, {"ulabels", "ulabel"}, {"input_of", "run"}, {"previous_runs", "run"}},
	"run":        {{"input_artifacts", "artifact"}, {"input_collections", "collection"}, {"output_artifacts", "artifact"}, {"output_collections", "collection"}},
	"transform":  {{"runs", "run"}},
	"ulabel":     {{"artifacts", "artifact"}, {"collections", "collection"}, {"labels", "ulabel"}},
	"storage":    {{"artifacts", "artifact"}},
	"featureset": {{"features", "feature"}, {"artifacts", "artifact"}},
	"feature":    {{"feature_sets", "featureset"}},
}

func (d *description) read() error {
	d.counts = make(map[string]int64)
	uid := d.record["uid"]
	for _, rel := range relations[d.model] {
		args := map[string]any{"model": rel.to, "of": []any{d.model, uid, rel.name}, "all": true, "limit": described}
		found, err := d.records("query", args)
		if err != nil {
			return err
		}
		d.found[rel.name] = found
		d.counts[rel.name] = int64(len(found))
		if len(found) == described {
			delete(args, "limit")
			args["what"] = "count"
			n, err := d.call("query", args)
			if err != nil {
				return err
			}
			d.counts[rel.name], _ = number(n)
		}
		d.found["n_"+rel.name] = d.counts[rel.name]
	}
	if d.model == "artifact" || d.model == "collection" {
		slots, err := callFor[[]any](d.session, "features", map[string]any{"model": d.model, "uid": uid})
		if err != nil {
			return err
		}
		d.found["features"] = slots
	}
	for field, model := range map[string]string{"run": "run", "transform": "transform", "storage": "storage", "created_by": "user", "type": "ulabel"} {
		of := text(d.record, field)
		if of == "" || field == "type" && d.model != "ulabel" {
			continue
		}
		other, err := callFor[record](d.session, "get", map[string]any{"model": model, "uid": of})
		if err != nil {
			return err
		}
		d.found[field] = other
	}
	return nil
}

func (d *description) print() error {
	var lines [][2]string
	for _, p := range pairs(d.record) {
		if other, ok := d.found[p[0]].(record); ok {
			p[1] = either(title(other), text(d.record, "uid")) + "  (" + text(other, "uid") + ")"
		}
		switch p[0] {
		case "stem_uid", "id", "source_code":
			continue
		case "size":
			p[1] = sizeOf(d.record["size"]) + "  (" + p[1] + " bytes)"
		}
		lines = append(lines, p)
	}
	for _, rel := range relations[d.model] {
		if d.counts[rel.name] > 0 {
			lines = append(lines, [2]string{rel.name, d.names(rel.name)})
		}
	}
	slots, _ := d.found["features"].([]any)
	for _, v := range slots {
		if slot, ok := v.(map[string]any); ok {
			lines = append(lines, [2]string{"features " + textOf(slot["slot"]), featuresOf(slot)})
		}
	}
	return fields(d.con.out, lines)
}

// names are those of related records, and how many more there are.
func (d *description) names(relation string) string {
	found, _ := d.found[relation].([]record)
	var names []string
	for _, r := range found {
		names = append(names, either(title(r), text(r, "uid")))
	}
	return andMore(names, d.counts[relation])
}

func featuresOf(slot map[string]any) string {
	names, _ := slot["names"].([]any)
	dtypes, _ := slot["dtypes"].([]any)
	var out []string
	for i, name := range names[:min(len(names), described)] {
		dtype := ""
		if len(dtypes) > 0 {
			dtype = " " + textOf(dtypes[min(i, len(dtypes)-1)])
		}
		out = append(out, textOf(name)+dtype)
	}
	return andMore(out, int64(len(names)))
}

func andMore(names []string, n int64) string {
	s := strings.Join(names, ", ")
	if more := n - int64(len(names)); more > 0 {
		s += fmt.Sprintf(" … and %d more", more)
	}
	return s
}
