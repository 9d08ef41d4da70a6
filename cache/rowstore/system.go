package rowstore

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// system is what a store asks of the machine. Tests put other answers in.
type system struct {
	space    func(dir string) (diskSpace, error)
	allocate func(f *os.File, off, n int64) error // reserves blocks; errors.ErrUnsupported where files have none to reserve
	write    func(f *os.File, p []byte, off int64) (int, error)
	sync     func(f *os.File) error
	now      func() time.Time
	host     string
	boot     string // changes when the machine starts; "" where the system does not say
}

// diskSpace is a file system's, in bytes. The zero value: not known.
type diskSpace struct {
	size    int64
	free    int64 // for this user
	network bool  // other machines may write there
}

func thisSystem() system {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return system{
		space:    spaceOf,
		allocate: allocate,
		write:    (*os.File).WriteAt,
		sync:     (*os.File).Sync,
		now:      time.Now,
		host:     host,
		boot:     bootID(),
	}
}

// isFull says whether err means that the disk, the quota or a limit of the process has no room.
func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

// isGone says whether err means that another process has removed a file.
func isGone(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESTALE) }

var (
	errBusy    = errors.New("another process holds its lock")
	errNoLocks = errors.New("the file system has no locks")
)

// lockFile takes the lock of a file without waiting: errBusy when another has it, errNoLocks where there are none.
func lockFile(f *os.File, exclusive bool) error {
	how := unix.LOCK_SH | unix.LOCK_NB
	if exclusive {
		how = unix.LOCK_EX | unix.LOCK_NB
	}
	for {
		switch err := unix.Flock(int(f.Fd()), how); {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return errBusy
		case errors.Is(err, unix.ENOLCK) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOTSUP):
			return errNoLocks
		default:
			return os.NewSyscallError("flock", err)
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

// syncFolder makes the names in a folder last.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}
