package lineage

import (
	"context"
	"errors"
	"fmt"

	"github.com/loaderd/loaderd/registry"
)

// Options bound a graph. The zero value of each field means its default.
type Options struct {
	Most int // nodes; default: 200
	Each int // neighbours of a node in one relation, such as members of a collection; default: 12
}

// Defaults of [Options].
const (
	defaultMost = 200
	defaultEach = 12
)

// Graph is the surroundings of a record.
type Graph struct {
	Nodes []*Node // the record first; of a transform: its runs, the newest first
	Roots int     // how many of them were asked for
}

// Node is a record, and what leads to it and from it, by number of the node.
type Node struct {
	Model  registry.Model
	Record registry.Record
	Title  string // what a person calls it
	From   []Edge
	Into   []Edge
	// LeftFrom and LeftInto count the neighbours that the graph leaves out, because there are too many.
	LeftFrom, LeftInto int
}

// Edge leads to a node.
type Edge struct {
	To   int
	Kind Kind
}

// Kind is what two records have to do with each other.
type Kind string

// The kinds of edges, from what came first to what came of it.
const (
	Input  Kind = "input"  // a run read it
	Output Kind = "output" // a run made it
	Again  Kind = "again"  // a run made it once more, to the same result
	Member Kind = "member" // a collection holds it
)

// relation is a way from a record to others: by the relation of a name, or by a lookup of theirs that finds the record.
type relation struct {
	name   string
	to     registry.Model
	kind   Kind
	lookup bool
}

func (way relation) query(from *Node) registry.Query {
	q := registry.Query{Model: way.to, All: true}
	if way.lookup {
		q.Where = registry.Lookup{Path: way.name, Value: from.Record.UID()}
	} else {
		q.Of = &registry.Of{Model: from.Model, UID: from.Record.UID(), Relation: way.name}
	}
	return q
}

// backwards and forwards are the ways to what came before a record, and to what came of it.
var (
	backwards = map[registry.Model][]relation{
		registry.ModelArtifact: {{"run", registry.ModelRun, Output, false}, {"previous_runs", registry.ModelRun, Again, false}},
		registry.ModelCollection: {{"run", registry.ModelRun, Output, false}, {"previous_runs", registry.ModelRun, Again, false},
			{"artifacts", registry.ModelArtifact, Member, false}},
		registry.ModelRun: {{"input_collections", registry.ModelCollection, Input, false}, {"input_artifacts", registry.ModelArtifact, Input, false}},
	}
	forwards = map[registry.Model][]relation{
		registry.ModelArtifact:   {{"collections", registry.ModelCollection, Member, false}, {"input_of", registry.ModelRun, Input, false}},
		registry.ModelCollection: {{"input_of", registry.ModelRun, Input, false}},
		registry.ModelRun: {{"output_collections", registry.ModelCollection, Output, false}, {"output_artifacts", registry.ModelArtifact, Output, false},
			{"previous_runs", registry.ModelCollection, Again, true}, {"previous_runs", registry.ModelArtifact, Again, true}},
	}
)

// loader makes a graph.
type loader struct {
	db    *registry.DB
	opt   Options
	graph *Graph
	index map[string]int // of nodes by uid
}

// Load finds the surroundings of the artifact, collection, run or transform of a uid. [registry.ErrNoRecord] where there is none.
func Load(ctx context.Context, db *registry.DB, uid string, o Options) (*Graph, error) {
	if o.Most == 0 {
		o.Most = defaultMost
	}
	if o.Each == 0 {
		o.Each = defaultEach
	}
	l := &loader{db: db, opt: o, graph: new(Graph), index: make(map[string]int)}
	if err := l.roots(ctx, uid); err != nil {
		return nil, err
	}
	l.graph.Roots = len(l.graph.Nodes)
	for _, back := range []bool{true, false} {
		if err := l.walk(ctx, back); err != nil {
			return nil, err
		}
	}
	return l.graph, nil
}

func (l *loader) roots(ctx context.Context, uid string) error {
	for _, m := range []registry.Model{registry.ModelArtifact, registry.ModelCollection, registry.ModelRun, registry.ModelTransform} {
		r, err := l.db.Get(ctx, m, uid)
		if errors.Is(err, registry.ErrNoRecord) {
			continue
		}
		if err != nil {
			return err
		}
		if m != registry.ModelTransform {
			return l.add(ctx, m, r)
		}
		runs, err := l.db.Records(ctx, registry.Query{Model: registry.ModelRun, OrderBy: []string{"-id"}, Limit: int64(l.opt.Each),
			Of: &registry.Of{Model: m, UID: uid, Relation: "runs"}})
		if err != nil {
			return err
		}
		for _, run := range runs {
			if err := l.add(ctx, registry.ModelRun, run); err != nil {
				return err
			}
		}
		if len(runs) > 0 {
			return nil
		}
		return &registry.Error{Kind: registry.ErrNoRecord, Op: "lineage", Object: uid, Detail: "this transform has not run yet"}
	}
	return &registry.Error{Kind: registry.ErrNoRecord, Op: "lineage", Object: uid, Detail: "no artifact, collection, run or transform has this uid"}
}

func (l *loader) add(ctx context.Context, m registry.Model, r registry.Record) error {
	title, err := l.title(ctx, m, r)
	if err != nil {
		return err
	}
	l.index[r.UID()] = len(l.graph.Nodes)
	l.graph.Nodes = append(l.graph.Nodes, &Node{Model: m, Record: r, Title: title})
	return nil
}

// walk adds what came before the roots, or what came of them, the nearest first.
func (l *loader) walk(ctx context.Context, back bool) error {
	seen := make(map[int]bool)
	queue := make([]int, l.graph.Roots)
	for i := range queue {
		queue[i], seen[i] = i, true
	}
	for ; len(queue) > 0; queue = queue[1:] {
		next, err := l.expand(ctx, queue[0], back)
		if err != nil {
			return err
		}
		for _, n := range next {
			if !seen[n] {
				seen[n] = true
				queue = append(queue, n)
			}
		}
	}
	return nil
}

// expand adds the neighbours of a node in one direction.
func (l *loader) expand(ctx context.Context, at int, back bool) ([]int, error) {
	n := l.graph.Nodes[at]
	ways := forwards[n.Model]
	if back {
		ways = backwards[n.Model]
	}
	var next []int
	for _, way := range ways {
		q := way.query(n)
		limited := q
		limited.Limit = int64(l.opt.Each) + 1
		found, err := l.db.Records(ctx, limited)
		if err != nil {
			return nil, err
		}
		taken := 0
		for _, r := range found[:min(len(found), l.opt.Each)] {
			to, known := l.index[r.UID()]
			if !known && len(l.graph.Nodes) >= l.opt.Most {
				continue
			}
			if !known {
				to = len(l.graph.Nodes)
				if err := l.add(ctx, way.to, r); err != nil {
					return nil, err
				}
			}
			taken++
			l.connect(at, to, way.kind, back)
			next = append(next, to)
		}
		left := len(found) - taken
		if len(found) > l.opt.Each {
			all, err := l.db.Count(ctx, q)
			if err != nil {
				return nil, err
			}
			left = int(all) - taken
		}
		if back {
			n.LeftFrom += left
		} else {
			n.LeftInto += left
		}
	}
	return next, nil
}

// connect adds the edge between two nodes, once.
func (l *loader) connect(at, to int, kind Kind, back bool) {
	first, then := at, to
	if back {
		first, then = to, at
	}
	for _, e := range l.graph.Nodes[first].Into {
		if e.To == then {
			return
		}
	}
	l.graph.Nodes[first].Into = append(l.graph.Nodes[first].Into, Edge{then, kind})
	l.graph.Nodes[then].From = append(l.graph.Nodes[then].From, Edge{first, kind})
}

// title is what a person calls a record.
func (l *loader) title(ctx context.Context, m registry.Model, r registry.Record) (string, error) {
	if m != registry.ModelRun {
		return titleOf(r), nil
	}
	t, err := l.db.Get(ctx, registry.ModelTransform, r.Text("transform"))
	if err != nil {
		return "", fmt.Errorf("the transform of the run %s: %w", r.UID(), err)
	}
	title := titleOf(t)
	if v := t.Text("version"); v != "" {
		title += " (" + v + ")"
	}
	if name := r.Text("name"); name != "" {
		title += " " + name
	}
	return title, nil
}

func titleOf(r registry.Record) string {
	for _, field := range []string{"key", "name", "description", "path"} {
		if s := r.Text(field); s != "" {
			return s
		}
	}
	return r.UID()
}
