package leak

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// system lists what the kernel knows of this process.
func system() census {
	return census{"file descriptor": descriptors(), "mapping": mappings(), "child process": children()}
}

func descriptors() map[string]string {
	const dir = "/proc/self/fd"
	list := make(map[string]string)
	f, err := os.Open(dir)
	if err != nil {
		return list
	}
	defer f.Close()
	own := strconv.Itoa(int(f.Fd()))
	names, err := f.Readdirnames(-1)
	if err != nil {
		return list
	}
	for _, fd := range names {
		target, err := os.Readlink(dir + "/" + fd)
		if err != nil || fd == own || isPoller(target) {
			continue
		}
		list[fd+" "+target] = fd + " → " + target
	}
	return list
}

// isPoller reports whether the runtime's poller keeps such a descriptor.
func isPoller(target string) bool {
	return target == "anon_inode:[eventpoll]" || target == "anon_inode:[eventfd]"
}

// mappings lists memory that is shared through a memfd.
func mappings() map[string]string {
	list := make(map[string]string)
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return list
	}
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "/memfd:") {
			where, _, _ := strings.Cut(line, " ")
			list[where] = strings.TrimSpace(line)
		}
	}
	return list
}

func children() map[string]string {
	list := make(map[string]string)
	dir, err := os.Open("/proc")
	if err != nil {
		return list
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return list
	}
	self := strconv.Itoa(os.Getpid())
	for _, pid := range names {
		if pid[0] < '0' || pid[0] > '9' {
			continue
		}
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue
		}
		// PID (NAME) STATE PPID …; the name may hold blanks and brackets.
		text := string(stat)
		end := strings.LastIndexByte(text, ')')
		if rest := strings.Fields(text[end+1:]); end > 0 && len(rest) > 1 && rest[1] == self {
			list[pid] = fmt.Sprintf("%s, state %s", text[:end+1], rest[0])
		}
	}
	return list
}
