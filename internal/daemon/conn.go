package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/internal/build"
	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// deathWait is how long a closed socket waits to learn whether its process died: the kernel closes a killed
// process's sockets a moment before it reports the death.
const deathWait = 60 * time.Millisecond

// conn is one client connection. Its reader goroutine handles messages in order and owns everything they made.
type conn struct {
	server *Server
	id     int64
	since  time.Time
	sock   *net.UnixConn
	wire   *ipc.Conn
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelCauseFunc
	peer   *os.File      // pidfd, or nil where there is none
	died   chan struct{} // closed when the process behind peer is gone

	mu     sync.Mutex // guards what follows: written by the reader, read by status too
	pid    int
	client string
	data   *dataset
	stream *stream
	getter *getter

	gets int64   // getters so far; their gens are negative
	rows []int64 // of the last get
}

func newConn(ctx context.Context, s *Server, id int64, sock *net.UnixConn) *conn {
	c := &conn{server: s, id: id, since: time.Now(), sock: sock, wire: ipc.NewConn(sock, ipc.ServerLimits),
		died: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.log = s.opt.Log.With("session", id)
	return c
}

// serve handles the connection until it ends, and gives back all it held.
func (c *conn) serve() {
	defer c.cancel(nil)
	var g errgroup.Group
	stop := context.AfterFunc(c.ctx, c.hangUp)
	defer stop()
	if err := c.handshake(); err != nil {
		c.log.Info("refused", "pid", c.pid, "error", err)
		c.wire.Close()
		return
	}
	c.log.Debug("connected", "pid", c.pid, "client", c.client)
	if c.peer != nil {
		g.Go(func() error {
			if ipc.AwaitExit(c.peer) == nil {
				close(c.died)
				c.cancel(errPeerDied)
			}
			return nil
		})
	}
	err := c.read()
	c.cancel(err)
	c.release()
	if c.peer != nil {
		c.peer.Close() // ends the wait
	}
	g.Wait()
	c.wire.Close()
	c.log.Debug("disconnected", "pid", c.pid, "reason", context.Cause(c.ctx))
}

// hangUp ends the reader's wait: with a word to the client when it is the daemon that leaves.
func (c *conn) hangUp() {
	if cause := context.Cause(c.ctx); errors.Is(cause, errGone) || errors.Is(cause, errLeave) {
		c.sock.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		c.wire.WriteMsg(wireError(errGone))
	}
	c.sock.CloseRead()
	c.sock.SetDeadline(time.Unix(1, 0))
}

// release gives back what the connection held. The memory of a dead client is emptied, for a forgotten child of it may still
// map it; what a living one maps stays its own.
func (c *conn) release() {
	c.mu.Lock()
	st, gt, d := c.stream, c.getter, c.data
	c.stream, c.getter, c.data = nil, nil, nil
	c.mu.Unlock()
	if st != nil {
		st.halt()
	}
	c.server.dismiss(c) // from here on only its memory is left
	dead := false
	if st != nil || gt != nil {
		dead = c.peerDied()
	}
	if st != nil {
		st.close(dead)
	}
	if gt != nil {
		gt.close(dead)
	}
	if d != nil {
		c.server.data.release(d, time.Now())
	}
}

func (c *conn) handshake() error {
	pid, uid, err := ipc.PeerCred(c.sock)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.pid = pid
	c.mu.Unlock()
	if uid != os.Getuid() {
		return fmt.Errorf("peer has uid %d, this daemon serves uid %d only", uid, os.Getuid())
	}
	c.sock.SetReadDeadline(time.Now().Add(helloTimeout))
	op, body, err := c.wire.ReadMsg()
	if err != nil {
		return err
	}
	if op != ipc.OpHello {
		return c.refuse(fmt.Errorf("%w: %q before hello", errProtocol, op))
	}
	var hello ipc.Hello
	if err := ipc.Decode(body, &hello); err != nil {
		return c.refuse(fmt.Errorf("%w: %w", errProtocol, err))
	}
	if hello.Protocol[0] != ipc.Major {
		return c.refuse(fmt.Errorf("%w: client speaks %d.%d, this daemon (pid %d, build %s) %d.%d", errVersion,
			hello.Protocol[0], hello.Protocol[1], os.Getpid(), build.Version, ipc.Major, ipc.Minor))
	}
	c.sock.SetReadDeadline(time.Time{})
	if c.ctx.Err() != nil { // hangUp may have come before the line above
		return context.Cause(c.ctx)
	}
	c.mu.Lock()
	c.client = hello.Client
	c.mu.Unlock()
	c.peer = ipc.PeerPidfd(c.sock)
	return c.wire.WriteMsg(&ipc.Welcome{Protocol: [2]int{ipc.Major, ipc.Minor}, Build: build.Version, PID: os.Getpid()})
}

func (c *conn) refuse(err error) error {
	return errors.Join(err, c.wire.WriteMsg(wireError(err)))
}

// read handles messages until the connection ends. The error says why.
func (c *conn) read() error {
	for {
		op, body, err := c.wire.ReadMsg()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return errHungUp
			}
			if errors.Is(err, ipc.ErrProtocol) {
				return c.refuse(fmt.Errorf("%w: %w", errProtocol, err))
			}
			return err
		}
		if err := c.handle(op, body); err != nil {
			if errors.Is(err, errProtocol) || errors.Is(err, ipc.ErrProtocol) {
				c.log.Warn("protocol error", "pid", c.pid, "error", err)
				return c.refuse(err)
			}
			return err
		}
	}
}

// handle answers one message. Only what ends the connection is returned; what concerns one request is answered.
func (c *conn) handle(op string, body []byte) error {
	switch op {
	case ipc.OpOpen:
		return handle(body, c.open)
	case ipc.OpGet:
		return handle(body, c.get)
	case ipc.OpQuery:
		return handle(body, c.query)
	case ipc.OpRegistry:
		return handle(body, c.registry)
	case ipc.OpStart:
		return handle(body, c.start)
	case ipc.OpRelease:
		return handle(body, c.released)
	case ipc.OpStop:
		return handle(body, c.stopStream)
	case ipc.OpStats:
		return handle(body, c.sendStats)
	case ipc.OpStatus:
		return handle(body, c.sendStatus)
	case ipc.OpShutdown:
		return handle(body, c.shutdown)
	}
	return fmt.Errorf("%w: unknown op %q", errProtocol, op)
}

func handle[M any](body []byte, fn func(*M) error) error {
	var m M
	if err := ipc.Decode(body, &m); err != nil {
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	return fn(&m)
}

func (c *conn) open(m *ipc.Open) error {
	o, err := optionsOf(m.Spec)
	if err == nil && len(m.Paths) == 0 {
		err = &mapped.Error{Kind: mapped.ErrInvalid, Stage: "open", Object: "paths", Detail: "the list is empty", Hint: "name at least one file"}
	}
	var d *dataset
	if err == nil {
		d, err = c.server.data.acquire(c.ctx, m.Paths, m.Spec, o)
	}
	if err != nil {
		return c.fail(m.ID, err)
	}
	c.drop()
	c.mu.Lock()
	old := c.data
	c.data = d
	c.mu.Unlock()
	if old != nil {
		c.server.data.release(old, time.Now())
	}
	msg := openedMessage(m, d.coll)
	if !m.Brief {
		msg.RowStore = c.server.rows.of(d.coll)
	}
	return c.wire.WriteMsg(msg)
}

// drop ends the stream and the getter, of which the client holds nothing it may release any more.
func (c *conn) drop() {
	c.endStream()
	c.mu.Lock()
	gt := c.getter
	c.getter = nil
	c.mu.Unlock()
	if gt != nil {
		gt.close(false)
	}
}

func (c *conn) endStream() {
	c.mu.Lock()
	st := c.stream
	c.stream = nil
	c.mu.Unlock()
	if st != nil {
		st.halt()
		st.close(false)
	}
}

func (c *conn) get(m *ipc.Get) error {
	if c.data == nil {
		return c.fail(m.ID, errNotOpen("get"))
	}
	coll := c.data.coll
	rows, err := rowsOf(c.rows, coll, m.Rows)
	if err != nil {
		return c.fail(m.ID, err)
	}
	c.rows = rows
	gt := c.getter
	if as := formOf(coll, m, rows); gt == nil || gt.form != as {
		if gt, err = newGetter(c.ctx, -1-c.gets, c.server.pool, &c.server.total, coll, as); err != nil {
			return c.fail(m.ID, err)
		}
		c.gets++
		old := c.getter
		c.mu.Lock()
		c.getter = gt
		c.mu.Unlock()
		if old != nil {
			old.close(false)
		}
	}
	msg, ring, err := gt.get(c.ctx, m.ID, rows)
	if err != nil {
		return c.fail(m.ID, err)
	}
	if ring == nil {
		return c.wire.WriteMsg(msg)
	}
	return c.wire.WriteMsg(msg, ring.File())
}

func (c *conn) start(m *ipc.Start) error {
	c.endStream()
	if c.data == nil {
		return c.wire.WriteMsg(atSeq(errNotOpen("start"), m.Gen, 0))
	}
	st, err := newStream(c.ctx, c.wire, c.server.pool, &c.server.total, c.data, *m)
	if err != nil {
		return c.wire.WriteMsg(atSeq(err, m.Gen, 0))
	}
	msg, ring := st.started()
	if err := c.wire.WriteMsg(msg, ring.File()); err != nil {
		st.close(false)
		return err
	}
	st.run(c.ctx)
	c.mu.Lock()
	c.stream = st
	c.mu.Unlock()
	return nil
}

func (c *conn) released(m *ipc.Release) error {
	switch {
	case m.Gen >= 0 && c.stream != nil && c.stream.gen == m.Gen:
		return c.stream.release(m.Seqs)
	case m.Gen < 0 && c.getter != nil && c.getter.gen == m.Gen:
		return c.getter.release(m.Seqs)
	}
	return nil // of a generation that is gone, and its memory with it
}

// stopStream ends the stream; of its ring stay the frames that the client holds, until the next start or the end of the connection.
func (c *conn) stopStream(m *ipc.Stop) error {
	if c.stream == nil || c.stream.gen != m.Gen {
		return nil
	}
	c.stream.halt()
	if m.Keep != nil {
		c.stream.mem.keep(*m.Keep)
	}
	return c.wire.WriteMsg(&ipc.End{Gen: m.Gen, Seq: c.stream.sent.Load()})
}

func (c *conn) shutdown(m *ipc.Shutdown) error {
	if _, ok := c.server.idle(c); m.IfIdle && !ok {
		return c.wire.WriteMsg(wireError(errBusy))
	}
	err := c.wire.WriteMsg(&ipc.Bye{})
	c.server.stop(fmt.Errorf("%w: asked by pid %d", errLeave, c.pid))
	return err
}

// fail answers request id with err.
func (c *conn) fail(id int64, err error) error {
	c.server.total.errors.Add(1)
	msg := wireError(err)
	msg.ID = &id
	c.log.Info("request failed", "pid", c.pid, "code", msg.Code, "object", msg.Object, "error", err)
	return c.wire.WriteMsg(msg)
}

// peerDied reports whether the process at the other end is gone, or goes within deathWait.
func (c *conn) peerDied() bool {
	if c.peer == nil {
		return false
	}
	t := time.NewTimer(deathWait)
	defer t.Stop()
	select {
	case <-c.died:
		return true
	case <-t.C:
		return false
	}
}
