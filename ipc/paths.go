package ipc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// RuntimeDir is the folder of sockets and locks: LOADERD_RUNTIME_DIR, else $XDG_RUNTIME_DIR/loaderd, else
// /tmp/loaderd-UID. It need not exist: see [EnsureRuntimeDir].
func RuntimeDir() string {
	if dir := os.Getenv("LOADERD_RUNTIME_DIR"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "loaderd")
	}
	return "/tmp/loaderd-" + strconv.Itoa(os.Getuid())
}

// SocketPath is where this user's daemon listens, of this protocol major and, inside a batch job, of this job. It is absolute.
// LOADERD_SOCKET overrides it.
func SocketPath() (string, error) {
	path := os.Getenv("LOADERD_SOCKET")
	if path == "" {
		path = filepath.Join(RuntimeDir(), socketName(os.Getuid(), Major, jobID()))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("socket %s: %w", path, err)
	}
	return abs, nil
}

func socketName(uid, major int, job string) string {
	name := fmt.Sprintf("loaderd-%d-p%d", uid, major)
	if job != "" {
		name += "-" + job
	}
	return name + ".sock"
}

// jobID is the batch job this process belongs to, as part of a file name; empty outside of one.
func jobID() string {
	for _, key := range []string{"LOADERD_JOB", "SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"} {
		if id := os.Getenv(key); id != "" {
			return cleanJob(id)
		}
	}
	return ""
}

// cleanJob replaces every byte outside [A-Za-z0-9_.-].
func cleanJob(id string) string {
	b := []byte(id)
	for i, c := range b {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			b[i] = '_'
		}
	}
	return string(b)
}

// LockPath is the lock of a socket: the socket's path with .lock for .sock.
func LockPath(socket string) string { return strings.TrimSuffix(socket, ".sock") + ".lock" }

// LogPath is where the daemon of a socket writes its log: the socket's name with .log for .sock, in LOADERD_STATE_DIR,
// else $XDG_STATE_HOME/loaderd, else ~/.local/state/loaderd.
func LogPath(socket string) (string, error) {
	dir, err := stateDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, strings.TrimSuffix(filepath.Base(socket), ".sock")+".log"), nil
}

func stateDir() (string, error) {
	if dir := os.Getenv("LOADERD_STATE_DIR"); dir != "" {
		return absolute(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "loaderd"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the log (set LOADERD_STATE_DIR): %w", err)
	}
	return filepath.Join(home, ".local", "state", "loaderd"), nil
}

// DataDir is the folder of the registry: LOADERD_DATA_DIR, else $XDG_DATA_HOME/loaderd, else ~/.local/share/loaderd. It is
// absolute, and need not exist.
func DataDir() (string, error) {
	if dir := os.Getenv("LOADERD_DATA_DIR"); dir != "" {
		return absolute(dir)
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "loaderd"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the registry (set LOADERD_DATA_DIR): %w", err)
	}
	return filepath.Join(home, ".local", "share", "loaderd"), nil
}

// RowStoreDir is the folder of the row store that a value of LOADERD_ROWSTORE names: of "" $LOADERD_CACHE_DIR/rowstore, else
// $XDG_CACHE_HOME/loaderd/rowstore, else ~/.cache/loaderd/rowstore. It is absolute, and need not exist; "" for "off", "none" and
// "0", with which there is no row store.
func RowStoreDir(named string) (string, error) {
	switch strings.ToLower(named) {
	case "":
		return cacheDir("rowstore", "the row store", "LOADERD_ROWSTORE")
	case "off", "none", "0":
		return "", nil
	}
	return absolute(named)
}

// CopiesDir is the folder of copies of what lies on slow file systems: copies, beside [RowStoreDir]'s rowstore. It is absolute, and
// need not exist.
func CopiesDir() (string, error) { return cacheDir("copies", "copies", "LOADERD_CACHE_DIR") }

func cacheDir(name, of, set string) (string, error) {
	if dir := os.Getenv("LOADERD_CACHE_DIR"); dir != "" {
		return absolute(filepath.Join(dir, name))
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Abs(filepath.Join(dir, "loaderd", name))
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for %s (set %s): %w", of, set, err)
	}
	return filepath.Join(home, ".cache", "loaderd", name), nil
}

// absolute makes a path absolute. One that begins with ~/ is in the user's home folder, as it would be had a shell read it: values that
// come from files of settings have seen none.
func absolute(path string) (string, error) {
	if path == "~" || strings.HasPrefix(path, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		path = filepath.Join(home, path[1:])
	}
	return filepath.Abs(path)
}

// daemonEnv is the environment of a daemon that this process starts. Its working directory is another, so folders are absolute.
func daemonEnv() []string {
	env := os.Environ()
	for _, key := range []string{"LOADERD_ROWSTORE", "LOADERD_CACHE_DIR", "LOADERD_DATA_DIR", "LOADERD_STATE_DIR"} {
		dir := os.Getenv(key)
		if dir == "" {
			continue
		}
		to := absolute
		if key == "LOADERD_ROWSTORE" {
			to = RowStoreDir
		}
		if abs, err := to(dir); err == nil && abs != "" {
			env = append(env, key+"="+abs)
		}
	}
	return env
}

// EnsureRuntimeDir makes dir, the folder of a socket, with mode 0700 where it is missing, and refuses one that is a symbolic link
// or no folder, belongs to somebody else, or lets others in: whoever can write there could take the daemon's place. [Listen]
// and [Lock] do this for the folder of their socket, also for one that LOADERD_SOCKET names.
func EnsureRuntimeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			return dirError(dir, fmt.Errorf("make the folder above it: %w", err))
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return dirError(dir, err)
		}
	} else if err != nil && !errors.Is(err, os.ErrExist) {
		return dirError(dir, err)
	}
	mode, uid, err := lstat(dir)
	switch {
	case err != nil:
		return dirError(dir, err)
	case uid != os.Getuid():
		return dirError(dir, fmt.Errorf("it belongs to uid %d, not to you (uid %d)", uid, os.Getuid()))
	case mode.Perm()&0o077 != 0:
		return dirError(dir, fmt.Errorf("its mode is %#o, which lets others in (chmod 700 %s)", mode.Perm(), dir))
	}
	return nil
}

// lstat does not follow a link, and refuses what is no folder.
func lstat(dir string) (os.FileMode, int, error) {
	fi, err := os.Lstat(dir)
	if err != nil {
		return 0, 0, err
	}
	if fi.Mode()&os.ModeSymlink != 0 {
		return 0, 0, errors.New("it is a symbolic link")
	}
	if !fi.IsDir() {
		return 0, 0, errors.New("it is no folder")
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, errors.New("its owner is not known")
	}
	return fi.Mode(), int(st.Uid), nil
}

func dirError(dir string, err error) error {
	return &Error{
		Code: CodeInvalidArgument, Stage: "socket", Object: dir, cause: err,
		Message: fmt.Sprintf("cannot use folder %s for the daemon's socket: %v", dir, err),
		Hint:    "set LOADERD_RUNTIME_DIR to a folder of your own",
	}
}
