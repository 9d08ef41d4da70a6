package daemon

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
	"github.com/loaderd/loaderd/registry"
)

// called is what a call to the registry is answered from.
type called struct {
	db       *registry.DB // that the call is about
	main     *registry.DB // the default one
	all      *registries
	args     ipc.Args
	progress func(what string, done, total int64) // tells the client how far it is
}

// calls has the calls to the registry by name. The values are of plain msgpack types.
var calls = map[string]func(ctx context.Context, q called) (any, error){
	"append":         callAppend,
	"cache":          callCache,
	"database":       callDatabase,
	"databases":      callDatabases,
	"delete":         callDelete,
	"features":       callFeatures,
	"finish":         callFinish,
	"get":            callGet,
	"import_lamindb": callImportLamindb,
	"input":          callInput,
	"labels":         callLabels,
	"lineage":        callLineage,
	"members":        callMembers,
	"query":          callQuery,
	"register":       callRegister,
	"restore":        callRestore,
	"save":           callSave,
	"search":         callSearch,
	"settings":       callSettings,
	"track":          callTrack,
	"update":         callUpdate,
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
	var common struct {
		Using   *string `msgpack:"using"`
		DataDir any     `msgpack:"data_dir"` // where the client expects the registry
	}
	if err := m.Args.Decode(&common); err != nil {
		return nil, err
	}
	using := registry.DefaultName
	if common.Using != nil {
		using = *common.Using
	}
	ctx, done := c.whileConnected()
	defer done()
	_, err = c.guarded(func() (*result, error) {
		all := c.server.registry
		main, err := all.open(ctx, registry.DefaultName)
		if err == nil && common.DataDir != nil {
			err = isIn(main.Path(), common.DataDir)
		}
		if err != nil {
			return nil, err
		}
		db, err := all.open(ctx, using)
		if err != nil {
			return nil, err
		}
		value, err = call(ctx, called{db, main, all, m.Args, c.progress(m.ID)})
		return nil, err
	})
	return value, err
}

// isIn is the error that the registry is not where a client expects it: what it saves would be lost to those who look there.
func isIn(database string, expected any) error {
	dir, err := pathOf(expected)
	if err != nil {
		return err
	}
	own := filepath.Dir(database)
	if here, err := os.Stat(own); err == nil {
		if there, err := os.Stat(dir); err == nil && os.SameFile(here, there) {
			return nil
		}
	}
	if own == dir {
		return nil
	}
	return &mapped.Error{Kind: mapped.ErrInvalid, Stage: "registry", Object: "LOADERD_DATA_DIR",
		Detail: fmt.Sprintf("it is %s here, and the daemon that runs has its registry in %s", dir, own),
		Hint:   "stop that daemon (loaderd stop), and the next call starts one with this registry; or set LOADERD_RUNTIME_DIR, too, for one beside it"}
}

// progressEvery is how often a client hears at most how far a call is.
const progressEvery = 200 * time.Millisecond

// progress tells the client how far the request id is. Calls must not overlap.
func (c *conn) progress(id int64) func(what string, done, total int64) {
	var last time.Time
	return func(what string, done, total int64) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			// That the client is gone is learnt elsewhere, too.
			_ = c.wire.WriteMsg(&ipc.Progress{ID: id, What: what, Done: done, Total: total})
		}
	}
}
