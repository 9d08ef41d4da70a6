package zarr

import (
	"path"
	"strings"
)

// object is what a storage knows of one stored object. In a folder, size and time are what the file must still have
// when it is read again.
type object struct {
	missing bool
	size    int64 // bytes of the object
	mtime   int64 // in a folder: nanoseconds since 1970
	member  int   // in an archive: its number
	at      int64 // in an archive: where its bytes begin
}

// objectID names an open file of the pool: an array, and the number of the object within it.
type objectID struct {
	a *Array
	n int64
}

// storage is where the objects of a store lie. All methods may be called from any goroutine.
type storage interface {
	// stat looks for an object. A missing one is no error.
	stat(key string) (object, error)
	// small reads a whole object of at most limit bytes; false when there is none.
	small(key string, limit int64) ([]byte, bool, error)
	// load reads the whole of an object into dst, which has its size.
	load(key string, o object, dst []byte) error
	// readAt reads a part of an object; id is for keeping it open.
	readAt(id objectID, o object, p []byte, off int64) error
	// random says whether readAt is cheap for every object below prefix.
	random(prefix string) bool
	// folders lists the names of what may be groups and arrays directly below key.
	folders(key string) ([]string, error)
	// writable says that objects may come and go while the store is open.
	writable() bool
	// size is the number of bytes stored below key ("" for all).
	size(key string) int64
	// changed wraps ErrChanged when the store is not what it was when opened.
	changed() error
	close() error
}

// validName says whether name can be a member of a group. Others would lead out of the store, or be paths.
func validName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00")
}

// validKey says whether every part of a path can be a name.
func validKey(key string) bool {
	for part := range strings.SplitSeq(key, "/") {
		if !validName(part) {
			return false
		}
	}
	return true
}

func join(key, name string) string { return path.Join(key, name) }
