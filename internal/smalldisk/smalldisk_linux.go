package smalldisk

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	variable = "LOADERD_TEST_SMALL_DISK" // the folder to mount it at
	noSmall  = "no small disk here: "
)

// Run runs another test of this binary in a process that may mount a small disk.
func Run(t *testing.T, child string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+child+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), variable+"="+t.TempDir())
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
	if err != nil || !strings.Contains(string(out), "--- PASS: "+child) {
		t.Errorf("%v\n%s", err, out)
	}
}

// Mount mounts the disk of the process that [Run] started, of a size as tmpfs takes it, and gives its folder.
func Mount(t *testing.T, size string) (dir string) {
	t.Helper()
	if dir = os.Getenv(variable); dir == "" {
		t.Skip("it runs in a process of its own")
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(noSmall, err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(noSmall, err)
	}
	return dir
}
