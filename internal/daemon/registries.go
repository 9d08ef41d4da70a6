package daemon

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/loaderd/loaderd/cache"
	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/registry"
)

// registries holds the databases that are open, and what their files were when they were looked at.
type registries struct {
	dir   string // of the default one; "": ipc.DataDir
	looks looks

	copies func() (*cache.Cache, error) // where what is on slow file systems is copied to

	turn chan struct{} // holds one: whoever has taken it may touch what follows; to open a database may take a while

	dbs    map[string]*registry.DB // by path
	closed bool
}

func newRegistries(dir string, copies func() (*cache.Cache, error)) *registries {
	r := &registries{dir: dir, copies: copies, turn: make(chan struct{}, 1), dbs: make(map[string]*registry.DB)}
	r.turn <- struct{}{}
	return r
}

// open gives a database by name, which the first call that wants it opens.
func (r *registries) open(ctx context.Context, name string) (*registry.DB, error) {
	return r.inTurn(ctx, func() (*registry.DB, error) {
		db, err := r.get(ctx, r.defaultPath)
		if err != nil || name == registry.DefaultName {
			return db, err
		}
		return r.get(ctx, func() (string, error) { return db.PathOf(ctx, name) })
	})
}

// openFile opens the database of a file, whether or not it has a name.
func (r *registries) openFile(ctx context.Context, path string) (*registry.DB, error) {
	return r.inTurn(ctx, func() (*registry.DB, error) { return r.get(ctx, func() (string, error) { return path, nil }) })
}

func (r *registries) inTurn(ctx context.Context, open func() (*registry.DB, error)) (*registry.DB, error) {
	select {
	case <-r.turn:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { r.turn <- struct{}{} }()
	if r.closed {
		return nil, errGone
	}
	return open()
}

func (r *registries) get(ctx context.Context, path func() (string, error)) (*registry.DB, error) {
	at, err := path()
	if err != nil {
		return nil, err
	}
	if db := r.dbs[at]; db != nil {
		return db, nil
	}
	db, err := registry.Open(ctx, registry.Options{Path: at, User: account(), Network: network()})
	if err != nil {
		return nil, err
	}
	r.dbs[at] = db
	return db, nil
}

func (r *registries) defaultPath() (string, error) {
	dir, err := r.dataDir()
	return filepath.Join(dir, registry.FileName), err
}

func (r *registries) dataDir() (string, error) {
	if r.dir != "" {
		return filepath.Abs(r.dir)
	}
	return ipc.DataDir()
}

func (r *registries) close() error {
	<-r.turn
	defer func() { r.turn <- struct{}{} }()
	r.closed = true
	var all error
	for _, path := range slices.Sorted(maps.Keys(r.dbs)) {
		all = errors.Join(all, r.dbs[path].Close())
	}
	return all
}

// network is what LOADERD_NETWORK_FS says of the file system of databases: 1, several machines share it; 0, none does; else the
// system is asked.
func network() registry.Network {
	switch os.Getenv("LOADERD_NETWORK_FS") {
	case "1":
		return registry.NetworkYes
	case "0":
		return registry.NetworkNo
	}
	return registry.NetworkAuto
}

// account is the name of the account that the daemon runs under.
func account() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	return "uid-" + strconv.Itoa(os.Getuid())
}
