//go:build linux

package cache

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/loaderd/loaderd/internal/leak"
)

const (
	smallDisk = "CACHE_TEST_SMALL_DISK"
	noSmall   = "no small disk here: "
)

// TestARealDiskThatIsFullKeepsTheCopyThatThereIs runs its other half in a process that may mount a small disk.
func TestARealDiskThatIsFullKeepsTheCopyThatThereIs(t *testing.T) {
	leak.Check(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildOnASmallDisk$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), smallDisk+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Skipf("no name space of its own for a process here: %v", err)
	}
	if _, why, ok := strings.Cut(string(out), noSmall); ok {
		t.Skip(noSmall + why)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestChildOnASmallDisk") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestChildOnASmallDisk renews a copy for which there is no room, asked beforehand or not.
func TestChildOnASmallDisk(t *testing.T) {
	dir := os.Getenv(smallDisk)
	if dir == "" {
		t.Skip("it runs in a process of its own")
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(noSmall, err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(noSmall, err)
	}
	b := newBench(t)
	b.dir = filepath.Join(dir, "copies")
	b.Cache = b.open(t)
	path := b.write(t, "a", strings.Repeat("1", 300_000))
	at := b.path(t, path)
	b.write(t, "a", strings.Repeat("2", 900_000))
	real := b.free
	for name, free := range map[string]func(string) (int64, error){
		"it is asked":      real,
		"it is not asked ": func(string) (int64, error) { return 1 << 40, nil },
	} {
		b.free = free
		if _, err := b.Path(t.Context(), Ref(path), nil); !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if list := b.entries(t); len(list) != 1 || len(tree(t, at)) != 1 {
			t.Errorf("%s: the cache has %q", name, list)
		}
	}
	b.write(t, "a", strings.Repeat("3", 600_000))
	if got, err := os.ReadFile(b.path(t, path)); err != nil || len(got) != 600_000 || got[0] != '3' {
		t.Errorf("what finds room: %d bytes, %v", len(got), err)
	}
}
