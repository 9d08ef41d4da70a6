//go:build unix

package h5

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stater asks for an open file's size and time of modification. os.File.Stat would allocate, and Changed is called for
// every batch; the bare descriptor could meanwhile be closed and be another file's.
type stater struct{ conn syscall.RawConn }

func newStater(f *os.File) (stater, error) {
	conn, err := f.SyscallConn()
	return stater{conn}, err
}

// statCall is one call's memory, with a function that is bound to it once.
type statCall struct {
	st  unix.Stat_t
	err error
	do  func(fd uintptr)
}

var statCalls = sync.Pool{New: func() any {
	c := new(statCall)
	c.do = func(fd uintptr) {
		for c.err = unix.EINTR; errors.Is(c.err, unix.EINTR); {
			c.err = unix.Fstat(int(fd), &c.st)
		}
	}
	return c
}}

func (s stater) stat() (size int64, modTime time.Time, err error) {
	c := statCalls.Get().(*statCall)
	defer statCalls.Put(c)
	if s.conn.Control(c.do) != nil {
		return 0, time.Time{}, os.ErrClosed // nothing else makes Control fail
	}
	return c.st.Size, time.Unix(c.st.Mtim.Unix()), c.err
}
