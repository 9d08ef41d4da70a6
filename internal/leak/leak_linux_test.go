package leak

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTheCensusFinds(t *testing.T) {
	for _, tc := range []struct {
		name, kind, says string
		leak             func(t *testing.T) (undo func())
	}{
		{"a goroutine", "goroutine", "leak_linux_test.go", func(*testing.T) func() {
			stop := make(chan struct{})
			go func() { <-stop }()
			return func() { close(stop) }
		}},
		{"an open file", "file descriptor", os.DevNull, func(t *testing.T) func() {
			f, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			return func() { f.Close() }
		}},
		{"mapped shared memory", "mapping", "memfd:left", func(t *testing.T) func() {
			fd, err := unix.MemfdCreate("left", 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if err := unix.Ftruncate(fd, 4096); err != nil {
				t.Fatal(err)
			}
			mem, err := unix.Mmap(fd, 0, 4096, unix.PROT_READ, unix.MAP_SHARED)
			if err != nil {
				t.Fatal(err)
			}
			return func() { unix.Munmap(mem) }
		}},
		{"a child that lives", "child process", "sleep", func(t *testing.T) func() {
			cmd := exec.Command("sleep", "60")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			return func() { cmd.Process.Kill(); cmd.Wait() }
		}},
		{"a child that was not waited for", "child process", "state Z", func(t *testing.T) func() {
			cmd := exec.Command("true")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for !strings.Contains(strings.Join(values(children()), "\n"), "state Z") {
				time.Sleep(time.Millisecond)
			}
			return func() { cmd.Wait() }
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := take()
			undo := tc.leak(t)
			left := settle(before, 20*time.Millisecond)
			undo()
			found := strings.Join(left, "\n")
			if !strings.Contains(found, "left behind: "+tc.kind) || !strings.Contains(found, tc.says) {
				t.Errorf("found %q, want a %s that names %s", left, tc.kind, tc.says)
			}
			if left := settle(before, patience); left != nil {
				t.Errorf("still found once it was gone: %q", left)
			}
		})
	}
}

func TestNothingIsFoundWhereNothingWasLeft(t *testing.T) {
	if left := settle(take(), time.Second); left != nil {
		t.Errorf("found %q", left)
	}
}

// fake is a test that is being checked.
type fake struct {
	testing.TB
	cleanup func()
	errors  int
	failed  bool
}

func (f *fake) Helper()             {}
func (f *fake) Cleanup(fn func())   { f.cleanup = fn }
func (f *fake) Failed() bool        { return f.failed }
func (f *fake) Error(...any)        { f.errors++ }
func (f *fake) run(body func()) int { Check(f); body(); f.cleanup(); return f.errors }

func TestCheckSaysNothingMoreOfATestThatFailed(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	if n := (&fake{failed: true}).run(func() { go func() { <-stop }() }); n != 0 {
		t.Errorf("%d errors", n)
	}
	if n := (&fake{}).run(func() {}); n != 0 {
		t.Errorf("%d errors for a test that left nothing", n)
	}
}

func values(m map[string]string) (list []string) {
	for _, v := range m {
		list = append(list, v)
	}
	return list
}
