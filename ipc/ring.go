package ipc

import (
	"errors"
	"fmt"
	"os"

	"github.com/edsrzf/mmap-go"
)

// Ring is a file in memory without a name, mapped here and meant to be mapped by one client. On Linux it is a memfd: all its
// pages are reserved when it is made, and it is sealed so that it can neither shrink nor grow; so no one who maps it meets a
// bus error. It goes with the last descriptor and mapping, whoever has it, so there is nothing to clean up after a crash.
//
// The methods are not safe for concurrent use; Bytes is.
type Ring struct {
	file *os.File
	mem  mmap.MMap
}

// NewRing reserves size bytes, rounded up to whole pages and zero at first. The error is [ErrMemory], and names what is needed,
// what there is, and which limit says so, when they do not fit the memory of the machine or of any control group above this
// process; that is found out before they are taken, for a process that runs into the limit of its control group is
// killed rather than told.
func NewRing(size int64) (*Ring, error) {
	if size <= 0 {
		return nil, &Error{Code: CodeInternal, Stage: "ring", Message: fmt.Sprintf("a ring of %d bytes", size)}
	}
	size, err := wholePages(size)
	if err != nil {
		return nil, err
	}
	f, err := reserve(size)
	if err != nil {
		return nil, err
	}
	mem, err := mmap.Map(f, mmap.RDWR, 0)
	if err != nil {
		f.Close()
		return nil, noRoom(size, fmt.Errorf("map %d bytes: %w", size, err))
	}
	return &Ring{file: f, mem: mem}, nil
}

func wholePages(size int64) (int64, error) {
	page := int64(os.Getpagesize())
	rounded := (size + page - 1) / page * page
	if rounded < size || int64(int(rounded)) != rounded {
		return 0, &Error{
			Code: CodeMemory, Stage: "ring", Object: "address space", Message: fmt.Sprintf("%d bytes cannot be mapped", size),
			Hint: "ask for smaller batches, or csr",
		}
	}
	return rounded, nil
}

// Bytes is the memory. It is valid until Close.
func (r *Ring) Bytes() []byte { return r.mem }

// Size is the length of Bytes.
func (r *Ring) Size() int64 { return int64(len(r.mem)) }

// File is what a client gets; it stays the ring's.
func (r *Ring) File() *os.File { return r.file }

// Punch gives all pages back to the system, although others may still map them; they read zeros from then on. It is
// for the memory of a client that is dead, of which a forked child may live on. Nothing may be written afterwards.
func (r *Ring) Punch() error { return punch(r.file, 0, r.Size()) }

// PunchRange is [Ring.Punch] of n bytes from off alone, both multiples of [FrameAlign].
func (r *Ring) PunchRange(off, n int64) error { return punch(r.file, off, n) }

// Close unmaps the memory and closes the file. Nobody may be using Bytes. A second Close does nothing.
func (r *Ring) Close() error {
	if r.file == nil {
		return nil
	}
	err := errors.Join(r.mem.Unmap(), r.file.Close())
	r.file = nil
	return err
}

// mapSegment maps a segment that came from the daemon, and closes f.
func mapSegment(f *os.File, size int64) (mmap.MMap, error) {
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, protocolErrorf("segment: %w", err)
	}
	if size <= 0 || st.Size() < size {
		return nil, protocolErrorf("a segment is said to have %d bytes, and its file has %d", size, st.Size())
	}
	if err := checkSealed(f); err != nil {
		return nil, err
	}
	mem, err := mmap.MapRegion(f, int(size), mmap.RDWR, 0, 0)
	if err != nil {
		return nil, &Error{
			Code: CodeMemory, Stage: "ring", Object: "address space", Message: fmt.Sprintf("map %d bytes: %v", size, err),
			Hint: "release batches, or raise ulimit -v", cause: err,
		}
	}
	return mem, nil
}

// noRoom is the error for a reservation that the kernel refused.
func noRoom(size int64, err error) error {
	return &Error{
		Code: CodeMemory, Stage: "ring", Object: "shared memory", cause: err,
		Message: fmt.Sprintf("cannot reserve %s of shared memory: %v", byteSize(size), err),
		Hint:    "lower batch_size or prefetch, or ask for format csr",
	}
}

// byteSize is n for people, and exactly.
func byteSize(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB (%d bytes)", n>>30, n)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB (%d bytes)", n>>20, n)
	}
	return fmt.Sprintf("%d bytes", n)
}
