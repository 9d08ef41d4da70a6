package cache

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flush has all that was written below a folder on the disk, and what else waits for that disk: for many files that is one wait
// instead of many.
func flush(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		if err := unix.Syncfs(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("syncfs", err)
		}
	}
}
