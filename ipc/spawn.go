package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// start starts a daemon under the start lock, unless another process has done so or is at it, and connects to it. A nil client
// without an error: look again.
func (d *dialer) start(ctx context.Context) (*Client, error) {
	lock, err := TryLock(d.Socket)
	if errors.Is(err, ErrBusy) {
		d.busy = err
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// The daemon inherits this very lock. It is held until both have closed it, so that the daemon can not become idle and leave
	// before it is met here.
	defer lock.Close()
	c, err := d.try(ctx)
	if err == nil {
		if d.replace(ctx, c) {
			return nil, nil
		}
		return c, nil
	}
	if classify(err) != isAbsent {
		return nil, nil // the caller's next attempt tells
	}
	child, err := d.spawn(lock)
	if err != nil {
		return nil, err
	}
	return d.await(ctx, child)
}

// await connects to the child once it listens.
func (d *dialer) await(ctx context.Context, p *child) (*Client, error) {
	for wait := time.Millisecond; ; wait = min(2*wait, 20*time.Millisecond) {
		c, err := d.try(ctx)
		switch {
		case err == nil:
			return c, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("wait for the daemon (pid %d, log %s): %w", p.pid, p.log, context.Cause(ctx))
		case classify(err) == isFatal:
			return nil, err
		}
		if status, ended := p.ended(); ended {
			return nil, p.failed(status)
		}
		if err := pause(ctx, wait); err != nil {
			return nil, fmt.Errorf("wait for the daemon (pid %d, log %s): %w", p.pid, p.log, err)
		}
	}
}

// child is a daemon that this process started.
type child struct {
	pid    int
	log    string
	offset int64 // length of the log before it started
}

// spawn starts the daemon in a session of its own, with nothing of this process but the lock.
func (d *dialer) spawn(lock *os.File) (*child, error) {
	binary, err := d.binary()
	if err != nil {
		return nil, err
	}
	path, err := LogPath(d.Socket)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("folder of the daemon's log (set LOADERD_STATE_DIR to another): %w", err)
	}
	log, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the daemon's log: %w", err)
	}
	defer log.Close()
	offset, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("the daemon's log: %w", err)
	}
	const lockFD = 3 // the first of ExtraFiles
	args := []string{"serve", "--socket", d.Socket, "--lock-fd", strconv.Itoa(lockFD)}
	if t := os.Getenv("LOADERD_IDLE_TIMEOUT"); t != "" {
		args = append(args, "--idle-timeout", t)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "/", daemonEnv(), log, log
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	reap()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	p := &child{pid: cmd.Process.Pid, log: path, offset: offset}
	children.add(p.pid)
	return p, cmd.Process.Release()
}

// binary is the absolute path of the daemon's binary.
func (d *dialer) binary() (string, error) {
	name := d.Binary
	if name == "" {
		name = os.Getenv("LOADERD_BIN")
	}
	if name == "" {
		name = "loaderd"
	}
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", &Error{
			Code: CodeNotFound, Stage: "start", Object: name, cause: err, Message: "no daemon runs, and its binary is not there: " + err.Error(),
			Hint: "set LOADERD_BIN to the loaderd binary, or put it on PATH",
		}
	}
	return path, nil
}

// ended reports whether the child has ended, and takes its status if so.
func (p *child) ended() (unix.WaitStatus, bool) {
	status, ok := wait(p.pid)
	if ok {
		children.remove(p.pid)
	}
	return status, ok
}

// failed is the error for a daemon that ended before it answered, with the last words of its log.
func (p *child) failed(status unix.WaitStatus) error {
	how := fmt.Sprintf("exit status %d", status.ExitStatus())
	if status.Signaled() {
		how = "signal " + status.Signal().String()
	}
	msg := fmt.Sprintf("the daemon ended before it answered (%s)", how)
	if said := p.tail(); said != "" {
		msg += ": " + said
	}
	return &Error{Code: CodeShuttingDown, Stage: "start", Object: p.log, Message: msg, Hint: "see its log, " + p.log}
}

// tail is the last line the child wrote to the log.
func (p *child) tail() string {
	f, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, p.offset, 64<<10))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

// children are the daemons started by this process and not known to have ended. Each is waited for when the next is started or a
// client closes, so that no more than the last ones stay zombies.
var children childList

type childList struct {
	mu   sync.Mutex // guards pids
	pids []int
}

func (l *childList) add(pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pids = append(l.pids, pid)
}

func (l *childList) remove(pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, p := range l.pids {
		if p == pid {
			l.pids = append(l.pids[:i], l.pids[i+1:]...)
			return
		}
	}
}

// reap waits for the children that have ended.
func reap() {
	children.mu.Lock()
	pids := append([]int(nil), children.pids...)
	children.mu.Unlock()
	for _, pid := range pids {
		if _, ok := wait(pid); ok {
			children.remove(pid)
		}
	}
}

// wait takes the status of a child that has ended. One that somebody else has waited for has ended, too.
func wait(pid int) (status unix.WaitStatus, ended bool) {
	for {
		got, err := unix.Wait4(pid, &status, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return status, true
		}
		return status, got == pid
	}
}
