//go:build linux

package rowstore

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/loaderd/loaderd/internal/smalldisk"
)

const smallBytes = 2 << 20

// TestARealDiskThatIsFullKeepsWhatIsWhole runs its other half in a process that may mount a small disk.
func TestARealDiskThatIsFullKeepsWhatIsWhole(t *testing.T) {
	checkLeaks(t)
	smalldisk.Run(t, "TestChildOnASmallDisk")
}

// TestChildOnASmallDisk fills a disk to its last page, beside a file that comes and goes.
func TestChildOnASmallDisk(t *testing.T) {
	dir := smalldisk.Mount(t, "2m")
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
