package daemon

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/registry"
)

// callRegister looks at a file or a folder, and saves what it is as an artifact, or says how it would be saved. Of a URL
// nothing is known but its name.
func callRegister(ctx context.Context, q called) (any, error) {
	var args map[string]any
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	var own struct {
		Save    *bool          `msgpack:"save"`
		Revises *string        `msgpack:"revises"`
		Names   map[string]any `msgpack:"names"`
		Labels  []any          `msgpack:"labels"`

		SamePath bool `msgpack:"same_path"`
	}
	if err := q.args.Decode(&own); err != nil {
		return nil, err
	}
	save, revises := own.Save == nil || *own.Save, ""
	if own.Revises != nil {
		revises = *own.Revises
	}
	for _, name := range []string{"save", "revises", "names", "labels", "same_path", "using", "data_dir"} {
		delete(args, name)
	}
	r := registry.Record(args)
	slots, err := slotsOf(r["features"])
	if err != nil {
		return nil, err
	}
	delete(r, "features")
	path, err := pathOf(r["path"])
	if err != nil {
		return nil, err
	}
	s := registry.Save{Model: registry.ModelArtifact, Record: r, Slots: slots, Revises: revises, Names: own.Names, Labels: own.Labels, SamePath: own.SamePath, Dry: !save}
	if isURL(path) {
		r["path"] = path
		if r["suffix"] == nil {
			r["suffix"] = suffixOf(path)
		}
		return q.saved(ctx, s)
	}
	known, err := q.look(ctx, path)
	if err != nil {
		return nil, err
	}
	r["size"], r["hash"], r["hash_type"] = known.size, known.hash, known.hashType
	if known.rest != "" {
		r["rest_hash"] = known.rest
	}
	if known.files >= 0 {
		r["n_files"] = known.files
	}
	s.Seen = known.seen()
	if err := q.describe(ctx, &s, path, known); err != nil {
		return nil, err
	}
	return q.saved(ctx, s)
}

// look reads a file or a folder, and tells the client how far it is.
func (q called) look(ctx context.Context, path string) (known *seen, err error) {
	n := new(counted)
	q.progress("files", 0, 0) // so that a client has something to show from the beginning
	done := make(chan struct{})
	var g errgroup.Group
	g.Go(func() error {
		tick := time.NewTicker(progressEvery + time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return nil
			case <-tick.C:
				total := int64(0)
				if n.all.Load() {
					total = n.found.Load()
				}
				q.progress("files", n.done.Load(), total)
			}
		}
	})
	known, err = q.all.looks.at(ctx, path, n)
	close(done)
	g.Wait()
	return known, err
}
