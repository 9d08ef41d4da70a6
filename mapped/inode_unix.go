//go:build unix

package mapped

import (
	"os"
	"syscall"
)

// inode is the number of a file on its device.
func inode(fi os.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}
