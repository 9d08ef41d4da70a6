package ipc

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// reserveStep is how much is taken between two looks at what is left. It is small enough, too, that a signal seldom
// interrupts a step, which undoes it.
const reserveStep = 16 << 20

// seals: the file keeps its size, and its seals.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// reserve makes a memfd of whole pages that are all there.
func reserve(size int64) (*os.File, error) {
	if err := hostMemory.check(size); err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("loaderd", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, noRoom(size, fmt.Errorf("memfd_create: %w", err))
	}
	f := os.NewFile(uintptr(fd), "memfd:loaderd")
	if err := populate(fd, size); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		f.Close()
		return nil, fmt.Errorf("seal the ring: %w", err)
	}
	return f, nil
}

func populate(fd int, size int64) error {
	if err := unix.Ftruncate(fd, size); err != nil {
		return noRoom(size, fmt.Errorf("ftruncate: %w", err))
	}
	for at := int64(0); at < size; at += reserveStep {
		if at > 0 {
			if err := hostMemory.check(size - at); err != nil {
				return err
			}
		}
		if err := fallocate(fd, 0, at, min(reserveStep, size-at)); err != nil {
			return noRoom(size, fmt.Errorf("fallocate: %w", err))
		}
	}
	return nil
}

func fallocate(fd int, mode uint32, at, n int64) error {
	for {
		if err := unix.Fallocate(fd, mode, at, n); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func punch(f *os.File, off, size int64) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) {
		inner = fallocate(int(fd), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, size)
	})
	if err := errors.Join(err, inner); err != nil {
		return fmt.Errorf("give the ring's pages back: %w", err)
	}
	return nil
}

// checkSealed makes sure that the file can not shrink below what will be mapped.
func checkSealed(f *os.File) error {
	have, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil {
		return protocolErrorf("a segment that is no memfd: %w", err)
	}
	if have&unix.F_SEAL_SHRINK == 0 {
		return protocolErrorf("a segment that is not sealed against shrinking (seals %#x)", have)
	}
	return nil
}
