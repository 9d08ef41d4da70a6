package cache

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// isFull says whether err means that the disk, the quota or a limit of the process has no room.
func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

// freeIn is what a file system has for this user, in bytes.
func freeIn(dir string) (int64, error) {
	var st unix.Statfs_t
	for {
		switch err := unix.Statfs(dir, &st); {
		case err == nil:
			return int64(st.Bavail) * int64(st.Bsize), nil
		case !errors.Is(err, unix.EINTR):
			return 0, os.NewSyscallError("statfs", err)
		}
	}
}

// lockWait is how long who waits for a lock waits at most between two looks.
const lockWait = 50 * time.Millisecond

// lock takes the lock of a file, which is made where it is missing, and waits for it until ctx ends. Closing the file gives it back.
func lock(ctx context.Context, path string) (*os.File, error) {
	for wait := time.Millisecond; ; wait = min(2*wait, lockWait) {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil && isAt(f, path) { // else somebody has cleared the folder
			return f, nil
		}
		f.Close()
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, os.NewSyscallError("flock", err)
		}
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// isAt says whether f is still the file of that name.
func isAt(f *os.File, path string) bool {
	have, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(have, named)
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

// grains are the steps in which file systems keep times.
var grains = []time.Duration{1, 100, time.Microsecond, time.Millisecond, time.Second, 2 * time.Second}

// grainIn finds out in which steps the file system of a folder keeps times: what it cannot keep must not look like a change.
// Where that cannot be found out it is a nanosecond.
func grainIn(dir string) time.Duration {
	path := dir + "/grain"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return 1
	}
	defer f.Close()
	odd := time.Unix(1_000_000_001, 123_456_789)
	if err := os.Chtimes(path, odd, odd); err != nil {
		return 1
	}
	fi, err := f.Stat()
	if err != nil {
		return 1
	}
	for _, g := range grains {
		if odd.Truncate(g).Equal(fi.ModTime()) {
			return g
		}
	}
	return 1
}
