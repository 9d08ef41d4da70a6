package zarr

import (
	"os"
	"syscall"
)

// identify asks for a file's identity without allocating.
func identify(f *os.File) (identity, error) {
	fd := f.Fd()
	if fd == ^uintptr(0) {
		return identity{}, os.ErrClosed
	}
	var st syscall.Stat_t
	for {
		err := syscall.Fstat(int(fd), &st)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return identity{}, os.NewSyscallError("fstat", err)
		}
		return identity{size: st.Size, mtime: st.Mtim.Nano(), gone: st.Nlink == 0}, nil
	}
}
