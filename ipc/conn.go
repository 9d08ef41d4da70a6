package ipc

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

// Conn is a connection that carries messages and descriptors. One goroutine may read while any number write.
//
// A read or write ends when the connection is closed or the deadline of its [Conn.Socket] passes; to bind one to a context, do
// either from context.AfterFunc. After a failed write, which may have sent half a message, every later one fails with the
// same error. After a failed read, close the connection.
type Conn struct {
	sock    *net.UnixConn
	limits  Limits
	welcome atomic.Bool // welcome has passed: the larger limit holds

	in reader

	qmu  sync.Mutex // guards pend; never held while writing, so Queue does not wait for the peer
	pend outgoing

	wmu  sync.Mutex // held while writing, and taken before qmu; guards what follows
	out  outgoing   // what is being written; swapped with pend
	werr error      // why nothing can be written any more
}

// NewConn makes a Conn of a connected socket, which it owns from then on. Limits are [ServerLimits] or [ClientLimits].
func NewConn(sock *net.UnixConn, limits Limits) *Conn {
	return &Conn{sock: sock, limits: limits, in: reader{sock: sock, maxFDs: limits.FDs}}
}

// Socket is the connection below, for deadlines and credentials.
func (c *Conn) Socket() *net.UnixConn { return c.sock }

// ReadMsg reads the next message. body is valid until the next call; op is in it too. The error is io.EOF when the peer closed
// between messages, io.ErrUnexpectedEOF within one, and an [Error] with code protocol when the bytes are no message.
func (c *Conn) ReadMsg() (op string, body []byte, err error) {
	limit := c.limits.Handshake
	if c.welcome.Load() {
		limit = c.limits.Read
	}
	body, err = c.in.message(limit)
	if err != nil {
		return "", nil, err
	}
	name, err := scan(body, c.limits.Values)
	if err != nil {
		return "", nil, err
	}
	if name == nil {
		return "", nil, protocolErrorf("the message has no op")
	}
	op = opName(name)
	if op == OpWelcome {
		c.welcome.Store(true)
	}
	return op, body, nil
}

// TakeFD takes the first descriptor that came and was not taken. The caller owns the file. A message that announces one
// has it in the queue when ReadMsg returns.
func (c *Conn) TakeFD() (*os.File, error) {
	if f := c.in.takeFD(); f != nil {
		return f, nil
	}
	return nil, protocolErrorf("a message announces a file descriptor that did not come")
}

// WriteMsg sends a message, with what is queued before it, in one write where no descriptor comes in between. The files stay the
// caller's; they must stay open until WriteMsg returns.
func (c *Conn) WriteMsg(m Message, fds ...*os.File) error {
	if err := c.Queue(m, fds...); err != nil {
		return err
	}
	return c.Flush()
}

// Queue keeps a message for the next Flush or WriteMsg, of whatever goroutine. The message is encoded at once, so m may be
// changed afterwards; the files must stay open until it is sent. The error concerns this message only: it was not
// queued.
func (c *Conn) Queue(m Message, fds ...*os.File) error {
	limit := c.limits.Write
	if m.Op() == OpWelcome {
		c.welcome.Store(true) // before the peer can answer
	} else if !c.welcome.Load() {
		limit = min(limit, c.limits.Handshake)
	}
	c.qmu.Lock()
	defer c.qmu.Unlock()
	return c.pend.add(m, limit, fds)
}

// Flush sends what is queued, and returns when all that was queued before the call is in the socket's buffer.
func (c *Conn) Flush() error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	c.qmu.Lock()
	c.pend, c.out = c.out, c.pend
	c.qmu.Unlock()
	defer c.out.reset()
	if c.werr != nil {
		return c.werr
	}
	if err := c.out.send(c.sock); err != nil {
		if errors.Is(err, net.ErrClosed) {
			err = errConnClosed
		}
		c.werr = err
	}
	return c.werr
}

var errConnClosed = &Error{
	Code: CodeClosed, Stage: "connection", Message: "the connection is closed", cause: net.ErrClosed,
}

// Close closes the socket and every descriptor that nobody took. A read or write in progress ends.
func (c *Conn) Close() error {
	err := c.sock.Close()
	c.in.closeFDs()
	return err
}

// reader cuts the byte stream into messages, and keeps descriptors in the order they came.
type reader struct {
	sock   *net.UnixConn
	maxFDs int
	buf    []byte // [r, w) is read and not consumed
	r, w   int
	oob    []byte

	mu     sync.Mutex // guards what follows: TakeFD and Close may come from elsewhere
	fds    []*os.File
	closed bool
}

const (
	minBuffer  = 8 << 10
	keepBuffer = 64 << 10 // a larger buffer is given back after its message
)

// message returns the body of the next message.
func (r *reader) message(limit int) ([]byte, error) {
	if r.r == r.w && len(r.buf) > keepBuffer {
		r.buf, r.r, r.w = nil, 0, 0
	}
	if err := r.fill(headLen); err != nil {
		return nil, err
	}
	n := int(binary.LittleEndian.Uint32(r.buf[r.r:]))
	if n < 1 || n > limit {
		return nil, protocolErrorf("a message of %d bytes; the limit is %d", n, limit)
	}
	if err := r.fill(headLen + n); err != nil {
		return nil, err
	}
	body := r.buf[r.r+headLen : r.r+headLen+n]
	r.r += headLen + n
	return body, nil
}

// fill reads until n bytes are there. Memory grows with what has come, not with what was promised.
func (r *reader) fill(n int) error {
	for r.w-r.r < n {
		r.makeRoom(n)
		got, err := r.receive(r.buf[r.w:])
		r.w += got
		if err != nil {
			return err
		}
		if got == 0 {
			if r.w == r.r {
				return io.EOF
			}
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

// makeRoom leaves room for at least one byte, in a buffer of up to twice what is there.
func (r *reader) makeRoom(n int) {
	if r.r == r.w {
		r.r, r.w = 0, 0
	}
	if len(r.buf)-r.r >= n {
		return
	}
	if have := r.w - r.r; len(r.buf) >= n || len(r.buf) > have {
		copy(r.buf, r.buf[r.r:r.w])
		r.r, r.w = 0, have
		if r.w < len(r.buf) {
			return
		}
	}
	next := make([]byte, min(max(n, minBuffer), max(2*len(r.buf), minBuffer)))
	r.w = copy(next, r.buf[r.r:r.w])
	r.r, r.buf = 0, next
}

func (r *reader) takeFD() *os.File {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.fds) == 0 {
		return nil
	}
	f := r.fds[0]
	r.fds = append(r.fds[:0], r.fds[1:]...)
	return f
}

func (r *reader) closeFDs() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, f := range r.fds {
		f.Close()
	}
	r.fds = nil
}
