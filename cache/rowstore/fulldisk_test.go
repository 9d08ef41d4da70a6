//go:build linux

package rowstore

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
	smallDisk  = "ROWSTORE_TEST_SMALL_DISK"
	noSmall    = "no small disk here: "
	smallBytes = 2 << 20
)

// TestARealDiskThatIsFullKeepsWhatIsWhole runs its other half in a process that may mount a small disk.
func TestARealDiskThatIsFullKeepsWhatIsWhole(t *testing.T) {
	checkLeaks(t)
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

// TestChildOnASmallDisk fills a disk to its last page, beside a file that comes and goes.
func TestChildOnASmallDisk(t *testing.T) {
	dir := os.Getenv(smallDisk)
	if dir == "" {
		t.Skip("it runs in a process of its own")
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(noSmall, err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Fatal(noSmall, err)
	}
	ballast, more := dir+"/ballast", dir+"/more"
	for path, size := range map[string]int{ballast: smallBytes / 2, more: smallBytes / 8} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sys, clock := limited() // the budget knows nothing of the disk: the disk has to say that it is full
	o := openWith(t, sys, Options{Dir: dir, SegmentBytes: 256 << 10}, sampleSpec(100000))
	var rows []int64
	fillUp := func() (n int) {
		for row := int64(len(rows)); ; row++ {
			if err := o.tryAdd(t, 1, row); errors.Is(err, ErrFull) && errors.Is(err, unix.ENOSPC) {
				return n
			} else if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
			n++
		}
	}
	if n := fillUp(); n < 100 || !o.Full() {
		t.Errorf("%d rows found room", n)
	}
	if n := o.served(t, 1, rows...); n != len(rows) {
		t.Errorf("%d of %d rows are served", n, len(rows))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	clock.t = clock.t.Add(fullRest)
	if n := fillUp(); n < 100 {
		t.Errorf("%d rows found the room that came back", n)
	}
	o.close(t)

	// Not a byte is left. What is there is served, and what is new is refused.
	rest, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = rest.Write(make([]byte, 4096))
	}
	rest.Close()
	if !isFull(err) {
		t.Fatal(err)
	}
	o = openWith(t, sys, Options{Dir: dir, SegmentBytes: 256 << 10}, sampleSpec(100000))
	if n := o.served(t, 1, rows...); n != len(rows) {
		t.Errorf("%d of %d rows are served on a full disk", n, len(rows))
	}
	other, err := o.s.Table(ofSource("/no folder/other"))
	if err != nil {
		t.Fatal(err)
	}
	second := opened{other, o.s, o.logs}
	if err := second.tryAdd(t, 1, 1); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
	if err := errors.Join(os.Remove(ballast), os.Remove(more)); err != nil {
		t.Fatal(err)
	}
	clock.t = clock.t.Add(fullRest)
	if err := second.tryAdd(t, 1, 1); err != nil {
		t.Error(err)
	}
	if n := second.served(t, 1, 1); n != 1 {
		t.Error("the row is not served")
	}
	second.Table.Close()
	o.close(t)
	if err := unix.Unmount(dir, 0); err != nil {
		t.Error("something of the disk is still in use:", err)
	}
}
