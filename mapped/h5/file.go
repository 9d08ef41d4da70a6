package h5

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// MaxChunkBytes bounds one decoded chunk; a larger one is ErrTooLarge.
const MaxChunkBytes = 1 << 30

// File is an open HDF5 file. All its methods, and those of everything reached from it, may be
// called by any number of goroutines at once.
type File struct {
	// Immutable after NewFile.
	r        io.ReaderAt
	size     int64
	name     string
	base     int64 // what addresses in the file are relative to (the user block's end)
	offLen   int
	lenLen   int
	rootAddr uint64
	extAddr  uint64 // superblock extension, or undefAddr
	root     *Group
	closer   *os.File // set by Open alone, as the next two are
	stater   stater
	modTime  time.Time

	streamFrom int64 // bytes from which chunks are decoded while they are read; set by tests, 0: codec.StreamFrom

	trusting  bool      // metadata checksums are not verified; set by tests of what stands behind them
	shareOnce sync.Once // guards the next two
	shared    []sharedIndex
	shareErr  error
}

// Open opens the file at path for reading. Close releases the descriptor.
func Open(path string) (*File, error) {
	// Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever. Regular files do not mind it.
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &Error{File: path, Form: "open", Err: err}
	}
	f, err := open(r, path)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return f, nil
}

func open(r *os.File, path string) (*File, error) {
	st, err := r.Stat()
	if err != nil {
		return nil, &Error{File: path, Form: "stat", Err: err}
	}
	if !st.Mode().IsRegular() {
		return nil, &Error{File: path, Kind: ErrNotHDF5, Form: "not a regular file"}
	}
	f, err := NewFile(r, st.Size(), path)
	if err != nil {
		return nil, err
	}
	f.closer = r
	if f.stater, err = newStater(r); err != nil {
		return nil, &Error{File: path, Form: "stat", Err: err}
	}
	if _, f.modTime, err = f.stater.stat(); err != nil {
		return nil, &Error{File: path, Form: "stat", Err: err}
	}
	return f, nil
}

// NewFile reads size bytes of r as an HDF5 file; name is used in errors. r must allow concurrent
// ReadAt calls. Close does not close r.
func NewFile(r io.ReaderAt, size int64, name string) (*File, error) {
	return newFile(&File{r: r, size: size, name: name})
}

func newFile(f *File) (*File, error) {
	name := f.name
	if err := f.readSuperblock(); err != nil {
		return nil, locate(err, name, "")
	}
	if err := f.checkExtension(); err != nil {
		return nil, locate(err, name, "superblock extension")
	}
	o, err := f.object(f.rootAddr, "/")
	if err != nil {
		return nil, locate(err, name, "/")
	}
	root, ok := o.(*Group)
	if !ok {
		return nil, locate(corrupt("the root object is not a group"), name, "/")
	}
	f.root = root
	return f, nil
}

// Close releases the file. Datasets of a closed file fail to read, with os.ErrClosed.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	if err := f.closer.Close(); err != nil {
		return &Error{File: f.name, Form: "close", Err: err}
	}
	return nil
}

// Name is the name given to Open or NewFile.
func (f *File) Name() string { return f.name }

// Size is the file's length in bytes when it was opened.
func (f *File) Size() int64 { return f.size }

// ReadAt reads raw bytes of the file, for the offsets that DirectAt and ChunkTable give. A short read
// inside the size known at Open is ErrTruncated.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.r.ReadAt(p, off)
	if n == len(p) {
		return n, nil
	}
	return n, f.readError(err, off, len(p))
}

func (f *File) readError(err error, off int64, n int) error {
	form := fmt.Sprintf("reading %d bytes at %d", n, off)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{File: f.name, Kind: ErrTruncated, Form: form}
	}
	return &Error{File: f.name, Form: form, Err: err}
}

// Changed returns an error wrapping ErrChanged when the open file's size or modification time is
// not what it was at Open. A file that was replaced by another of its name is unchanged: the
// descriptor still reads the old one. It costs one fstat and no allocation, and is nil for files made by NewFile.
func (f *File) Changed() error {
	if f.closer == nil {
		return nil
	}
	size, modTime, err := f.stater.stat()
	if err != nil {
		return &Error{File: f.name, Form: "stat", Err: err}
	}
	if size == f.size && modTime.Equal(f.modTime) {
		return nil
	}
	return &Error{File: f.name, Kind: ErrChanged,
		Form: fmt.Sprintf("%d bytes of %s, was %d bytes of %s", size, modTime.Format(time.RFC3339Nano),
			f.size, f.modTime.Format(time.RFC3339Nano)),
		Hint: "open it again once the writer has finished"}
}

// Root is the group "/".
func (f *File) Root() *Group { return f.root }

// Lookup finds the object at a path such as "/obs/cell_type", following soft links.
func (f *File) Lookup(path string) (Object, error) {
	if strings.Trim(path, "/") == "" {
		return f.root, nil
	}
	return f.root.Object(path)
}

// abs turns an address of the file format into an offset, checking that n bytes stand there.
func (f *File) abs(addr uint64, n int64) (int64, error) {
	if n < 0 || addr > uint64(f.size) || int64(addr)+f.base > f.size || n > f.size-f.base-int64(addr) {
		return 0, corrupt(fmt.Sprintf("an address beyond the end of the file (%d bytes at %#x)", n, addr))
	}
	return int64(addr) + f.base, nil
}

// bytes reads n bytes at an address. It allocates no more than the file holds.
func (f *File) bytes(addr uint64, n int64) ([]byte, error) {
	off, err := f.abs(addr, n)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, off); err != nil {
		return nil, err
	}
	return b, nil
}

// upTo is bytes for as many of n bytes as the file has.
func (f *File) upTo(addr uint64, n int64) ([]byte, error) {
	if addr <= uint64(f.size) {
		n = min(n, f.size-f.base-int64(addr))
	}
	return f.bytes(addr, n)
}
