package ipc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Lock takes the start lock of a socket, under which a daemon is started and leaves, and waits for it until ctx ends. Closing
// the file gives it back, once every process that inherited it has closed it too. The lock file stays: were it unlinked, two could
// hold two of the same name.
func Lock(ctx context.Context, socket string) (*os.File, error) {
	wait := 2 * time.Millisecond
	for {
		f, err := TryLock(socket)
		if !errors.Is(err, ErrBusy) {
			return f, err
		}
		if err := pause(ctx, wait); err != nil {
			return nil, fmt.Errorf("wait for %s: %w", LockPath(socket), err)
		}
		wait = min(2*wait, 20*time.Millisecond)
	}
}

// TryLock is [Lock] that does not wait: ErrBusy when somebody has it.
func TryLock(socket string) (*os.File, error) {
	if err := EnsureRuntimeDir(filepath.Dir(socket)); err != nil {
		return nil, err
	}
	path := LockPath(socket)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start lock: %w", err)
	}
	if err := ownFile(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("start lock %s: %w", path, err)
	}
	if err := flock(f); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &Error{
				Code: CodeBusy, Stage: "lock", Object: path, cause: err, Message: "another process is starting or stopping a daemon",
			}
		}
		return nil, fmt.Errorf("start lock %s: %w", path, err)
	}
	return f, nil
}

func flock(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// InheritLock is the lock of a socket that the parent process holds and passed on as descriptor fd, which is the returned file's
// from then on. On an error it is nobody's: it is not closed.
func InheritLock(fd int, socket string) (*os.File, error) {
	path := LockPath(socket)
	var have, named unix.Stat_t
	if err := unix.Fstat(fd, &have); err != nil {
		return nil, fmt.Errorf("start lock: descriptor %d: %w", fd, err)
	}
	if err := unix.Lstat(path, &named); err != nil {
		return nil, fmt.Errorf("start lock %s: %w", path, err)
	}
	if have.Dev != named.Dev || have.Ino != named.Ino {
		return nil, fmt.Errorf("start lock: descriptor %d is not %s", fd, path)
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), path), nil
}

// ownFile refuses a file somebody else could hold a lock on.
func ownFile(f *os.File) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) != os.Getuid() {
		return errors.New("it belongs to another user")
	}
	if !fi.Mode().IsRegular() {
		return errors.New("it is no regular file")
	}
	return nil
}

// pause waits for d, or for the end of ctx, which is an error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
