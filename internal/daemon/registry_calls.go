package daemon

import (
	"context"

	"github.com/loaderd/loaderd/registry"
)

func callSave(ctx context.Context, q called) (any, error) {
	var args struct {
		Model   registry.Model `msgpack:"model"`
		Record  map[string]any `msgpack:"record"`
		Revises *string        `msgpack:"revises"`
		Members []any          `msgpack:"members"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	s := registry.Save{Model: args.Model, Record: args.Record, Members: args.Members}
	if args.Revises != nil {
		s.Revises = *args.Revises
	}
	out, err := q.db.Save(ctx, s)
	if err != nil {
		return nil, err
	}
	value := map[string]any{
		"record": wireRecord(s.Model, out.Record), "created": out.Created, "revised": nil,
		"members": wireRecords(registry.ModelArtifact, out.Members), "notes": out.Notes,
	}
	if out.Revised != nil {
		value["revised"] = wireRecord(s.Model, out.Revised)
	}
	return value, nil
}

func callGet(ctx context.Context, q called) (any, error) {
	var args struct {
		Model registry.Model `msgpack:"model"`
		UID   string         `msgpack:"uid"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	r, err := q.db.Get(ctx, args.Model, args.UID)
	if err != nil {
		return nil, err
	}
	return wireRecord(args.Model, r), nil
}
