//go:build unix

package ipc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// maxRights is how many descriptors one SCM_RIGHTS message can hold (SCM_MAX_FD). Room for fewer would make the kernel
// drop the rest.
const maxRights = 253

// receive reads some bytes, and the descriptors that come with them. They are close-on-exec (MSG_CMSG_CLOEXEC, which package net
// asks for). 0 and no error is end of file.
func (r *reader) receive(p []byte) (int, error) {
	if r.oob == nil {
		r.oob = make([]byte, unix.CmsgSpace(4*maxRights))
	}
	n, oobn, _, _, err := r.sock.ReadMsgUnix(p, r.oob)
	if oobn > 0 {
		if e := r.keep(r.oob[:oobn]); err == nil {
			err = e
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return max(n, 0), fmt.Errorf("read from the peer: %w", err)
	}
	return n, nil
}

// keep queues the descriptors in oob and closes those that there is no room for.
func (r *reader) keep(oob []byte) error {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return protocolErrorf("control data: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range msgs {
		fds, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			continue // credentials or the like: nothing to close
		}
		for _, fd := range fds {
			if r.closed || len(r.fds) >= r.maxFDs {
				unix.Close(fd)
				continue
			}
			r.fds = append(r.fds, os.NewFile(uintptr(fd), "memory of the daemon"))
		}
	}
	return nil
}

// outgoing is encoded messages, and the descriptors that go with the bytes at certain places among them.
type outgoing struct {
	buf    []byte
	rights []rights
}

// rights go with the byte at offset at.
type rights struct {
	at  int
	fds []*os.File
}

func (o *outgoing) add(m Message, limit int, fds []*os.File) error {
	if len(fds) > maxRights {
		return fmt.Errorf("%s: %d file descriptors with one message; at most %d", m.Op(), len(fds), maxRights)
	}
	start := len(o.buf)
	buf, err := appendMessage(o.buf, m, limit)
	o.buf = buf
	if err == nil && len(fds) > 0 {
		o.rights = append(o.rights, rights{start, fds})
	}
	return err
}

func (o *outgoing) reset() {
	clear(o.rights)
	o.buf, o.rights = o.buf[:0], o.rights[:0]
	if cap(o.buf) > keepBuffer {
		o.buf = nil
	}
}

// send writes everything, in one write for each stretch of messages that begins with descriptors.
func (o *outgoing) send(sock *net.UnixConn) error {
	at := 0
	for i := range o.rights {
		if err := write(sock, o.buf[at:o.rights[i].at], nil); err != nil {
			return err
		}
		at = o.rights[i].at
		end := len(o.buf)
		if i+1 < len(o.rights) {
			end = o.rights[i+1].at
		}
		if err := write(sock, o.buf[at:end], o.rights[i].fds); err != nil {
			return err
		}
		at = end
	}
	return write(sock, o.buf[at:], nil)
}

// write writes all of p, with files beside its first byte. sendmsg may stop in the middle of p; the descriptors have
// gone then.
func write(sock *net.UnixConn, p []byte, files []*os.File) error {
	if len(files) > 0 {
		n, err := sendRights(sock, p, files)
		if err != nil {
			return fmt.Errorf("write to the peer: %w", err)
		}
		p = p[n:]
	}
	if len(p) == 0 {
		return nil
	}
	if _, err := sock.Write(p); err != nil {
		return fmt.Errorf("write to the peer: %w", err)
	}
	return nil
}

// sendRights holds every file open, with Control, for the time of the call: its owner may close it meanwhile.
func sendRights(sock *net.UnixConn, p []byte, files []*os.File) (n int, err error) {
	var fds []int
	var hold func(rest []*os.File) error
	hold = func(rest []*os.File) error {
		if len(rest) == 0 {
			n, _, err = sock.WriteMsgUnix(p, unix.UnixRights(fds...), nil)
			return err
		}
		raw, err := rest[0].SyscallConn()
		if err != nil {
			return err
		}
		var inner error
		err = raw.Control(func(fd uintptr) {
			fds = append(fds, int(fd))
			inner = hold(rest[1:])
		})
		return errors.Join(err, inner)
	}
	err = hold(files)
	return n, err
}
