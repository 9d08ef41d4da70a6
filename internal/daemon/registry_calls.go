package daemon

import (
	"context"
	"fmt"

	"github.com/loaderd/loaderd/registry"
)

// recordArgs names one record.
type recordArgs struct {
	Model registry.Model `msgpack:"model"`
	UID   string         `msgpack:"uid"`
}

func callGet(ctx context.Context, q called) (any, error) {
	var args recordArgs
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	r, err := q.db.Get(ctx, args.Model, args.UID)
	return oneRecord(args.Model, r, err)
}

func callUpdate(ctx context.Context, q called) (any, error) {
	var args struct {
		recordArgs
		Set map[string]any `msgpack:"set"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	r, err := q.db.Update(ctx, args.Model, args.UID, args.Set)
	return oneRecord(args.Model, r, err)
}

func callRestore(ctx context.Context, q called) (any, error) {
	var args recordArgs
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	r, err := q.db.Restore(ctx, args.Model, args.UID)
	return oneRecord(args.Model, r, err)
}

func callMembers(ctx context.Context, q called) (any, error) {
	var args struct {
		UID    string   `msgpack:"uid"`
		Add    []string `msgpack:"add"`
		Remove []string `msgpack:"remove"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	if len(args.Add)+len(args.Remove) > 0 {
		_, err := q.db.ChangeMembers(ctx, args.UID, args.Add, args.Remove)
		return nil, err
	}
	found, err := q.db.Members(ctx, args.UID)
	return wireRecords(registry.ModelArtifact, found), err
}

func callLabels(ctx context.Context, q called) (any, error) {
	var args struct {
		recordArgs
		Add    []any `msgpack:"add"`
		Remove []any `msgpack:"remove"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	found, err := q.db.Label(ctx, args.Model, args.UID, args.Add, args.Remove)
	return wireRecords(registry.ModelULabel, found), err
}

func callFeatures(ctx context.Context, q called) (any, error) {
	var args recordArgs
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	if args.Model == "" {
		args.Model = registry.ModelArtifact
	}
	found, err := q.db.Features(ctx, args.Model, args.UID)
	out := make([]any, len(found))
	for i, f := range found {
		out[i] = map[string]any{"slot": f.Name, "set": wireRecord(registry.ModelFeatureSet, f.Set), "names": wireValue(f.Names), "dtypes": f.DTypes}
	}
	return out, err
}

func callTrack(ctx context.Context, q called) (any, error) {
	var args struct {
		Transform map[string]any `msgpack:"transform"`
		Run       map[string]any `msgpack:"run"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	got, err := q.db.Track(ctx, args.Transform, args.Run)
	if err != nil {
		return nil, err
	}
	return map[string]any{"transform": wireRecord(registry.ModelTransform, got.Transform), "run": wireRecord(registry.ModelRun, got.Run)}, nil
}

func callFinish(ctx context.Context, q called) (any, error) {
	args := struct {
		Run    string `msgpack:"run"`
		Status string `msgpack:"status"`
	}{Status: "finished"}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	r, err := q.db.Finish(ctx, args.Run, args.Status)
	return oneRecord(registry.ModelRun, r, err)
}

func callInput(ctx context.Context, q called) (any, error) {
	var args struct {
		Run   string     `msgpack:"run"`
		Items [][]string `msgpack:"items"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	inputs := make([]registry.Input, len(args.Items))
	for i, item := range args.Items {
		if len(item) != 2 {
			return nil, invalid("input", "items", fmt.Errorf("%q is not a model and a uid", item))
		}
		inputs[i] = registry.Input{Model: registry.Model(item[0]), UID: item[1]}
	}
	noted, err := q.db.AddInputs(ctx, args.Run, inputs)
	out := make([]any, len(noted))
	for i, in := range noted {
		out[i] = []string{string(in.Model), in.UID}
	}
	return out, err
}

// callDatabase gives a database a name, and makes its file.
func callDatabase(ctx context.Context, q called) (any, error) {
	var args struct {
		Name string `msgpack:"name"`
		Path any    `msgpack:"path"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	path, err := pathOf(args.Path)
	if err != nil {
		return nil, err
	}
	if err := registry.CheckDatabase(args.Name, path); err != nil {
		return nil, err
	}
	if _, err := q.all.openFile(ctx, path); err != nil { // what can not be opened gets no name
		return nil, err
	}
	return nil, q.main.Register(ctx, args.Name, path)
}

func callDatabases(ctx context.Context, q called) (any, error) {
	files, err := q.main.Databases(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]any{registry.DefaultName: wireText(q.main.Path())}
	for name, file := range files {
		out[name] = wireText(file)
	}
	return out, nil
}

func oneRecord(m registry.Model, r registry.Record, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return wireRecord(m, r), nil
}
