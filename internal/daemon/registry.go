package daemon

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/registry"
)

// called is what a call to the registry is answered from.
type called struct {
	db   *registry.DB
	args ipc.Args
}

// calls has the calls to the registry by name. The values are of plain msgpack types.
var calls = map[string]func(ctx context.Context, q called) (any, error){
	"get":   callGet,
	"query": callQuery,
	"save":  callSave,
}

// registry answers one call. It holds up the connection's other requests, so a client that streams makes one for the registry.
func (c *conn) registry(m *ipc.Registry) error {
	value, err := c.answerCall(m)
	if err != nil {
		return c.fail(m.ID, err)
	}
	return c.wire.WriteMsg(&ipc.Answer{ID: m.ID, Value: value, Arrays: []ipc.AnswerArray{}})
}

func (c *conn) answerCall(m *ipc.Registry) (value any, err error) {
	call := calls[m.Call]
	if call == nil {
		return nil, invalid("registry", "call", fmt.Errorf("%q is no call of this daemon; it has %q", m.Call, slices.Sorted(maps.Keys(calls))))
	}
	ctx, done := c.whileConnected()
	defer done()
	_, err = c.guarded(func() (*result, error) {
		db, err := c.server.registry.open(ctx)
		if err != nil {
			return nil, err
		}
		value, err = call(ctx, called{db, m.Args})
		return nil, err
	})
	return value, err
}

// registries holds the databases that are open.
type registries struct {
	dir string // of the default one; "": ipc.DataDir

	mu     sync.Mutex // guards what follows; held while a database is opened
	db     *registry.DB
	closed bool
}

func newRegistries(dir string) *registries { return &registries{dir: dir} }

// open gives the default database, which the first call opens.
func (r *registries) open(ctx context.Context) (*registry.DB, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errGone
	}
	if r.db != nil {
		return r.db, nil
	}
	dir := r.dir
	if dir == "" {
		var err error
		if dir, err = ipc.DataDir(); err != nil {
			return nil, err
		}
	}
	db, err := registry.Open(ctx, registry.Options{Path: filepath.Join(dir, registry.FileName), User: account()})
	r.db = db
	return db, err
}

func (r *registries) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.db == nil {
		return nil
	}
	return r.db.Close()
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
