package cache

import (
	"context"
	"os"
	"time"
)

// Ref names an object: an absolute path of this machine, or a URL.
type Ref string

// Store is a place where objects are. Its methods are called from several goroutines.
type Store interface {
	// Stat says what an object is now, without reading it. The error wraps fs.ErrNotExist where there is none.
	Stat(ctx context.Context, ref Ref) (Info, error)

	// Fetch writes a file of an object into an empty file, which stays the caller's and may be written at any offset, and tells progress
	// how many bytes have come since the last call. name is one that Stat gave. Errors of into are returned as they are.
	Fetch(ctx context.Context, ref Ref, name string, into *os.File, progress func(n int64)) error
}

// Info is what a store says of an object.
type Info struct {
	Dir   bool   // a folder, of any number of files; else one file
	Files []File // sorted by name, each name once
}

// File is one of the files of an object.
type File struct {
	Name    string // within the folder, with slashes; "" where the object is a file
	Size    int64  // bytes
	ModTime time.Time
}

// Size is that of all files, in bytes.
func (i Info) Size() int64 {
	n := int64(0)
	for _, f := range i.Files {
		n += f.Size
	}
	return n
}

// equal says whether nothing shows that an object has changed.
func (i Info) equal(other Info) bool {
	if i.Dir != other.Dir || len(i.Files) != len(other.Files) {
		return false
	}
	for at, f := range i.Files {
		o := other.Files[at]
		if f.Name != o.Name || f.Size != o.Size || !f.ModTime.Equal(o.ModTime) {
			return false
		}
	}
	return true
}
