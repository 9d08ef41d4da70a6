package ipc

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// soPeerPidfd is SO_PEERPIDFD (Linux 6.5).
const soPeerPidfd = 77

// PeerCred is the process at the other end, as the kernel recorded it when the connection was made.
func PeerCred(conn *net.UnixConn) (pid, uid int, err error) {
	var cred *unix.Ucred
	if err := control(conn, func(fd int) (err error) {
		cred, err = unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
		return err
	}); err != nil {
		return 0, -1, fmt.Errorf("credentials of the peer: %w", err)
	}
	return int(cred.Pid), int(cred.Uid), nil
}

// PeerPidfd is a pidfd of the process at the other end, or nil where there is none: an old kernel, or a process that is gone or in
// another pid namespace. It is readable once that process has died, also when a child of it still holds the socket. The
// caller owns it; [AwaitExit] waits on it.
func PeerPidfd(conn *net.UnixConn) *os.File {
	fd := -1
	err := control(conn, func(sock int) (err error) {
		fd, err = unix.GetsockoptInt(sock, unix.SOL_SOCKET, soPeerPidfd)
		return err
	})
	if err != nil {
		pid, _, err := PeerCred(conn)
		if err != nil || pid <= 0 {
			return nil
		}
		if fd, err = unix.PidfdOpen(pid, 0); err != nil {
			return nil
		}
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil { // so that the runtime's poller waits on it, not a thread
		unix.Close(fd)
		return nil
	}
	return os.NewFile(uintptr(fd), "pidfd")
}

// AwaitExit waits until the process of the pidfd is gone: nil. An error when the file is closed meanwhile, or its read
// deadline passes.
func AwaitExit(pidfd *os.File) error {
	raw, err := pidfd.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Read(func(fd uintptr) bool {
		var n int
		n, inner = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 || inner != nil && inner != unix.EINTR
	})
	if err != nil {
		return err
	}
	return inner
}

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
