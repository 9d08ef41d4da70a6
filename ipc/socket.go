package ipc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listener is a listening socket, mode 0600. Close unlinks it, then closes it, once.
type Listener struct {
	*net.UnixListener
	path  string
	bound os.FileInfo

	close    sync.Once
	closeErr error
}

// Listen binds the socket at path, whose start lock the caller holds ([Lock]), and replaces one that nobody listens on.
// [ErrBusy] when somebody does. The folder is made and checked as [EnsureRuntimeDir] says.
func Listen(path string) (*Listener, error) {
	if err := EnsureRuntimeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	var l *net.UnixListener
	err := viaShortPath(path, func(short string) error {
		lc := net.ListenConfig{Control: privateSocket}
		ln, err := lc.Listen(context.Background(), "unix", short)
		if err == nil {
			l = ln.(*net.UnixListener)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	out := &Listener{UnixListener: l, path: path}
	if err = os.Chmod(path, 0o600); err == nil {
		out.bound, err = os.Lstat(path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, err), l.Close())
	}
	return out, nil
}

// privateSocket sets the mode that bind gives the socket's file, so that there is no moment in which others may connect.
func privateSocket(_, _ string, c syscall.RawConn) error {
	if runtime.GOOS != "linux" {
		return nil // elsewhere a socket's mode is set by path only, after bind
	}
	var inner error
	err := c.Control(func(fd uintptr) { inner = unix.Fchmod(int(fd), 0o600) })
	return errors.Join(err, inner)
}

// removeStale unlinks the socket of a daemon that is gone.
func removeStale(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	if fi.Mode()&os.ModeSocket == 0 {
		return &Error{
			Code: CodeInvalidArgument, Stage: "socket", Object: path, Message: path + " exists and is no socket",
			Hint: "remove it, or set LOADERD_SOCKET to another path",
		}
	}
	c, err := DialUnix(context.Background(), path)
	if err == nil {
		c.Close()
	}
	if err == nil || errors.Is(err, unix.EAGAIN) {
		return &Error{Code: CodeBusy, Stage: "socket", Object: path, Message: "a daemon listens on " + path + " already"}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the socket of a daemon that is gone: %w", err)
	}
	return nil
}

// Path is where the socket is.
func (l *Listener) Path() string { return l.path }

// Close unlinks the socket, unless another one has taken its place, and closes it. A second Close does nothing.
func (l *Listener) Close() error {
	l.close.Do(func() {
		var gone error
		if fi, err := os.Lstat(l.path); err == nil && os.SameFile(fi, l.bound) {
			gone = os.Remove(l.path)
		}
		l.closeErr = errors.Join(gone, l.UnixListener.Close())
	})
	return l.closeErr
}

// DialUnix connects to the socket at path, however long the path is. EAGAIN means that so many are waiting for the
// daemon that it takes no more for the moment.
func DialUnix(ctx context.Context, path string) (*net.UnixConn, error) {
	var c net.Conn
	err := viaShortPath(path, func(short string) (err error) {
		var d net.Dialer
		c, err = d.DialContext(ctx, "unix", short)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", path, err)
	}
	return c.(*net.UnixConn), nil
}

// maxSocketPath is the longest path in sockaddr_un on every system, with its final zero byte.
const maxSocketPath = 104

// viaShortPath calls fn with path, or with one through the folder's descriptor where path is too long for a socket.
func viaShortPath(path string, fn func(short string) error) error {
	if len(path) < maxSocketPath {
		return fn(path)
	}
	if runtime.GOOS != "linux" {
		return fmt.Errorf("the path has %d bytes, and this system allows %d: set LOADERD_RUNTIME_DIR to a shorter one: %w",
			len(path), maxSocketPath-1, unix.ENAMETOOLONG)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	short := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
	if len(short) >= maxSocketPath {
		return fmt.Errorf("the socket's name has %d bytes, more than a socket's name may have: %w", len(filepath.Base(path)),
			unix.ENAMETOOLONG)
	}
	return fn(short)
}
