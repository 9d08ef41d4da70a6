//go:build unix && !linux

package ipc

import (
	"errors"
	"net"
	"os"
)

// PeerPidfd is nil: there are no pidfds here.
func PeerPidfd(*net.UnixConn) *os.File { return nil }

// AwaitExit has nothing to wait on here.
func AwaitExit(*os.File) error { return errors.ErrUnsupported }

func control(conn *net.UnixConn, fn func(fd int) error) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil {
		return err
	}
	return inner
}
