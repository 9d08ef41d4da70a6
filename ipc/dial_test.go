//go:build linux

package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
	"golang.org/x/sys/unix"
)

// place is an empty place for a daemon to start in.
type place struct {
	socket string
	opts   DialOptions
}

// newPlace makes the test binary the daemon's, and waits at the end for what it started.
func newPlace(t *testing.T) place {
	t.Helper()
	leak.Check(t)
	clearEnv(t)
	dir := privateDir(t)
	self, err := os.Executable()
	check(t, err)
	t.Setenv("LOADERD_STATE_DIR", filepath.Join(dir, "state", "logs"))
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or each daemon takes a second to end
	p := place{socket: filepath.Join(dir, "run", "s.sock")}
	p.opts = DialOptions{Socket: p.socket, Start: true, Binary: self}
	t.Cleanup(func() {
		p.stop(t)
		for len(pidsStarted()) > 0 {
			reap()
			time.Sleep(time.Millisecond)
		}
	})
	return p
}

// stop asks the daemon there, if any, to leave.
func (p place) stop(t *testing.T) {
	t.Helper()
	c, err := Dial(soon(t), DialOptions{Socket: p.socket})
	if errors.Is(err, ErrDaemonGone) {
		return
	}
	check(t, err)
	check(t, c.Shutdown(soon(t), false))
	check(t, c.Close())
}

func pidsStarted() []int {
	children.mu.Lock()
	defer children.mu.Unlock()
	return append([]int(nil), children.pids...)
}

func (p place) log(t *testing.T) string {
	t.Helper()
	path, err := LogPath(p.socket)
	check(t, err)
	b, err := os.ReadFile(path)
	check(t, err)
	return string(b)
}

func TestDialStartsADaemonOfItsOwnSession(t *testing.T) {
	p := newPlace(t)
	t.Setenv("FAKE_BUILD", "b1")
	c, err := Dial(soon(t), p.opts)
	check(t, err)
	defer c.Close()
	pid := c.Welcome().PID
	if pid == os.Getpid() || c.Welcome().Build != "b1" {
		t.Errorf("welcome %+v", c.Welcome())
	}
	said := regexp.MustCompile(`pid (\d+) sid (\d+) starting`).FindStringSubmatch(p.log(t))
	if said == nil || said[1] != strconv.Itoa(pid) || said[2] != said[1] {
		t.Errorf("the log says %q, want pid and session %d", p.log(t), pid)
	}
	lock, err := TryLock(p.socket) // given back by the daemon once it listens
	check(t, err)
	lock.Close()
	again, err := Dial(soon(t), p.opts)
	check(t, err)
	defer again.Close()
	if again.Welcome().PID != pid {
		t.Errorf("a second daemon, pid %d", again.Welcome().PID)
	}
}

func TestManyWhoStartAtOnceShareOneDaemon(t *testing.T) {
	p := newPlace(t)
	var mu sync.Mutex
	pids := map[int]int{}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			c, err := Dial(soon(t), p.opts)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			mu.Lock()
			defer mu.Unlock()
			pids[c.Welcome().PID]++
		})
	}
	wg.Wait()
	if len(pids) != 1 || strings.Count(p.log(t), "starting") != 1 {
		t.Errorf("daemons %v; log:\n%s", pids, p.log(t))
	}
}

func TestAClientThatMeetsADaemonOnItsWayOutStartsAnother(t *testing.T) {
	p := newPlace(t)
	t.Setenv("LOADERD_IDLE_TIMEOUT", "1ms")
	rounds := 100
	if testing.Short() {
		rounds = 10
	}
	pids := map[int]bool{}
	for range rounds {
		c, err := Dial(soon(t), p.opts)
		check(t, err)
		if _, err := c.Status(soon(t)); err != nil {
			t.Fatal(err)
		}
		pids[c.Welcome().PID] = true
		check(t, c.Close())
		time.Sleep(time.Millisecond + time.Duration(len(pids)%5)*200*time.Microsecond) // about when it leaves
	}
	if len(pids) < 2 {
		t.Error("no daemon left: this test tests nothing")
	}
}

func TestAConnectionClosedBeforeWelcomeIsTriedAgain(t *testing.T) {
	leak.Check(t)
	clearEnv(t)
	d := &FakeDaemon{Rows: 1}
	hellos := 0
	d.Answer = func(c *Conn, op string, _ []byte) bool {
		if op != OpHello {
			return false
		}
		if hellos++; hellos < 4 {
			c.Close()
			return true
		}
		return false
	}
	socket := filepath.Join(privateDir(t), "s.sock")
	check(t, d.Serve(socket))
	defer d.Stop()
	c, err := Dial(soon(t), DialOptions{Socket: socket})
	check(t, err)
	check(t, c.Close())
}

func TestAnIdleDaemonOfAnotherBuildIsReplacedAndABusyOneKept(t *testing.T) {
	p := newPlace(t)
	t.Setenv("FAKE_BUILD", "old")
	first, err := Dial(soon(t), p.opts)
	check(t, err)
	t.Setenv("FAKE_BUILD", "new")
	p.opts.Build = "new"
	second, err := Dial(soon(t), p.opts)
	check(t, err)
	if second.Welcome().Build != "old" {
		t.Errorf("a daemon in use was replaced by one of build %q", second.Welcome().Build)
	}
	check(t, first.Close())
	check(t, second.Close())
	for { // the daemon learns of the close in its own time
		c, err := Dial(soon(t), p.opts)
		check(t, err)
		build := c.Welcome().Build
		check(t, c.Close())
		if build == "new" {
			break
		}
	}
	p.opts.Build = "newer still" // which the binary is not: one try, and no more
	c, err := Dial(soon(t), p.opts)
	check(t, err)
	if c.Welcome().Build != "new" {
		t.Errorf("build %q", c.Welcome().Build)
	}
	check(t, c.Close())
}

func TestDialSaysWhyThereIsNoDaemon(t *testing.T) {
	t.Run("none runs, and none may be started", func(t *testing.T) {
		p := newPlace(t)
		p.opts.Start = false
		_, err := Dial(soon(t), p.opts)
		wantError(t, err, ErrDaemonGone, p.socket, "loaderd serve")
	})
	t.Run("starting is switched off", func(t *testing.T) {
		p := newPlace(t)
		t.Setenv("LOADERD_AUTOSTART", "0")
		_, err := Dial(soon(t), p.opts)
		wantError(t, err, ErrDaemonGone, "loaderd serve")
	})
	t.Run("no binary", func(t *testing.T) {
		p := newPlace(t)
		p.opts.Binary = "/nonexistent/loaderd"
		_, err := Dial(soon(t), p.opts)
		wantError(t, err, ErrNotFound, "/nonexistent/loaderd", "LOADERD_BIN")
	})
	t.Run("no binary on PATH", func(t *testing.T) {
		p := newPlace(t)
		p.opts.Binary = ""
		t.Setenv("PATH", t.TempDir())
		_, err := Dial(soon(t), p.opts)
		wantError(t, err, ErrNotFound, "loaderd", "PATH")
	})
	t.Run("it ends at once", func(t *testing.T) {
		p := newPlace(t)
		t.Setenv("FAKE_LAST_WORDS", "no more descriptors")
		_, err := Dial(soon(t), p.opts)
		wantError(t, err, ErrDaemonGone, "exit status 3", "no more descriptors", ".log")
		t.Setenv("FAKE_LAST_WORDS", "again")
		_, err = Dial(soon(t), p.opts)
		wantError(t, err, ErrDaemonGone, ": again;")
	})
	t.Run("somebody holds the lock", func(t *testing.T) {
		p := newPlace(t)
		lock, err := TryLock(p.socket)
		check(t, err)
		defer lock.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if _, err := Dial(ctx, p.opts); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), ".lock") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("the folder is not private", func(t *testing.T) {
		p := newPlace(t)
		check(t, mkdirMode(filepath.Dir(p.socket), 0o755))
		_, err := Dial(soon(t), p.opts)
		wantError(t, err, ErrInvalidArgument, "0755")
	})
}

func TestDialDoesNotWaitForADaemonThatIsSilent(t *testing.T) {
	leak.Check(t)
	clearEnv(t)
	l, err := Listen(filepath.Join(privateDir(t), "s.sock"))
	check(t, err)
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, DialOptions{Socket: l.Path()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestAnotherMajorIsRefusedByNameOfBoth(t *testing.T) {
	for name, answer := range map[string]Message{
		"the daemon refuses": &Error{Code: CodeVersion, Message: "client speaks 1.2, this daemon 7.3"},
		"the client refuses": &Welcome{Protocol: [2]int{7, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			clearEnv(t)
			d := &FakeDaemon{Rows: 1, Answer: func(c *Conn, op string, _ []byte) bool {
				c.WriteMsg(answer)
				c.Close()
				return true
			}}
			socket := filepath.Join(privateDir(t), "s.sock")
			check(t, d.Serve(socket))
			defer d.Stop()
			_, err := Dial(soon(t), DialOptions{Socket: socket})
			wantError(t, err, ErrVersion, fmt.Sprintf("%d.%d", Major, Minor), "7.3")
		})
	}
}

func TestAnAnswerToHelloThatIsNoneIsRefused(t *testing.T) {
	leak.Check(t)
	clearEnv(t)
	d := &FakeDaemon{Rows: 1, Answer: func(c *Conn, op string, _ []byte) bool { c.WriteMsg(&End{}); return true }}
	socket := filepath.Join(privateDir(t), "s.sock")
	check(t, d.Serve(socket))
	defer d.Stop()
	_, err := Dial(soon(t), DialOptions{Socket: socket})
	wantError(t, err, ErrProtocol, "end")
}

func TestABacklogThatIsFullIsWaitedFor(t *testing.T) {
	leak.Check(t)
	clearEnv(t)
	path := filepath.Join(privateDir(t), "s.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(fd)
	check(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	check(t, unix.Listen(fd, 0))
	var waiting []io.Closer
	defer func() {
		for _, c := range waiting {
			c.Close()
		}
	}()
	for {
		c, err := DialUnix(soon(t), path)
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		check(t, err)
		waiting = append(waiting, c)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, DialOptions{Socket: path}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	_, err = Listen(path) // who is that busy is not gone
	wantError(t, err, ErrBusy)
}
