//go:build linux

package ipc

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
	"golang.org/x/sys/unix"
)

func TestASocketIsPrivateAndGoesWithItsListener(t *testing.T) {
	leak.Check(t)
	for _, tc := range []struct{ name, path string }{
		{"with a short path", filepath.Join(privateDir(t), "s.sock")},
		{"with a path longer than a socket's may be", filepath.Join(privateDir(t), strings.Repeat("long/", 40), "s.sock")},
		{"with the longest name", filepath.Join(privateDir(t), strings.Repeat("long/", 40), strings.Repeat("n", 80))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old := unix.Umask(0)
			defer unix.Umask(old)
			check(t, os.MkdirAll(filepath.Dir(tc.path), 0o700))
			l, err := Listen(tc.path)
			check(t, err)
			if fi, err := os.Lstat(tc.path); err != nil || fi.Mode() != os.ModeSocket|0o600 {
				t.Errorf("%v, %v", fi, err)
			}
			if l.Path() != tc.path {
				t.Errorf("path %q", l.Path())
			}
			go func() {
				if c, err := l.AcceptUnix(); err == nil {
					c.Write([]byte("hello"))
					c.Close()
				}
			}()
			c, err := DialUnix(soon(t), tc.path)
			check(t, err)
			if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			c.Close()
			check(t, l.Close())
			check(t, l.Close())
			if _, err := os.Lstat(tc.path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is still there: %v", err)
			}
			if _, err := DialUnix(soon(t), tc.path); classify(err) != isAbsent {
				t.Errorf("connect to nothing: %v", err)
			}
		})
	}
}

func TestANameThatNoSocketCanHaveIsRefused(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(privateDir(t), strings.Repeat("n", 110))
	if _, err := Listen(path); !errors.Is(err, unix.ENAMETOOLONG) {
		t.Errorf("error %v", err)
	}
}

func TestASocketNobodyListensOnIsReplacedAndOthersAreNot(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(privateDir(t), "s.sock")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	check(t, err)
	stale.SetUnlinkOnClose(false)
	stale.Close()
	l, err := Listen(path)
	check(t, err)
	_, err = Listen(path)
	wantError(t, err, ErrBusy, path)
	check(t, l.Close())

	check(t, os.WriteFile(path, []byte("mine"), 0o600))
	_, err = Listen(path)
	wantError(t, err, ErrInvalidArgument, path, "no socket")
	if b, err := os.ReadFile(path); string(b) != "mine" || err != nil {
		t.Errorf("the file was touched: %q, %v", b, err)
	}
}

func TestAListenerDoesNotUnlinkWhatTookItsPlace(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(privateDir(t), "s.sock")
	first, err := Listen(path)
	check(t, err)
	check(t, os.Remove(path))
	second, err := Listen(path)
	check(t, err)
	check(t, first.Close())
	c, err := DialUnix(soon(t), path)
	check(t, err)
	c.Close()
	check(t, second.Close())
}

// holder starts a process that connects to l and stays.
func holder(t *testing.T, l *Listener) (*exec.Cmd, *net.UnixConn, io.Closer) {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	cmd := exec.Command(self, "hold", l.Path())
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	conn, err := l.AcceptUnix()
	check(t, err)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "connected\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd, conn, in
}

func TestThePeerIsKnownAndItsDeathToldWithoutTheSocket(t *testing.T) {
	leak.Check(t)
	l, err := Listen(filepath.Join(privateDir(t), "s.sock"))
	check(t, err)
	defer l.Close()
	cmd, conn, in := holder(t, l)
	defer conn.Close()
	pid, uid, err := PeerCred(conn)
	if pid != cmd.Process.Pid || uid != os.Getuid() || err != nil {
		t.Errorf("pid %d, uid %d, %v; want %d, %d", pid, uid, err, cmd.Process.Pid, os.Getuid())
	}
	pidfd := PeerPidfd(conn)
	if pidfd == nil {
		t.Fatal("no pidfd")
	}
	defer pidfd.Close()
	if flags, err := unix.FcntlInt(pidfd.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x, %v", flags, err)
	}
	dead := make(chan error)
	go func() { dead <- AwaitExit(pidfd) }()
	select {
	case err := <-dead:
		t.Fatalf("a living process is said to be dead: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	check(t, cmd.Process.Kill())
	check(t, <-dead) // before it is waited for
	cmd.Wait()
	in.Close()
	check(t, AwaitExit(pidfd))
}

func TestClosingThePidfdEndsTheWait(t *testing.T) {
	leak.Check(t)
	l, err := Listen(filepath.Join(privateDir(t), "s.sock"))
	check(t, err)
	defer l.Close()
	cmd, conn, in := holder(t, l)
	defer conn.Close()
	pidfd := PeerPidfd(conn)
	ended := make(chan error)
	go func() { ended <- AwaitExit(pidfd) }()
	time.Sleep(5 * time.Millisecond)
	pidfd.Close()
	if err := <-ended; err == nil {
		t.Error("a closed pidfd is said to be a dead process")
	}
	in.Close()
	check(t, cmd.Wait())
}

func TestThePeerOfAClosedConnectionIsNotKnown(t *testing.T) {
	a, _ := sockets(t)
	a.Close()
	if _, _, err := PeerCred(a); err == nil {
		t.Error("no error")
	}
	if f := PeerPidfd(a); f != nil {
		t.Error("a pidfd")
	}
}
