package ipc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// DialOptions say which daemon [Dial] reaches, and whether it may start one.
type DialOptions struct {
	Socket string // default: [SocketPath]
	Name   string // what this client calls itself in `loaderd status`; default: the program's name
	Build  string // of this client; with Start, an idle daemon of another build is replaced. Empty: any build will do

	// Start starts a daemon where none answers, unless LOADERD_AUTOSTART=0. It runs in a session of its own and outlives
	// this process; it leaves when idle.
	Start  bool
	Binary string // the daemon's; default: LOADERD_BIN, else loaderd on PATH

	Timeout time.Duration // for all of Dial where ctx has no deadline; default 15 s
}

// defaultDialTimeout is ample for a daemon to start on a loaded machine.
const defaultDialTimeout = 15 * time.Second

// Dial connects to the daemon and shakes hands. A daemon that leaves in between is no error: Dial starts over.
//
// The error is [ErrDaemonGone] when none answers (and none may be, or could be, started), [ErrVersion] when its protocol
// major is another, and the context's own when ctx ends first.
func Dial(ctx context.Context, o DialOptions) (*Client, error) {
	if o.Socket == "" {
		path, err := SocketPath()
		if err != nil {
			return nil, err
		}
		o.Socket = path
	}
	if os.Getenv("LOADERD_AUTOSTART") == "0" {
		o.Start = false
	}
	o.Name = cmp.Or(o.Name, "go "+programName())
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cmp.Or(o.Timeout, defaultDialTimeout))
		defer cancel()
	}
	d := dialer{DialOptions: o}
	return d.dial(ctx)
}

// dialer is one call of Dial.
type dialer struct {
	DialOptions
	wait time.Duration
	keep bool  // take the daemon of whatever build
	busy error // somebody else held the start lock
}

func (d *dialer) dial(ctx context.Context) (*Client, error) {
	for {
		c, err := d.try(ctx)
		if err == nil {
			if !d.replace(ctx, c) {
				return c, nil
			}
			continue
		}
		switch why := classify(err); {
		case ctx.Err() != nil:
			return nil, d.late(ctx, err)
		case why == isFatal:
			return nil, err
		case why == isAbsent && !d.Start:
			return nil, &Error{
				Code: CodeShuttingDown, Stage: "connect", Object: d.Socket, cause: err,
				Message: "no daemon listens on " + d.Socket, Hint: "start one with `loaderd serve`",
			}
		case why == isAbsent:
			if c, err := d.start(ctx); c != nil || err != nil {
				return c, err
			}
		}
		if d.pause(ctx) != nil {
			return nil, d.late(ctx, err)
		}
	}
}

// late is the error when ctx ends first; last is why the last attempt failed.
func (d *dialer) late(ctx context.Context, last error) error {
	if d.busy != nil {
		last = d.busy
	}
	return fmt.Errorf("connect to the daemon at %s: %w (%v)", d.Socket, context.Cause(ctx), last)
}

// pause waits a little, and longer each time.
func (d *dialer) pause(ctx context.Context) error {
	d.wait = min(max(2*d.wait, time.Millisecond), 50*time.Millisecond)
	return pause(ctx, d.wait)
}

// reason is why an attempt failed.
type reason int

const (
	isFatal   reason = iota
	isAbsent         // nobody listens
	isLeaving        // somebody did, and closed before welcome, or takes no more for the moment: try again
)

func classify(err error) reason {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return isAbsent
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.EAGAIN), errors.Is(err, ErrDaemonGone):
		return isLeaving
	}
	return isFatal
}

// try connects once.
func (d *dialer) try(ctx context.Context) (*Client, error) {
	sock, err := DialUnix(ctx, d.Socket)
	if err != nil {
		return nil, err
	}
	_, uid, err := PeerCred(sock)
	if err == nil && uid != os.Getuid() {
		err = &Error{
			Code: CodeInvalidArgument, Stage: "connect", Object: d.Socket,
			Message: fmt.Sprintf("the daemon at %s belongs to uid %d, not to you (uid %d)", d.Socket, uid, os.Getuid()),
			Hint:    "set LOADERD_RUNTIME_DIR to a folder of your own",
		}
	}
	if err != nil {
		sock.Close()
		return nil, err
	}
	conn := NewConn(sock, ClientLimits)
	stop := context.AfterFunc(ctx, func() { sock.SetDeadline(time.Unix(1, 0)) })
	welcome, err := d.shakeHands(conn)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return newClient(conn, d.Socket, welcome), nil
}

func (d *dialer) shakeHands(conn *Conn) (w Welcome, err error) {
	hello := &Hello{Protocol: [2]int{Major, Minor}, Build: d.Build, PID: os.Getpid(), Client: d.Name}
	// A daemon that refuses may close before it has read this: what it had to say is still there to be read.
	writeErr := conn.WriteMsg(hello)
	op, body, err := conn.ReadMsg()
	if err != nil {
		return w, errors.Join(err, writeErr)
	}
	switch op {
	case OpWelcome:
		err = Decode(body, &w)
	case OpError:
		e := new(Error)
		if err = Decode(body, e); err == nil {
			err = e
		}
	default:
		err = protocolErrorf("the daemon answers hello with %q", op)
	}
	if err == nil && w.Protocol[0] != Major {
		err = &Error{
			Code: CodeVersion, Stage: "hello", Object: d.Socket,
			Message: fmt.Sprintf("the daemon speaks protocol %d.%d, this client %d.%d", w.Protocol[0], w.Protocol[1], Major, Minor),
			Hint:    "install the same loaderd on both sides",
		}
	}
	return w, err
}

// replace asks a daemon of another build to leave, if it is idle, and reports whether to dial anew.
func (d *dialer) replace(ctx context.Context, c *Client) bool {
	if !d.Start || d.keep || d.Build == "" || c.welcome.Build == d.Build {
		return false
	}
	d.keep = true // ask once: the binary may be of yet another build
	if err := c.Shutdown(ctx, true); errors.Is(err, ErrBusy) {
		return false
	}
	c.Close()
	return true
}

func programName() string {
	if len(os.Args) == 0 {
		return "program"
	}
	return filepath.Base(os.Args[0])
}
