package h5

import (
	"errors"
	"io"
)

// MaxChunkBytes bounds one decoded chunk; a larger one is ErrTooLarge.
const MaxChunkBytes = 1 << 30

// File is an open HDF5 file. All its methods, and those of everything reached from it, may be
// called by any number of goroutines at once.
type File struct {
	r    io.ReaderAt
	size int64
	name string
}

// Open opens the file at path for reading. Close releases the descriptor.
func Open(path string) (*File, error) { return nil, errTODO }

// NewFile reads size bytes of r as an HDF5 file; name is used in errors. r must allow concurrent
// ReadAt calls. Close does not close r.
func NewFile(r io.ReaderAt, size int64, name string) (*File, error) { return nil, errTODO }

// Close releases the file. Datasets of a closed file fail to read.
func (f *File) Close() error { return nil }

// Name is the name given to Open or NewFile.
func (f *File) Name() string { return f.name }

// Size is the file's length in bytes when it was opened.
func (f *File) Size() int64 { return f.size }

// ReadAt reads raw bytes of the file, for the offsets that DirectAt and ChunkTable give.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.r.ReadAt(p, off) }

// Changed returns an error wrapping ErrChanged when the open file's size or modification time is
// not what it was at Open. It is nil for files made by NewFile. One fstat, no allocation.
func (f *File) Changed() error { return nil }

// Root is the group "/".
func (f *File) Root() *Group { return nil }

// Lookup finds the object at a path such as "/obs/cell_type", following soft links.
func (f *File) Lookup(path string) (Object, error) { return nil, errTODO }

var errTODO = errors.New("h5: not yet")
