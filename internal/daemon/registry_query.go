package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/loaderd/loaderd/registry"
)

// queryArgs are the arguments of query.
type queryArgs struct {
	Model    registry.Model `msgpack:"model"`
	Where    tree           `msgpack:"where"`
	OrderBy  []string       `msgpack:"order_by"`
	Reverse  bool           `msgpack:"reverse"`
	Of       []string       `msgpack:"of"`
	All      bool           `msgpack:"all"`
	Texts    bool           `msgpack:"texts"`
	Distinct bool           `msgpack:"distinct"`
	Offset   int64          `msgpack:"offset"`
	Limit    int64          `msgpack:"limit"`
	What     string         `msgpack:"what"`
	Fields   []string       `msgpack:"fields"`
}

// tree is a condition, in which bytes stay bytes: they are a path that is not UTF-8.
type tree struct{ value any }

// DecodeMsgpack implements the codec's interface.
func (t *tree) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	d.UseLooseInterfaceDecoding(false)
	defer d.UseLooseInterfaceDecoding(true)
	t.value, err = d.DecodeInterface()
	return err
}

// asks has what a query can ask for.
var asks = map[string]func(ctx context.Context, db *registry.DB, q registry.Query, fields []string) (any, error){
	"rows": func(ctx context.Context, db *registry.DB, q registry.Query, _ []string) (any, error) {
		found, err := db.Records(ctx, q)
		return wireRecords(q.Model, found), err
	},
	"uids": func(ctx context.Context, db *registry.DB, q registry.Query, _ []string) (any, error) {
		found, err := db.UIDs(ctx, q)
		return slices.AppendSeq(make([]string, 0, len(found)), slices.Values(found)), err
	},
	"values": func(ctx context.Context, db *registry.DB, q registry.Query, fields []string) (any, error) {
		found, err := db.Values(ctx, q, fields)
		out := make([]any, len(found))
		for i, row := range found {
			out[i] = wireValue(row)
		}
		return out, err
	},
	"count": func(ctx context.Context, db *registry.DB, q registry.Query, _ []string) (any, error) {
		return db.Count(ctx, q)
	},
	"exists": func(ctx context.Context, db *registry.DB, q registry.Query, _ []string) (any, error) {
		return db.Exists(ctx, q)
	},
}

func callQuery(ctx context.Context, q called) (any, error) {
	var args queryArgs
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	if args.What == "" {
		args.What = "rows"
	}
	ask := asks[args.What]
	if ask == nil {
		return nil, invalid("query", "what", fmt.Errorf("%q is nothing that a query gives; there are %q", args.What, slices.Sorted(maps.Keys(asks))))
	}
	query, err := args.query()
	if err != nil {
		return nil, err
	}
	value, err := ask(ctx, q.db, query, args.Fields)
	if err != nil {
		return nil, err
	}
	return value, nil
}

func callSearch(ctx context.Context, q called) (any, error) {
	var args struct {
		queryArgs `msgpack:",inline"`
		Text      string `msgpack:"text"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	query, err := args.query()
	if err != nil {
		return nil, err
	}
	switch args.What {
	case "count":
		return q.db.SearchCount(ctx, args.Text, query)
	case "", "rows":
	default:
		return nil, invalid("search", "what", fmt.Errorf("%q is nothing that a search gives; there are %q", args.What, []string{"count", "rows"}))
	}
	found, err := q.db.Search(ctx, args.Text, query)
	if err != nil {
		return nil, err
	}
	return wireRecords(query.Model, found), nil
}

func (a queryArgs) query() (registry.Query, error) {
	where, err := registry.DecodeWhere(a.Where.value)
	if err != nil {
		return registry.Query{}, err
	}
	q := registry.Query{Model: a.Model, Where: where, OrderBy: a.OrderBy, Reverse: a.Reverse, All: a.All, Texts: a.Texts, Distinct: a.Distinct,
		Offset: a.Offset, Limit: a.Limit}
	switch len(a.Of) {
	case 0:
	case 3:
		q.Of = &registry.Of{Model: registry.Model(a.Of[0]), UID: a.Of[1], Relation: a.Of[2]}
	default:
		return q, invalid("query", "of", fmt.Errorf("%q is not a model, a uid and a relation", a.Of))
	}
	return q, nil
}
