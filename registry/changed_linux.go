package registry

import (
	"io/fs"
	"syscall"
	"time"
)

// changedAt is when a file, or anything about it, was changed last.
func changedAt(fi fs.FileInfo) time.Time {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return time.Unix(int64(st.Ctim.Sec), int64(st.Ctim.Nsec))
	}
	return fi.ModTime()
}
