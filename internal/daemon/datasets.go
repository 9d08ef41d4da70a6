package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// linger is how long a collection stays open after its last user: a new iterator, or the next cell of a
// notebook, finds it warm.
const linger = 30 * time.Second

// maxIdle is how many collections stay open so: who rewrites a file and opens it again in a loop leaves one each time.
const maxIdle = 8

// dataset is an open collection, shared by all connections that asked for the same thing.
type dataset struct {
	key   string
	coll  *mapped.Collection
	paths []string

	// Guarded by datasets.mu.
	refs int
	idle time.Time
}

// datasets opens collections once and closes them when nobody has used them for a while. The key holds the
// request and the identity of every file, so a file that was replaced opens anew.
type datasets struct {
	rows *rowStore

	mu      sync.Mutex // guards what follows
	open    map[string]*dataset
	opening map[string]chan struct{}
	closed  bool
}

func newDatasets(rows *rowStore) *datasets {
	return &datasets{rows: rows, open: make(map[string]*dataset), opening: make(map[string]chan struct{})}
}

// acquire returns the dataset for paths and spec, counted once more. o is what the spec says.
func (s *datasets) acquire(ctx context.Context, paths []string, spec ipc.Spec, o mapped.Options) (*dataset, error) {
	key, err := datasetKey(paths, spec)
	if err != nil {
		return nil, err
	}
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, errGone
		}
		if d := s.open[key]; d != nil {
			d.refs++
			s.mu.Unlock()
			return d, nil
		}
		wait := s.opening[key]
		if wait == nil {
			break
		}
		s.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	done := make(chan struct{})
	s.opening[key] = done
	s.mu.Unlock()

	o.RowStore = s.rows.get()
	coll, err := openGuarded(ctx, paths, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.opening, key)
	close(done)
	if err != nil {
		return nil, err
	}
	d := &dataset{key: key, coll: coll, paths: paths, refs: 1}
	s.open[key] = d
	return d, nil
}

// openGuarded opens a collection. A panic is a bug of ours, and costs this request, not the daemon.
func openGuarded(ctx context.Context, paths []string, o mapped.Options) (c *mapped.Collection, err error) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("panic while opening", "paths", paths, "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: panic while opening %q: %v", errInternal, paths, r)
		}
	}()
	return mapped.Open(ctx, paths, o)
}

// release counts d once less. Beyond maxIdle, those that nobody uses close in the order in which they fell idle.
func (s *datasets) release(d *dataset, now time.Time) {
	s.mu.Lock()
	d.refs--
	d.idle = now
	var idle []*dataset
	for _, d := range s.open {
		if d.refs == 0 {
			idle = append(idle, d)
		}
	}
	slices.SortFunc(idle, func(a, b *dataset) int { return a.idle.Compare(b.idle) })
	idle = idle[:max(0, len(idle)-maxIdle)]
	for _, d := range idle {
		delete(s.open, d.key)
	}
	s.mu.Unlock()
	for _, d := range idle {
		d.coll.Close()
	}
}

// expire closes what has been idle since before the given time.
func (s *datasets) expire(before time.Time) {
	for _, d := range s.take(func(d *dataset) bool { return d.refs == 0 && d.idle.Before(before) }) {
		d.coll.Close()
	}
}

// close closes everything; connections must be gone.
func (s *datasets) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, d := range s.take(func(*dataset) bool { return true }) {
		d.coll.Close()
	}
}

func (s *datasets) take(which func(*dataset) bool) (out []*dataset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, d := range s.open {
		if which(d) {
			delete(s.open, key)
			out = append(out, d)
		}
	}
	return out
}

func (s *datasets) list() (out []dataset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.open {
		out = append(out, *d)
	}
	return out
}

// datasetKey says what makes two requests the same: the spec, and each file's name, identity and age. A file that cannot be
// looked at has its error for an identity: opening it says what is wrong.
func datasetKey(paths []string, spec ipc.Spec) (string, error) {
	form, err := msgpack.Marshal(spec) // writes its keys in one order
	if err != nil {
		return "", fmt.Errorf("%w: %w", errInternal, err)
	}
	var key strings.Builder
	key.Write(form)
	for _, p := range paths {
		id, err := mapped.FileIdentity(p)
		if err != nil {
			id = err.Error()
		}
		fmt.Fprintf(&key, "\n%q %s", p, id)
	}
	return key.String(), nil
}
