package daemon

import (
	"errors"
	"log/slog"
	"sync"

	"github.com/loaderd/loaderd/cache/rowstore"
	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// rowStore is the daemon's row store, shared by all collections. It is opened with the first of them. Where that fails, the
// daemon serves without: chunks are then decoded as often as their rows are asked for.
type rowStore struct {
	dir    string // as LOADERD_ROWSTORE names it: see [ipc.RowStoreDir]
	budget Budget
	log    *slog.Logger

	mu     sync.Mutex // guards what follows; held while the store is opened
	store  *rowstore.Store
	opened bool
	why    error // there is none
}

func newRowStore(dir string, budget Budget, log *slog.Logger) *rowStore {
	return &rowStore{dir: dir, budget: budget, log: log}
}

// errNoRowStore: the user does not want one.
var errNoRowStore = errors.New("LOADERD_ROWSTORE is off")

// get is the store, or nil where there is none.
func (r *rowStore) get() *rowstore.Store {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opened {
		return r.store
	}
	r.opened = true
	r.store, r.why = r.open()
	switch {
	case r.why == nil:
		u := r.store.Usage()
		r.log.Info("row store", "dir", u.Dir, "bytes", u.Bytes, "allowed", u.Allowed, "free", u.Free)
	case !errors.Is(r.why, errNoRowStore):
		r.log.Warn("no row store: compressed chunks are decoded again and again", "error", r.why)
	}
	return r.store
}

func (r *rowStore) open() (*rowstore.Store, error) {
	dir, err := ipc.RowStoreDir(r.dir)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return nil, errNoRowStore
	}
	return rowstore.Open(rowstore.Options{Dir: dir, Budget: r.budget.Bytes, Share: r.budget.Share, Log: r.log})
}

// reason is why there is no store; nil when there is one, or nobody has needed it yet.
func (r *rowStore) reason() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.why
}

// close ends it; the collections must be closed.
func (r *rowStore) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	store := r.store
	r.store, r.opened, r.why = nil, true, errGone
	if store == nil {
		return nil
	}
	return store.Close()
}

// status is what the whole store holds; nil when it is not open.
func (r *rowStore) status() *ipc.RowStore {
	r.mu.Lock()
	store, why := r.store, r.why
	r.mu.Unlock()
	switch {
	case store != nil:
		u := store.Usage()
		return &ipc.RowStore{Dir: u.Dir, Total: u.Bytes, Allowed: u.Allowed, Free: u.Free}
	case why != nil:
		return &ipc.RowStore{Problem: why.Error()}
	}
	return nil
}

// of is what a collection has in the store; nil when nothing of it goes there, as of dense matrices that are not compressed, or when
// the user wants no store.
func (r *rowStore) of(c *mapped.Collection) *ipc.RowStore {
	if r.get() == nil {
		if why := r.reason(); !errors.Is(why, errNoRowStore) {
			return &ipc.RowStore{Problem: why.Error()}
		}
		return nil
	}
	u := c.RowStoreUsage()
	if u.Dir == "" {
		return nil
	}
	out := &ipc.RowStore{
		Dir: u.Dir, Rows: u.Rows, Stored: u.Stored, Has: u.Bytes, Needs: u.Needs,
		Total: u.Total, Allowed: u.Allowed, Free: u.Free, Complete: u.Stored >= u.Rows,
	}
	if u.Problem != nil {
		out.Problem = u.Problem.Error()
	}
	return out
}
