package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Client is one connection to the daemon. It answers gets and runs one stream at a time; two streams at once need two
// clients, which share files and caches in the daemon.
//
// All methods may be called from several goroutines. Each wait ends with its context, and with [ErrDaemonGone] when the daemon
// goes.
type Client struct {
	conn    *Conn
	socket  string
	welcome Welcome
	group   errgroup.Group // the reader and the writer
	kick    chan struct{}  // holds one: there is something to write
	done    chan struct{}  // closed when the connection has ended
	nextID  atomic.Int64
	nextGen atomic.Int64
	gets    *arena // of the frames that answer get; the reader's alone

	mu      sync.Mutex // guards what follows
	err     error      // why done is closed
	waiting map[int64]*waiter
	leaving *waiter // the answer to shutdown, which has no id
	session *Session
}

// waiter is a request without an answer yet.
type waiter struct {
	take func(op string, body []byte) error // called by the reader, before done
	done chan error                         // holds one

	progress func(Progress) // guarded by Client.mu; nil: nobody asks
}

func newClient(conn *Conn, socket string, w Welcome) *Client {
	c := &Client{
		conn: conn, socket: socket, welcome: w,
		kick: make(chan struct{}, 1), done: make(chan struct{}), waiting: make(map[int64]*waiter),
	}
	c.group.Go(c.read)
	c.group.Go(c.write)
	return c
}

// Welcome is what the daemon said of itself.
func (c *Client) Welcome() Welcome { return c.welcome }

// Open opens the files for this connection, in place of any before. Relative paths are taken from the working directory.
// A running stream ends.
func (c *Client) Open(ctx context.Context, paths []string, spec Spec) (*Opened, error) {
	abs := make([]string, len(paths))
	for i, p := range paths {
		var err error
		if abs[i], err = filepath.Abs(p); err != nil {
			return nil, fmt.Errorf("open %s: %w", p, err)
		}
	}
	c.supersede(nil)
	id := c.nextID.Add(1)
	out := new(Opened)
	err := c.call(ctx, id, &Open{ID: id, Paths: abs, Spec: spec}, expect(OpOpened, out))
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetOptions say in what form [Client.Get] wants the rows.
type GetOptions struct {
	Format string // "dense" (default) or "csr"
	DType  string // of the layers; default: the files' own
	Own    bool   // rows of one store as that store has them: types, and columns of raw.X
}

// Get returns the rows of the collection in the order given; a row may come twice.
func (c *Client) Get(ctx context.Context, rows []int64, o GetOptions) (*Batch, error) {
	if o.Format == "" {
		o.Format = "dense"
	}
	id := c.nextID.Add(1)
	var got *Batch
	err := c.call(ctx, id, &Get{ID: id, Rows: EncodeRows(rows), Format: o.Format, DType: o.DType, Own: o.Own}, func(op string, body []byte) error {
		if op != OpReady {
			return protocolErrorf("the daemon answers get with %q", op)
		}
		var err error
		got, err = c.batch(body, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	return got, nil
}

// Status asks the daemon for its counters.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	id, out := c.nextID.Add(1), new(Status)
	if err := c.call(ctx, id, &StatusRequest{ID: id}, expect(OpStatus, out)); err != nil {
		return nil, err
	}
	return out, nil
}

// Stats asks the daemon for the counters of this connection's stream.
func (c *Client) Stats(ctx context.Context) (*Stats, error) {
	id, out := c.nextID.Add(1), new(Stats)
	if err := c.call(ctx, id, &StatsRequest{ID: id}, expect(OpStats, out)); err != nil {
		return nil, err
	}
	return out, nil
}

// Shutdown asks the daemon to leave, and returns when it listens no more. With ifIdle it does so only when no other client
// is connected; else the error is [ErrBusy]. The connection has ended then.
func (c *Client) Shutdown(ctx context.Context, ifIdle bool) error {
	w := &waiter{take: func(op string, _ []byte) error {
		if op != OpBye {
			return protocolErrorf("the daemon answers shutdown with %q", op)
		}
		return nil
	}, done: make(chan error, 1)}
	c.mu.Lock()
	if c.leaving != nil {
		c.mu.Unlock()
		return &Error{Code: CodeBusy, Stage: "shutdown", Message: "shutdown was asked for already"}
	}
	c.leaving = w
	c.mu.Unlock()
	if err := c.await(ctx, &Shutdown{IfIdle: ifIdle}, w, func() { c.leaving = nil }); err != nil {
		return err
	}
	select {
	case <-c.done: // it closes its connections after its socket
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the daemon to leave: %w", context.Cause(ctx))
	}
}

// Close ends the connection, and the session with it. Batches that are held stay readable until they are released.
func (c *Client) Close() error {
	c.fail(&Error{Code: CodeClosed, Stage: "connection", Message: "the client is closed", cause: net.ErrClosed})
	c.group.Wait()
	c.supersede(nil)
	if c.gets != nil {
		c.gets.end()
	}
	reap()
	return nil
}

// expect decodes the answer op into the struct that into points to.
func expect(op string, into any) func(string, []byte) error {
	return func(got string, body []byte) error {
		if got != op {
			return protocolErrorf("the daemon answers %q, and not %q", got, op)
		}
		return Decode(body, into)
	}
}

// call sends a request and waits for its answer.
func (c *Client) call(ctx context.Context, id int64, m Message, take func(string, []byte) error) error {
	return c.callWith(ctx, id, m, &waiter{take: take, done: make(chan error, 1)})
}

func (c *Client) callWith(ctx context.Context, id int64, m Message, w *waiter) error {
	c.mu.Lock()
	c.waiting[id] = w
	c.mu.Unlock()
	return c.await(ctx, m, w, func() { delete(c.waiting, id) })
}

// await sends m and waits for w. When ctx ends first, the answer is taken all the same, and given back.
func (c *Client) await(ctx context.Context, m Message, w *waiter, forget func()) error {
	if err := c.send(m); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		forget()
		return err
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		err := fmt.Errorf("wait for the answer to %s: %w", m.Op(), context.Cause(ctx))
		c.mu.Lock()
		defer c.mu.Unlock()
		w.take, w.progress = discard(c), nil
		return err
	case <-c.done:
		select {
		case err := <-w.done: // it came before the end
			return err
		default:
			return c.failure()
		}
	}
}

// discard takes an answer nobody waits for.
func discard(c *Client) func(string, []byte) error {
	return func(op string, body []byte) error {
		if op == OpReady {
			b, err := c.batch(body, nil)
			if err != nil {
				return err
			}
			b.Release()
			return nil
		}
		return c.dropFD(op, body)
	}
}

// send queues m for the writer, so that no caller waits for a daemon that does not read.
func (c *Client) send(m Message) error {
	select {
	case <-c.done:
		return c.failure()
	default:
	}
	if err := c.conn.Queue(m); err != nil {
		return err
	}
	select {
	case c.kick <- struct{}{}:
	default: // the writer has yet to take the last kick
	}
	return nil
}

func (c *Client) write() error {
	for {
		select {
		case <-c.kick:
			if err := c.conn.Flush(); err != nil {
				return nil // the reader learns it too, and can tell what the daemon said last
			}
		case <-c.done:
			return nil
		}
	}
}

func (c *Client) read() error {
	for {
		op, body, err := c.conn.ReadMsg()
		if err == nil {
			err = c.dispatch(op, body)
		}
		if err != nil {
			c.fail(c.gone(err))
			return nil
		}
	}
}

// dispatch hands a message to whoever waits for it. An error ends the connection.
func (c *Client) dispatch(op string, body []byte) error {
	var to struct {
		ID  *int64 `msgpack:"id"`
		Gen *int64 `msgpack:"gen"`
	}
	if err := Decode(body, &to); err != nil {
		return err
	}
	if to.ID == nil && to.Gen != nil {
		return c.stream(op, *to.Gen, body)
	}
	if op == OpProgress {
		return c.progressed(body)
	}
	var told error // what an error message says
	if op == OpError {
		e := new(Error)
		if err := Decode(body, e); err != nil {
			return err
		}
		told = e
	}
	w := c.waiterFor(to.ID, op, told)
	if w == nil {
		if told != nil && to.ID == nil {
			return told
		}
		return c.dropFD(op, body) // an answer to a request of which we know nothing
	}
	if told != nil {
		w.done <- told
		return nil
	}
	c.mu.Lock()
	take := w.take
	c.mu.Unlock()
	err := take(op, body)
	w.done <- err
	if errors.Is(err, ErrProtocol) {
		return err
	}
	return nil
}

// waiterFor takes the request that a message answers off the list.
func (c *Client) waiterFor(id *int64, op string, told error) *waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != nil {
		w := c.waiting[*id]
		delete(c.waiting, *id)
		return w
	}
	if op != OpBye && !errors.Is(told, ErrBusy) {
		return nil
	}
	w := c.leaving
	c.leaving = nil
	return w
}

// gone is why the connection ended, for the user.
func (c *Client) gone(err error) error {
	var said *Error
	if errors.As(err, &said) {
		return err
	}
	log, _ := LogPath(c.socket)
	why := "it closed the connection"
	if !errors.Is(err, io.EOF) {
		why = err.Error()
	}
	return &Error{
		Code: CodeShuttingDown, Stage: "connection", Object: c.socket, cause: err,
		Message: fmt.Sprintf("the daemon (pid %d) at %s is gone: %s", c.welcome.PID, c.socket, why),
		Hint:    "dial again to start another; its log is " + log,
	}
}

// fail ends the connection; the first reason stays.
func (c *Client) fail(err error) {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = err
		close(c.done)
	}
	c.mu.Unlock()
	if first {
		c.conn.Close()
	}
}

func (c *Client) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
