package ipc

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// PeerCred is the process at the other end, as the kernel recorded it when the connection was made.
func PeerCred(conn *net.UnixConn) (pid, uid int, err error) {
	var cred *unix.Xucred
	if err := control(conn, func(fd int) (err error) {
		if cred, err = unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED); err != nil {
			return err
		}
		pid, err = unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
		return err
	}); err != nil {
		return 0, -1, fmt.Errorf("credentials of the peer: %w", err)
	}
	return pid, int(cred.Uid), nil
}
