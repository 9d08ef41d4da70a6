package ipc

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
	"golang.org/x/sys/unix"
)

// clearEnv unsets every variable that says where things are.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, key := range []string{
		"LOADERD_RUNTIME_DIR", "XDG_RUNTIME_DIR", "LOADERD_SOCKET", "LOADERD_STATE_DIR", "XDG_STATE_HOME", "LOADERD_JOB",
		"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "LOADERD_AUTOSTART", "LOADERD_BIN", "LOADERD_IDLE_TIMEOUT",
	} {
		t.Setenv(key, "")
	}
}

func TestWhereTheSocketIs(t *testing.T) {
	uid := strconv.Itoa(os.Getuid())
	for _, tc := range []struct {
		name, want string
		env        map[string]string
	}{
		{"with nothing set", "/tmp/loaderd-" + uid + "/loaderd-" + uid + "-p1.sock", nil},
		{"with the session's folder", "/run/user/1/loaderd/loaderd-" + uid + "-p1.sock", map[string]string{"XDG_RUNTIME_DIR": "/run/user/1"}},
		{"with a folder of its own", "/x/loaderd-" + uid + "-p1.sock", map[string]string{"LOADERD_RUNTIME_DIR": "/x", "XDG_RUNTIME_DIR": "/run/user/1"}},
		{"in a job", "/x/loaderd-" + uid + "-p1-17.sock", map[string]string{"LOADERD_RUNTIME_DIR": "/x", "SLURM_JOB_ID": "17", "JOB_ID": "18"}},
		{"in a job with a name", "/x/loaderd-" + uid + "-p1-a_b__1.s-2.sock", map[string]string{"LOADERD_RUNTIME_DIR": "/x", "LOADERD_JOB": "a/bä1.s-2", "SLURM_JOB_ID": "17"}},
		{"in each scheduler's job", "/x/loaderd-" + uid + "-p1-9.pbs.sock", map[string]string{"LOADERD_RUNTIME_DIR": "/x", "PBS_JOBID": "9.pbs", "LSB_JOBID": "8"}},
		{"where it is said to be", "/y/z", map[string]string{"LOADERD_SOCKET": "/y/z", "LOADERD_RUNTIME_DIR": "/x", "LOADERD_JOB": "1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clearEnv(t)
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			if got, err := SocketPath(); got != tc.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestARelativeSocketIsTakenFromTheWorkingDirectory(t *testing.T) {
	clearEnv(t)
	t.Setenv("LOADERD_SOCKET", "here.sock")
	cwd, err := os.Getwd()
	check(t, err)
	if got, err := SocketPath(); got != filepath.Join(cwd, "here.sock") || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhereTheLogAndTheLockAre(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		env        map[string]string
	}{
		{"at home", "/home/u/.local/state/loaderd/loaderd-1-p1.log", map[string]string{"HOME": "/home/u"}},
		{"in the state folder", "/s/loaderd/loaderd-1-p1.log", map[string]string{"HOME": "/home/u", "XDG_STATE_HOME": "/s"}},
		{"in a folder of its own", "/l/loaderd-1-p1.log", map[string]string{"LOADERD_STATE_DIR": "/l", "XDG_STATE_HOME": "/s"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clearEnv(t)
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			if got, err := LogPath("/run/loaderd-1-p1.sock"); got != tc.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tc.want)
			}
		})
	}
	t.Run("without a home", func(t *testing.T) {
		clearEnv(t)
		t.Setenv("HOME", "")
		if got, err := LogPath("/s.sock"); err == nil || !strings.Contains(err.Error(), "LOADERD_STATE_DIR") {
			t.Errorf("%q, %v", got, err)
		}
	})
	if got := LockPath("/run/a.sock"); got != "/run/a.lock" {
		t.Errorf("lock %q", got)
	}
	if got := LockPath("/run/plain"); got != "/run/plain.lock" {
		t.Errorf("lock %q", got)
	}
}

func TestTheFolderIsMadePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		check(t, EnsureRuntimeDir(dir))
		if fi, err := os.Lstat(dir); err != nil || fi.Mode() != os.ModeDir|0o700 {
			t.Errorf("%v, %v", fi.Mode(), err)
		}
	}
}

func TestAFolderThatOthersCouldUseIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name, says string
		make       func(dir string) error
	}{
		{"a symbolic link", "symbolic link", func(dir string) error {
			if err := os.Mkdir(dir+"-real", 0o700); err != nil {
				return err
			}
			return os.Symlink(dir+"-real", dir)
		}},
		{"a link to nowhere", "symbolic link", func(dir string) error { return os.Symlink("/nonexistent", dir) }},
		{"a file", "no folder", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }},
		{"others may write", "mode", func(dir string) error { return mkdirMode(dir, 0o777) }},
		{"the group may read", "chmod 700", func(dir string) error { return mkdirMode(dir, 0o740) }},
		{"others may enter", "mode", func(dir string) error { return mkdirMode(dir, 0o701) }},
		{"another owner", "uid 12345", func(dir string) error {
			if err := os.Mkdir(dir, 0o700); err != nil {
				return err
			}
			return os.Chown(dir, 12345, -1)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			if err := tc.make(dir); errors.Is(err, os.ErrPermission) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			socket := filepath.Join(dir, "s.sock")
			wantError(t, EnsureRuntimeDir(dir), ErrInvalidArgument, tc.says, dir, "LOADERD_RUNTIME_DIR")
			_, err := Listen(socket)
			wantError(t, err, ErrInvalidArgument, tc.says)
			_, err = TryLock(socket)
			wantError(t, err, ErrInvalidArgument, tc.says)
		})
	}
}

func mkdirMode(dir string, mode os.FileMode) error {
	return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, mode))
}

func TestTheLockIsHeldByOneAtATime(t *testing.T) {
	leak.Check(t)
	socket := filepath.Join(privateDir(t), "s.sock")
	first, err := Lock(soon(t), socket)
	check(t, err)
	_, err = TryLock(socket)
	wantError(t, err, ErrBusy, LockPath(socket))
	ctx, cancel := context.WithTimeout(soon(t), 30*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, socket); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a wait for a lock that is held: %v", err)
	}
	got := make(chan error)
	go func() {
		second, err := Lock(soon(t), socket)
		if err == nil {
			second.Close()
		}
		got <- err
	}()
	first.Close()
	check(t, <-got)
	if fi, err := os.Lstat(LockPath(socket)); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the lock's file: %v, %v", fi, err)
	}
}

func TestAnInheritedLockIsThatOfTheSocket(t *testing.T) {
	leak.Check(t)
	dir := privateDir(t)
	socket := filepath.Join(dir, "s.sock")
	lock, err := TryLock(socket)
	check(t, err)
	fd, err := unix.Dup(int(lock.Fd()))
	check(t, err)
	lock.Close()
	inherited, err := InheritLock(fd, socket)
	check(t, err)
	_, err = TryLock(socket)
	wantError(t, err, ErrBusy)
	inherited.Close()
	other, err := os.Create(filepath.Join(dir, "other"))
	check(t, err)
	defer other.Close()
	for name, fd := range map[string]int{"another file": int(other.Fd()), "no descriptor": 12345, "a negative one": -1} {
		if _, err := InheritLock(fd, socket); err == nil {
			t.Errorf("%s was taken for the lock", name)
		}
	}
	runtime.GC() // a file that holds the descriptor would close it now
	runtime.GC()
	if _, err := other.Stat(); err != nil {
		t.Errorf("a descriptor that is not ours was closed: %v", err)
	}
}

func TestALockThatIsALinkIsNotFollowed(t *testing.T) {
	dir := privateDir(t)
	check(t, os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "s.lock")))
	if _, err := TryLock(filepath.Join(dir, "s.sock")); !errors.Is(err, unix.ELOOP) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "elsewhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link was followed: %v", err)
	}
}

func TestTheFolderOfTheRowStore(t *testing.T) {
	for _, tc := range []struct{ name, named, want string }{
		{"without a name is in the cache folder", "", "/home/u/.cache/loaderd/rowstore"},
		{"is the one that is named", "/fast/rows", "/fast/rows"},
		{"at home, which no shell has read", "~/rows", "/home/u/rows"},
		{"whose name only looks so", "/a/~/rows", "/a/~/rows"},
		{"off is none", "off", ""},
		{"whatever the case", "Off", ""},
		{"none is none", "none", ""},
		{"0 is none", "0", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clearEnv(t)
			t.Setenv("HOME", "/home/u")
			t.Setenv("LOADERD_CACHE_DIR", "")
			t.Setenv("XDG_CACHE_HOME", "")
			if got, err := RowStoreDir(tc.named); got != tc.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tc.want)
			}
		})
	}
}
