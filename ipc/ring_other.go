//go:build unix && !linux

package ipc

import (
	"fmt"
	"os"
)

// reserve makes a temporary file without a name, and writes it so that its blocks are there.
func reserve(size int64) (*os.File, error) {
	f, err := os.CreateTemp("", "loaderd-ring-")
	if err != nil {
		return nil, noRoom(size, err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("unlink the ring: %w", err)
	}
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			f.Close()
			return nil, noRoom(size, err)
		}
	}
	return f, nil
}

// punch does nothing: holes can not be made everywhere, and the file goes with its last user.
func punch(*os.File, int64, int64) error { return nil }

// checkSealed has nothing to check: files have no seals here. The daemon never shrinks one.
func checkSealed(*os.File) error { return nil }
