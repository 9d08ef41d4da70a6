package rowstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWhatAFolderMayHold(t *testing.T) {
	for _, tc := range []struct {
		name        string
		asked       int64
		space       diskSpace
		held, allow int64
	}{
		{"a quarter of what is free", 0, diskSpace{size: 1000, free: 800}, 0, 200},
		{"and it does not change as the folder grows", 0, diskSpace{size: 1000, free: 600}, 200, 200},
		{"a tenth stays free", 0, diskSpace{size: 1000, free: 110}, 0, 10},
		{"nothing, where less is free", 0, diskSpace{size: 1000, free: 90}, 0, 0},
		{"less than it holds, where others have filled the disk", 0, diskSpace{size: 1000, free: 50}, 100, 37},
		{"what was asked for", 700, diskSpace{size: 1000, free: 900}, 0, 700},
		{"what was asked for, though less than a tenth stays free", 700, diskSpace{size: 10000, free: 900}, 0, 700},
		{"but no more than there is", 700, diskSpace{size: 1000, free: 300}, 100, 400},
		{"what was asked for, on a disk that says nothing", 700, diskSpace{}, 0, 700},
		{"some, on a disk that says nothing", 0, diskSpace{}, 0, unknownShare},
	} {
		b := budget{asked: tc.asked}
		if got := b.allowed(tc.space, tc.held); got != tc.allow {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.allow)
		}
	}
}

// clock is a system's time, which a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// limited is a roomy system whose clock stands still.
func limited() (system, *clock) {
	sys := roomy()
	c := &clock{time.Now()}
	sys.now = c.now
	return sys, c
}

func TestWhenTheBudgetIsUsedUpNothingIsAppendedAndServingGoesOn(t *testing.T) {
	checkLeaks(t)
	sys, clock := limited()
	o := openWith(t, sys, Options{Dir: t.TempDir(), Budget: 300 << 10, SegmentBytes: 128 << 10}, sampleSpec(100000))
	var kept []int64
	var err error
	for row := int64(0); row < 100000 && err == nil; row += 10 {
		if err = o.tryAdd(t, 1, span64(row, row+10)...); err == nil {
			kept = append(kept, span64(row, row+10)...)
		}
	}
	if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), o.s.dir) || !strings.Contains(err.Error(), "MB it may hold") {
		t.Fatalf("error %v, want ErrFull with the folder and what it may hold", err)
	}
	if !o.Full() || !o.Usage().Full {
		t.Error("the table is not full")
	}
	if n := o.served(t, 1, kept...); n != len(kept) {
		t.Errorf("%d of %d rows are served", n, len(kept))
	}
	if u := o.s.Usage(); u.Bytes > 300<<10 || u.Bytes < 200<<10 || u.Allowed != 300<<10 || u.Dir != o.s.dir {
		t.Errorf("the usage is %+v", u)
	}
	if err := o.tryAdd(t, 1, 99999); !errors.Is(err, ErrFull) {
		t.Errorf("then: error %v", err)
	}
	if strings.Count(o.logs.String(), "not kept") != 1 {
		t.Errorf("it is not said once: %s", o.logs)
	}
	o.s.budget.asked = 600 << 10 // as if files of others had gone
	if !o.Full() {
		t.Error("it looks for room at once")
	}
	clock.t = clock.t.Add(fullRest)
	if o.Full() {
		t.Error("there is room, and the table is full")
	}
	o.add(t, 1, 99999)
	if n := o.served(t, 1, append(kept, 99999)...); n != len(kept)+1 {
		t.Errorf("%d of %d rows are served", n, len(kept)+1)
	}
}

func TestWhatOthersWriteCounts(t *testing.T) {
	sys, clock := limited()
	o := openWith(t, sys, Options{Dir: t.TempDir(), Budget: 1 << 20, SegmentBytes: 128 << 10}, sampleSpec(1000))
	o.add(t, 1, 1)
	other := filepath.Join(o.path(""), "other-1-x-1.open")
	if err := os.WriteFile(other, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	clock.t = clock.t.Add(countEvery)
	if err := o.tryAdd(t, 1, span64(2, 1000)...); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	clock.t = clock.t.Add(countEvery)
	if err := o.tryAdd(t, 1, span64(2, 1000)...); err != nil {
		t.Error(err)
	}
}

func TestADiskThatFillsUpIsLeftATenth(t *testing.T) {
	sys, clock := limited()
	free := int64(1 << 30)
	sys.space = func(string) (diskSpace, error) { return diskSpace{size: 1 << 30, free: free}, nil }
	o := openWith(t, sys, Options{Dir: t.TempDir(), SegmentBytes: 128 << 10}, sampleSpec(1000))
	o.add(t, 1, 1)
	free = 1<<30/10 + 10
	if err := o.tryAdd(t, 1, span64(2, 1000)...); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
	free = 1 << 30
	clock.t = clock.t.Add(fullRest)
	o.add(t, 1, span64(2, 1000)...)
}

func TestADiskThatIsFullKeepsWhatIsWhole(t *testing.T) {
	for _, full := range []error{unix.ENOSPC, unix.EFBIG} {
		for _, where := range []string{"allocate", "write"} {
			t.Run(where+" "+full.Error(), func(t *testing.T) {
				checkLeaks(t)
				sys, clock := limited()
				var left atomic.Int64
				var reserved sync.Map // bytes of each file
				left.Store(300 << 10)
				realAllocate, realWrite := sys.allocate, sys.write
				sys.allocate = func(f *os.File, off, n int64) error {
					if where != "allocate" {
						return errors.ErrUnsupported
					}
					if left.Add(-n) < 0 {
						return os.NewSyscallError("fallocate", full)
					}
					reserved.Store(f.Name(), off+n)
					return realAllocate(f, off, n)
				}
				sys.write = func(f *os.File, p []byte, off int64) (int, error) {
					if where != "write" {
						if n, ok := reserved.Load(f.Name()); ok && n.(int64) < off+int64(len(p)) {
							t.Errorf("%d bytes at %d: %d are reserved", len(p), off, n)
						}
						return realWrite(f, p, off)
					}
					have := left.Add(-int64(len(p))) + int64(len(p))
					if have >= int64(len(p)) {
						return realWrite(f, p, off)
					}
					n, err := realWrite(f, p[:max(0, have)], off)
					return n, errors.Join(err, &os.PathError{Op: "write", Path: f.Name(), Err: full})
				}
				dir := t.TempDir()
				o := openWith(t, sys, Options{Dir: dir, SegmentBytes: 128 << 10}, sampleSpec(100000))
				var kept []int64
				var err error
				for row := int64(0); err == nil; row += 7 {
					if err = o.tryAdd(t, 1, span64(row, row+7)...); err == nil {
						kept = append(kept, span64(row, row+7)...)
					}
				}
				if !errors.Is(err, ErrFull) || !errors.Is(err, full) || !o.Full() {
					t.Fatalf("error %v, want ErrFull", err)
				}
				if n := o.served(t, 1, kept...); n != len(kept) || n == 0 {
					t.Errorf("%d of %d rows are served", n, len(kept))
				}
				left.Store(1 << 30)
				clock.t = clock.t.Add(fullRest)
				o.add(t, 1, 99999)
				// A segment whose footer found no room is left open, and the next one seals it.
				if err := o.s.Close(); err != nil && !errors.Is(err, full) {
					t.Fatal(err)
				}
				o = openTable(t, dir, sampleSpec(100000), 0)
				if n := o.served(t, 1, append(kept, 99999)...); n != len(kept)+1 {
					t.Errorf("%d of %d rows are served by the next", n, len(kept)+1)
				}
			})
		}
	}
}

func TestAQuotaThatIsUsedUpIsNotUsedToItsLastByte(t *testing.T) {
	checkLeaks(t)
	sys, clock := limited()
	var left atomic.Int64
	left.Store(600 << 10)
	real := sys.allocate
	sys.allocate = func(f *os.File, off, n int64) error {
		if left.Add(-n) < 0 {
			left.Add(n)
			return os.NewSyscallError("fallocate", unix.EDQUOT)
		}
		return real(f, off, n)
	}
	dir := t.TempDir()
	o := openWith(t, sys, Options{Dir: dir, SegmentBytes: 256 << 10}, sampleSpec(100000))
	var rows []int64
	var err error
	for row := int64(0); err == nil; row++ {
		rows = append(rows, row)
		err = o.tryAdd(t, 1, row)
	}
	if !errors.Is(err, ErrFull) || !errors.Is(err, unix.EDQUOT) || !o.Full() {
		t.Fatalf("error %v, want ErrFull", err)
	}
	if err := o.Seal(); err != nil {
		t.Fatal(err)
	}
	if list := files(t, o, openEnding); len(list) != 0 {
		t.Errorf("the quota stays used up by %v", list)
	}
	sealed := o.served(t, 1, rows...)
	if sealed < len(rows)/2 || sealed == len(rows) {
		t.Errorf("%d of %d rows are served, want those of the sealed segments", sealed, len(rows))
	}
	left.Store(1 << 30) // what the user frees is the user's
	clock.t = clock.t.Add(time.Hour)
	if err := o.tryAdd(t, 1, 99999); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
	o.close(t)
	o = openTable(t, dir, sampleSpec(100000), 256<<10)
	if n := o.served(t, 1, rows...); n != sealed || strings.Contains(o.logs.String(), "WARN") {
		t.Errorf("%d rows are served by the next, want %d: %s", n, sealed, o.logs)
	}
	o.add(t, 1, 99999)
}

func TestADiskThatFailsKeepsNothingThatCouldBeLost(t *testing.T) {
	checkLeaks(t)
	sys, clock := limited()
	fails := true
	sys.sync = func(f *os.File) error {
		if fails {
			return &os.PathError{Op: "sync", Path: f.Name(), Err: unix.EIO}
		}
		return nil
	}
	o := openWith(t, sys, Options{Dir: t.TempDir()}, sampleSpec(10))
	o.add(t, 1, 1, 2, 3)
	if err := o.Seal(); !errors.Is(err, unix.EIO) {
		t.Errorf("error %v", err)
	}
	if n := o.served(t, 1, 1, 2, 3); n != 0 {
		t.Errorf("%d rows are served", n)
	}
	fails = false
	clock.t = clock.t.Add(errorRest)
	o.add(t, 1, 1, 2, 3)
	if err := o.Seal(); err != nil {
		t.Error(err)
	}
	if n := o.served(t, 1, 1, 2, 3); n != 3 {
		t.Errorf("%d rows are served", n)
	}
}

// A segment grows in large steps; the last of them is as large as there is room.
func TestTheBudgetIsUsedToItsEnd(t *testing.T) {
	const budget = 3 << 20
	o := openWith(t, roomy(), Options{Dir: t.TempDir(), Budget: budget}, sampleSpec(100000))
	var err error
	for row := int64(0); row < 100000 && err == nil; row += 10 {
		err = o.tryAdd(t, 1, span64(row, row+10)...)
	}
	if u := o.s.Usage(); !errors.Is(err, ErrFull) || u.Bytes < budget-128<<10 || u.Bytes > budget+16<<10 { // a few small files besides
		t.Errorf("%d bytes of %d are taken at %v", u.Bytes, budget, err)
	}
	o.close(t)
}
