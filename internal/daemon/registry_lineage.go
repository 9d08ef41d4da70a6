package daemon

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/loaderd/loaderd/registry/lineage"
)

// callLineage gives where a record came from and what became of it.
func callLineage(ctx context.Context, q called) (any, error) {
	var args struct {
		UID    string `msgpack:"uid"`
		Format string `msgpack:"format"`
		Most   int    `msgpack:"most"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	formats := map[string]func(*lineage.Graph) (any, error){
		"": drawn(lineage.Text), "text": drawn(lineage.Text), "svg": drawn(lineage.SVG), "graph": wireGraph,
	}
	write := formats[args.Format]
	if write == nil {
		return nil, invalid("lineage", "format", fmt.Errorf("%q is none of text, svg and graph", args.Format))
	}
	if args.Most < 0 {
		return nil, invalid("lineage", "most", fmt.Errorf("%d is negative", args.Most))
	}
	g, err := lineage.Load(ctx, q.db, args.UID, lineage.Options{Most: args.Most})
	if err != nil {
		return nil, err
	}
	return write(g)
}

func drawn(write func(io.Writer, *lineage.Graph) error) func(*lineage.Graph) (any, error) {
	return func(g *lineage.Graph) (any, error) {
		var w strings.Builder
		err := write(&w, g)
		return forPeople(w.String()), err
	}
}

// wireGraph is a graph for programs: records, and edges from what came first to what came of it.
func wireGraph(g *lineage.Graph) (any, error) {
	nodes, edges := make([]any, len(g.Nodes)), []any{}
	for i, n := range g.Nodes {
		nodes[i] = map[string]any{"title": forPeople(n.Title), "record": wireRecord(n.Model, n.Record), "left_from": n.LeftFrom, "left_into": n.LeftInto}
		for _, e := range n.Into {
			edges = append(edges, []any{i, e.To, string(e.Kind)})
		}
	}
	return map[string]any{"nodes": nodes, "edges": edges, "roots": g.Roots}, nil
}
