package ipc

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryLimits answers how much may be taken. root is "/" but in tests.
type memoryLimits struct{ root string }

var hostMemory = memoryLimits{root: "/"}

// room is what one limit leaves.
type room struct {
	limit string // its name, as it is in an error
	bytes int64
	hint  string
}

// check compares size with what every limit leaves. A limit that can not be read does not hold: the kernel has
// the last word.
func (m memoryLimits) check(size int64) error {
	for _, r := range m.rooms() {
		if size > r.bytes {
			return &Error{
				Code: CodeMemory, Stage: "ring", Object: r.limit, Hint: r.hint,
				Message: fmt.Sprintf("the ring needs %s of shared memory, and %s leaves %s", byteSize(size), r.limit,
					byteSize(max(0, r.bytes))),
			}
		}
	}
	return nil
}

const lessMemory = "lower batch_size or prefetch, ask for format csr, or "

func (m memoryLimits) rooms() []room {
	var list []room
	if kb, ok := m.field("proc/meminfo", "MemAvailable:"); ok {
		list = append(list, room{"the machine's free memory (MemAvailable)", kb << 10, lessMemory + "free memory on the machine"})
	}
	for _, g := range m.groups() {
		list = append(list, m.groupRooms(g)...)
	}
	return list
}

// group is a control group: where it is mounted and which one this process is in.
type group struct {
	mount, path string
	v2          bool
}

// groups lists the unified hierarchy, and the old memory controller, as far as they are mounted.
func (m memoryLimits) groups() []group {
	paths := m.groupPaths()
	var list []group
	m.lines("proc/self/mountinfo", func(line string) {
		// ID parent dev root mountpoint options [tags…] - type source superoptions
		head, tail, ok := strings.Cut(line, " - ")
		a, b := strings.Fields(head), strings.Fields(tail)
		if !ok || len(a) < 5 || len(b) < 3 {
			return
		}
		v2 := b[0] == "cgroup2"
		if !v2 && (b[0] != "cgroup" || !hasOption(b[2], "memory")) {
			return
		}
		path, ok := paths[v2]
		if !ok {
			return
		}
		// Inside a container the mount's root is the container's own group, or the path begins above it.
		rel, err := filepath.Rel(unescape(a[3]), path)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			rel = "."
		}
		list = append(list, group{mount: unescape(a[4]), path: rel, v2: v2})
	})
	return list
}

// groupPaths is the path of this process's group in the unified hierarchy (true) and in that of memory (false).
func (m memoryLimits) groupPaths() map[bool]string {
	paths := make(map[bool]string)
	m.lines("proc/self/cgroup", func(line string) {
		f := strings.SplitN(line, ":", 3)
		switch {
		case len(f) != 3:
		case f[0] == "0" && f[1] == "":
			paths[true] = f[2]
		case hasOption(f[1], "memory"):
			paths[false] = f[2]
		}
	})
	return paths
}

func hasOption(list, want string) bool {
	for o := range strings.SplitSeq(list, ",") {
		if o == want {
			return true
		}
	}
	return false
}

// unescape undoes mountinfo's octal escapes of blanks and backslashes.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// noLimit: the old interface says a number near 2^63 for none.
const noLimit = 1 << 62

// groupRooms is what g and each group above it leaves: limit − usage, and the cached file pages among the usage, which
// the kernel gives up first. Without those a daemon that has read its limit's worth of files could make no ring.
func (m memoryLimits) groupRooms(g group) []room {
	limitFile, usageFile, prefix := "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"
	if g.v2 {
		limitFile, usageFile, prefix = "memory.max", "memory.current", ""
	}
	var list []room
	for path := g.path; ; path = filepath.Dir(path) {
		dir := filepath.Join(g.mount, path)
		limit, ok1 := m.number(filepath.Join(dir, limitFile))
		usage, ok2 := m.number(filepath.Join(dir, usageFile))
		if ok1 && ok2 && limit < noLimit {
			stat := filepath.Join(dir, "memory.stat")
			inactive, _ := m.field(stat, prefix+"inactive_file")
			active, _ := m.field(stat, prefix+"active_file")
			name := filepath.Join(dir, limitFile)
			list = append(list, room{
				"the control group limit " + name, limit - usage + inactive + active, lessMemory + "raise " + name,
			})
		}
		if path == "." || path == "/" {
			return list
		}
	}
}

func (m memoryLimits) number(path string) (int64, bool) {
	b, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil // "max" is no number, and no limit
}

// field is the number behind a line's first word.
func (m memoryLimits) field(path, word string) (n int64, ok bool) {
	m.lines(path, func(line string) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == word && !ok {
			v, err := strconv.ParseInt(f[1], 10, 64)
			n, ok = v, err == nil
		}
	})
	return n, ok
}

func (m memoryLimits) lines(path string, each func(line string)) {
	b, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		return
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		each(s.Text())
	}
}
