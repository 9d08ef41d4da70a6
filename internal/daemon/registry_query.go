package daemon

import (
	"context"
	"fmt"

	"github.com/loaderd/loaderd/registry"
)

func callQuery(ctx context.Context, q called) (any, error) {
	var args struct {
		Model   registry.Model `msgpack:"model"`
		Where   any            `msgpack:"where"`
		OrderBy []string       `msgpack:"order_by"`
		Offset  int64          `msgpack:"offset"`
		Limit   int64          `msgpack:"limit"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	where, err := whereOf(args.Where)
	if err != nil {
		return nil, err
	}
	found, err := q.db.Records(ctx, registry.Query{Model: args.Model, Where: where, OrderBy: args.OrderBy, Offset: args.Offset, Limit: args.Limit})
	if err != nil {
		return nil, err
	}
	return wireRecords(args.Model, found), nil
}

// whereOf is the condition that a tree of the wire says.
func whereOf(tree any) (registry.Where, error) {
	if tree == nil {
		return nil, nil
	}
	list, _ := tree.([]any)
	if len(list) > 1 {
		switch list[0] {
		case "and":
			parts, err := wheresOf(list[1])
			return registry.And(parts), err
		case "or":
			parts, err := wheresOf(list[1])
			return registry.Or(parts), err
		case "not":
			part, err := whereOf(list[1])
			return registry.Not{Where: part}, err
		case "lookup":
			if path, ok := list[1].(string); ok && len(list) == 3 {
				return registry.Lookup{Path: path, Value: list[2]}, nil
			}
		}
	}
	return nil, invalid("query", "where", fmt.Errorf("%v is no condition", tree))
}

func wheresOf(list any) ([]registry.Where, error) {
	trees, ok := list.([]any)
	if !ok {
		return nil, invalid("query", "where", fmt.Errorf("%v is no list of conditions", list))
	}
	out := make([]registry.Where, len(trees))
	for i, tree := range trees {
		var err error
		if out[i], err = whereOf(tree); err != nil {
			return nil, err
		}
	}
	return out, nil
}
