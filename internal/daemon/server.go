package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/internal/build"
	"github.com/loaderd/loaderd/ipc"
)

// DefaultIdleTimeout is how long a daemon without connections stays.
const DefaultIdleTimeout = 10 * time.Minute

// leaveTimeout is how long sessions may take to end when the daemon leaves; they need milliseconds.
const leaveTimeout = 5 * time.Second

// helloTimeout is how long a connection may take to say who it is.
const helloTimeout = 2 * time.Second

// Options say how a [Server] runs. The zero value of each field means its default.
type Options struct {
	Socket      string        // path of the socket; default [ipc.SocketPath]
	LockFD      int           // the start lock, already held, as passed on by the client that starts us; 0: none, it is taken here
	IdleTimeout time.Duration // leave after this long without a connection; negative: never
	Workers     int           // goroutines that fill batches; default: two for each core, so that one can read while one computes
	DataDir     string        // folder of the registry; default [ipc.DataDir]
	RowStore    string        // folder of decoded rows, as [ipc.RowStoreDir] reads it
	Budget      Budget        // of that folder
	CopiesDir   string        // folder of copies of artifacts; default [ipc.CopiesDir]
	CacheCopy   []string      // absolute paths: the artifacts below them are copied there before they are read; see package cache
	Log         *slog.Logger

	// Stuck is called when sessions have not ended some seconds after they were told to: a read that does not return,
	// from a dead network mount, say. Nothing in this process can end it. Default: the log says so.
	Stuck func()
}

func (o *Options) defaults() error {
	if o.Socket == "" {
		path, err := ipc.SocketPath()
		if err != nil {
			return err
		}
		o.Socket = path
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = DefaultIdleTimeout
	}
	if o.Workers < 0 || o.Workers > 4096 {
		return fmt.Errorf("workers: must be 1 to 4096 (or 0 for the default), got %d", o.Workers)
	}
	if o.Workers == 0 {
		o.Workers = 2 * runtime.GOMAXPROCS(0)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return nil
}

// Server is a listening daemon.
type Server struct {
	opt      Options
	listener *ipc.Listener
	started  time.Time
	pool     *pool
	data     *datasets
	total    counters
	registry *registries
	rows     *rowStore
	stop     context.CancelCauseFunc

	mu      sync.Mutex // guards what follows
	conns   map[*conn]struct{}
	quiet   time.Time // when the last connection left
	next    int64     // connection number
	leaving bool      // nobody is admitted any more
}

// Listen binds the socket under the start lock. ErrRunning, naming the pid, when a daemon answers there already.
func Listen(ctx context.Context, o Options) (*Server, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	copies := newCopies(o)
	if len(o.CacheCopy) > 0 { // else nobody needs a folder for them yet
		if _, err := copies(); err != nil {
			return nil, err
		}
	}
	lock, err := holdLock(ctx, o)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if pid, alive := probe(ctx, o.Socket); alive {
		return nil, fmt.Errorf("%w: pid %d at %s", ErrRunning, pid, o.Socket)
	}
	l, err := ipc.Listen(o.Socket)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	rows := newRowStore(o.RowStore, o.Budget, o.Log)
	return &Server{
		opt: o, listener: l, started: now, quiet: now, rows: rows,
		pool: newPool(o.Workers), data: newDatasets(rows), registry: newRegistries(o.DataDir, copies), conns: make(map[*conn]struct{}),
	}, nil
}

// ErrRunning: another daemon has the socket.
var ErrRunning = errors.New("loaderd is already running")

// Serve answers connections until ctx ends, a client asks for shutdown, or the daemon has been idle for its time.
// It returns when every session is closed and all memory is given back.
func (s *Server) Serve(ctx context.Context) error {
	ctx, s.stop = context.WithCancelCause(ctx)
	defer s.stop(nil)
	s.opt.Log.Info("serving", "socket", s.opt.Socket, "pid", os.Getpid(), "build", build.Version,
		"workers", s.opt.Workers, "idle_timeout", s.opt.IdleTimeout)

	var workers errgroup.Group
	poolCtx, closePool := context.WithCancel(context.WithoutCancel(ctx))
	s.pool.run(poolCtx, &workers)

	sessions, sctx := errgroup.WithContext(ctx)
	sessions.Go(func() error { return s.accept(sctx, sessions) })
	sessions.Go(func() error { return s.housekeeping(sctx) })
	ended := make(chan struct{})
	context.AfterFunc(sctx, func() {
		s.leave()
		select {
		case <-ended:
		case <-time.After(leaveTimeout):
			s.opt.Log.Error("sessions do not end", "waited", leaveTimeout)
			if s.opt.Stuck != nil {
				s.opt.Stuck()
			}
		}
	})
	err := sessions.Wait()
	close(ended)
	closePool()
	workers.Wait()
	s.data.close()
	if e := s.rows.close(); e != nil {
		s.opt.Log.Warn("the row store was not closed", "error", e)
	}
	if e := s.registry.close(); e != nil {
		s.opt.Log.Warn("close the registry", "error", e)
	}
	s.leave()
	if cause := context.Cause(ctx); errors.Is(cause, errLeave) || errors.Is(err, context.Canceled) {
		err = nil
	}
	s.opt.Log.Info("stopped", "reason", context.Cause(sctx), "error", err)
	return err
}

// errLeave is the cause of an orderly end.
var errLeave = errors.New("leaving")

// leave closes the socket and tells every connection.
func (s *Server) leave() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.cancel(errGone)
	}
}

func (s *Server) accept(ctx context.Context, g *errgroup.Group) error {
	for {
		sock, err := s.listener.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			if isTemporary(err) { // no descriptors left: those who have one can go on
				s.opt.Log.Warn("cannot accept", "error", err)
				select {
				case <-time.After(50 * time.Millisecond):
					continue
				case <-ctx.Done():
					return nil
				}
			}
			return fmt.Errorf("accept on %s: %w", s.opt.Socket, err)
		}
		c := s.admit(ctx, sock)
		if c == nil {
			sock.Close()
			continue
		}
		g.Go(func() error {
			defer s.dismiss(c)
			c.serve()
			return nil
		})
	}
}

// admit makes a connection of the socket, or nil when the daemon has decided to leave: whoever gets no welcome starts over.
func (s *Server) admit(ctx context.Context, sock *net.UnixConn) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving {
		return nil
	}
	s.next++
	c := newConn(ctx, s, s.next, sock)
	s.conns[c] = struct{}{}
	return c
}

// dismiss forgets a connection, once.
func (s *Server) dismiss(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conns[c]; ok {
		delete(s.conns, c)
		s.quiet = time.Now()
	}
}

// idle reports since when nobody but the given connection has been here.
func (s *Server) idle(but *conn) (since time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c != but {
			return time.Time{}, false
		}
	}
	return s.quiet, true
}

// housekeeping closes collections nobody uses, and the daemon when nobody is there.
func (s *Server) housekeeping(ctx context.Context) error {
	tick := linger / 10
	if t := s.opt.IdleTimeout; t > 0 {
		tick = min(tick, max(t/4, time.Millisecond))
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			s.data.expire(now.Add(-linger))
			if since, ok := s.idle(nil); ok && s.opt.IdleTimeout > 0 && now.Sub(since) >= s.opt.IdleTimeout {
				if s.retire() {
					s.stop(fmt.Errorf("%w: idle for %s", errLeave, s.opt.IdleTimeout))
					return nil
				}
			}
		}
	}
}

// retire unlinks and closes the socket under the start lock, unless somebody is starting or connected. A client in
// the backlog meets a reset before its welcome, and starts over.
func (s *Server) retire() bool {
	lock, err := ipc.TryLock(s.opt.Socket)
	if err != nil {
		return false
	}
	defer lock.Close()
	s.mu.Lock()
	s.leaving = len(s.conns) == 0
	leaving := s.leaving
	s.mu.Unlock()
	if !leaving {
		return false
	}
	s.listener.Close()
	return true
}

// holdLock is the start lock, taken or handed down.
func holdLock(ctx context.Context, o Options) (*os.File, error) {
	if o.LockFD > 0 {
		return ipc.InheritLock(o.LockFD, o.Socket)
	}
	return ipc.Lock(ctx, o.Socket)
}

// probe asks whoever listens on the socket for its pid.
func probe(ctx context.Context, socket string) (pid int, alive bool) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	c, err := ipc.Dial(ctx, ipc.DialOptions{Socket: socket})
	if err != nil {
		return 0, errors.Is(err, ipc.ErrVersion)
	}
	defer c.Close()
	return c.Welcome().PID, true
}
