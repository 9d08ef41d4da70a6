package ipc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/internal/leak"
	"golang.org/x/sys/unix"
)

func fdName(f *os.File) string { return strconv.Itoa(int(f.Fd())) }

// allocated is the memory behind a file in bytes.
func allocated(t *testing.T, f *os.File) int64 {
	t.Helper()
	var st unix.Stat_t
	check(t, unix.Fstat(int(f.Fd()), &st))
	return st.Blocks * 512
}

func TestARingIsReservedInFullAndSealed(t *testing.T) {
	leak.Check(t)
	const size = 3*reserveStep + 4096 // some steps and a part of one
	r, err := NewRing(size)
	check(t, err)
	defer r.Close()
	if got := allocated(t, r.File()); got != size {
		t.Errorf("%d bytes are there, want %d", got, size)
	}
	fd := int(r.File().Fd())
	for what, err := range map[string]error{
		"shrink":          unix.Ftruncate(fd, 4096),
		"grow":            unix.Ftruncate(fd, 2*size),
		"grow by writing": unix.Fallocate(fd, 0, size, 4096),
	} {
		if !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: %v, want EPERM", what, err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EPERM) {
		t.Errorf("another seal: %v, want EPERM", err)
	}
	if flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
		t.Error("the ring would be inherited")
	}
}

func TestPunchGivesThePagesBackAlthoughOthersMapThem(t *testing.T) {
	leak.Check(t)
	r, err := NewRing(8 << 20)
	check(t, err)
	defer r.Close()
	other, err := unix.Mmap(int(r.File().Fd()), 0, int(r.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	check(t, err)
	defer unix.Munmap(other)
	copy(r.Bytes(), "something")
	check(t, r.Punch())
	if got := allocated(t, r.File()); got != 0 {
		t.Errorf("%d bytes are still there", got)
	}
	if other[0] != 0 {
		t.Error("the other mapping still has what was written")
	}
}

func TestASegmentThatCouldShrinkIsRefused(t *testing.T) {
	leak.Check(t)
	unsealed := emptyFile(t, "unsealed")
	check(t, unsealed.Truncate(8192))
	dup, err := unix.Dup(int(unsealed.Fd()))
	check(t, err)
	_, err = mapSegment(os.NewFile(uintptr(dup), "unsealed"), 8192)
	wantError(t, err, ErrProtocol, "sealed")

	path := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(path, make([]byte, 8192), 0o600))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	check(t, err)
	_, err = mapSegment(f, 8192)
	wantError(t, err, ErrProtocol, "memfd")
}

// host writes the files by which a machine tells its memory, and returns its root.
func host(t *testing.T, files map[string]string) memoryLimits {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return memoryLimits{root: root}
}

const mib = 1 << 20

// kib is a size as /proc/meminfo has it.
func meminfo(available int64) string {
	return fmt.Sprintf("MemTotal:       99999999 kB\nMemFree:  1 kB\nMemAvailable:   %d kB\n", available>>10)
}

func TestARingIsComparedWithEveryLimitAbove(t *testing.T) {
	const (
		v2mount = "42 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw\n"
		v1mount = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n" +
			"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
	)
	for _, tc := range []struct {
		name  string
		files map[string]string
		fits  int64    // the largest ring
		says  []string // what the error for one byte more names
	}{
		{"no control groups", map[string]string{
			"proc/meminfo": meminfo(512 * mib),
		}, 512 * mib, []string{"MemAvailable", "536870912 bytes"}},
		{"a group without a limit", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/memory.current": "5\n",
		}, 512 * mib, []string{"MemAvailable"}},
		{"a limit", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/a/memory.max": "104857600\n", "sys/fs/cgroup/a/memory.current": "41943040\n",
		}, 60 * mib, []string{"/sys/fs/cgroup/a/memory.max", "62914560 bytes", "62914561 bytes", "batch_size", "raise"}},
		{"a limit, and cached files that can go", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/a/memory.max": "104857600\n", "sys/fs/cgroup/a/memory.current": "104857600\n",
			"sys/fs/cgroup/a/memory.stat": "anon 1\nfile 99999999\ninactive_file 31457280\nactive_file 10485760\n",
		}, 40 * mib, []string{"/sys/fs/cgroup/a/memory.max"}},
		{"the lower limit of the group above", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "0::/a/b/c\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/a/b/c/memory.max": "104857600\n", "sys/fs/cgroup/a/b/c/memory.current": "0\n",
			"sys/fs/cgroup/a/memory.max": "104857600\n", "sys/fs/cgroup/a/memory.current": "94371840\n",
		}, 10 * mib, []string{"/sys/fs/cgroup/a/memory.max"}},
		{"the limit at the mount, as containers have it", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/memory.max": "20971520\n", "sys/fs/cgroup/memory.current": "10485760\n",
		}, 10 * mib, []string{"/sys/fs/cgroup/memory.max"}},
		{"the old interface", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "3:cpu:/x\n4:memory:/job\n0::/\n", "proc/self/mountinfo": v1mount + v2mount,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "52428800\n", "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "31457280\n",
			"sys/fs/cgroup/memory/job/memory.stat": "inactive_file 7\ntotal_inactive_file 1048576\ntotal_active_file 0\n",
		}, 21 * mib, []string{"/sys/fs/cgroup/memory/job/memory.limit_in_bytes"}},
		{"a container that sees its own group as the root", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "4:memory:/docker/abc\n",
			"proc/self/mountinfo":                        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "52428800\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "0\n",
		}, 50 * mib, []string{"/sys/fs/cgroup/memory/memory.limit_in_bytes"}},
		{"a group below what is mounted", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "0::/../outside\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/memory.max": "1048576\n", "sys/fs/cgroup/memory.current": "0\n",
		}, 1 * mib, []string{"/sys/fs/cgroup/memory.max"}},
		{"a usage above the limit", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2mount,
			"sys/fs/cgroup/memory.max": "1048576\n", "sys/fs/cgroup/memory.current": "2097152\n",
		}, -1 * mib, []string{"leaves 0 bytes"}},
		{"a mount point with a blank", map[string]string{
			"proc/meminfo": meminfo(512 * mib), "proc/self/cgroup": "0::/\n",
			"proc/self/mountinfo":    `42 31 0:38 / /sys/c\040g rw - cgroup2 cgroup2 rw` + "\n",
			"sys/c g/memory.max":     "1048576\n",
			"sys/c g/memory.current": "0\n",
		}, 1 * mib, []string{"/sys/c g/memory.max"}},
		{"files that make no sense", map[string]string{
			"proc/meminfo": "MemAvailable: many kB\n", "proc/self/cgroup": "::\n0\n", "proc/self/mountinfo": "x\n- - -\n 1 2 3 - cgroup2\n",
		}, 1 << 60, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := host(t, tc.files)
			if err := m.check(tc.fits); err != nil {
				t.Errorf("%d bytes: %v", tc.fits, err)
			}
			if tc.says != nil {
				wantError(t, m.check(tc.fits+1), ErrMemory, tc.says...)
			}
		})
	}
}

func TestARingThatDoesNotFitIsRefusedBeforeItIsTaken(t *testing.T) {
	leak.Check(t)
	rooms := hostMemory.rooms()
	if len(rooms) == 0 {
		t.Fatal("this machine tells no limit")
	}
	least := rooms[0].bytes
	for _, r := range rooms {
		least = min(least, r.bytes)
	}
	for range 100 {
		_, err := NewRing(least + 1<<40)
		wantError(t, err, ErrMemory, "needs", "leaves", "batch_size")
	}
}

func TestAMachineWithoutAddressSpaceSaysSo(t *testing.T) {
	err := noRoom(123, unix.ENOSPC)
	wantError(t, err, ErrMemory, "123 bytes", "no space left")
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(byteSize(1<<40), "1024 GiB") || !strings.Contains(byteSize(20<<20), "20 MiB") {
		t.Errorf("%v, %s", err, byteSize(1<<40))
	}
}
