//go:build linux || darwin

package mapped

import (
	"os"

	"golang.org/x/sys/unix"
)

// freeSpace is what this user may still write to the disk of f, in bytes; false where the system does not say.
func freeSpace(f *os.File) (int64, bool) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true
}
