package mapped

import (
	"os"
	"syscall"
)

// changeTime is when a file, or anything about it, was changed last, in nanoseconds. Nobody can set it, as tools do with the
// time of the last write.
func changeTime(fi os.FileInfo) int64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Ctim.Nano()
	}
	return 0
}
