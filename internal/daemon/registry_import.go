package daemon

import (
	"context"

	"github.com/loaderd/loaderd/registry"
)

// callImportLamindb adds what a lamindb instance has.
func callImportLamindb(ctx context.Context, q called) (any, error) {
	var args struct {
		Path any `msgpack:"path"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	path, err := pathOf(args.Path)
	if err != nil {
		return nil, err
	}
	out, err := q.db.ImportLamindb(ctx, path, func(done, total int64) { q.progress("records", done, total) })
	if err != nil {
		return nil, err
	}
	return map[string]any{"added": byModel(out.Added), "there": byModel(out.There), "links": out.Links, "left_out": out.LeftOut,
		"notes": wireNotes(out.Notes)}, nil
}

func byModel(counts map[registry.Model]int64) map[string]int64 {
	out := make(map[string]int64, len(counts))
	for m, n := range counts {
		out[string(m)] = n
	}
	return out
}
