package daemon

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loaderd/loaderd/registry"
)

// ownFolder is the folder, below the root of a storage, of files that clients wrote for artifacts that were in memory.
const ownFolder = ".loaderd"

// callSettings says where the registry is, who its user is, and where clients write what was in memory. The storage is made.
func callSettings(ctx context.Context, q called) (any, error) {
	root := filepath.Join(filepath.Dir(q.db.Path()), "artifacts")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, pathError(root, err)
	}
	s, err := q.db.Save(ctx, registry.Save{Model: registry.ModelStorage, Record: registry.Record{"root": root, "description": "what was in memory"}})
	if err != nil {
		return nil, err
	}
	return map[string]any{"storage": wireText(root), "storage_uid": s.Record.UID(), "database": wireText(q.db.Path()), "user": q.db.User()}, nil
}

// callDelete deletes a record; with an artifact that is gone for good goes the file that a client wrote for it.
func callDelete(ctx context.Context, q called) (any, error) {
	var args struct {
		recordArgs
		Permanent bool  `msgpack:"permanent"`
		Storage   *bool `msgpack:"storage"` // false: the file stays
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	r, err := q.db.Delete(ctx, args.Model, args.UID, args.Permanent)
	if err != nil {
		return nil, err
	}
	if r["id"] != nil {
		return wireRecord(args.Model, r), nil
	}
	if args.Model == registry.ModelArtifact && (args.Storage == nil || *args.Storage) {
		return nil, q.removeOwn(ctx, r)
	}
	return nil, nil
}

// removeOwn removes the file of an artifact that is gone, if it is one that a client wrote for it, and no other artifact's too.
func (q called) removeOwn(ctx context.Context, r registry.Record) error {
	path := r.Text("path")
	name := filepath.Base(path)
	if filepath.Base(filepath.Dir(path)) != ownFolder || !strings.HasPrefix(name, r.Text("stem_uid")) || !filepath.IsAbs(path) {
		return nil
	}
	others, err := q.isUsed(ctx, path)
	if err != nil || others {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return pathError(path, err)
	}
	return nil
}

// isUsed reports whether an artifact lies at a path, in any database that has a name: a copy of a record shares its file. Of one that
// is there and can not be read, nobody knows, so that it counts as one that has such an artifact.
func (q called) isUsed(ctx context.Context, path string) (bool, error) {
	files, err := q.main.Databases(ctx)
	if err != nil {
		return true, err
	}
	here := registry.Query{Model: registry.ModelArtifact, Where: registry.Lookup{Path: "path", Value: path}, All: true}
	for _, db := range []*registry.DB{q.db, q.main} {
		if used, err := db.Exists(ctx, here); err != nil || used {
			return true, err
		}
	}
	for _, file := range files {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			continue // a name may come before its file
		}
		db, err := q.all.openFile(ctx, file)
		if err != nil {
			return true, context.Cause(ctx)
		}
		if used, err := db.Exists(ctx, here); err != nil || used {
			return true, context.Cause(ctx)
		}
	}
	return false, nil
}
