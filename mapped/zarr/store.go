package zarr

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// marks are the files in which a store begins, in the order in which they are looked for: zarr 3 before zarr 2, as
// zarr-python does.
var marks = []string{"zarr.json", ".zmetadata", ".zgroup", ".zarray"}

// Store is an open zarr store. All its methods, and those of everything reached from it, may be called by any number
// of goroutines at once.
type Store struct {
	name    string
	st      storage
	version int
	catalog *catalog // consolidated metadata; nil: each node is read where it lies
	root    *Group

	streamFrom int64 // bytes from which chunks are decoded while they are read; set by tests, 0: codec.StreamFrom
}

// IsStore says whether the folder or file at path looks like a store: a folder in which one begins, or a file
// with the signature of a zip archive.
func IsStore(path string) bool {
	st, err := os.Stat(path)
	if err != nil {
		return false
	}
	if st.IsDir() {
		for _, mark := range append([]string{".zattrs"}, marks...) {
			if _, err := os.Stat(path + "/" + mark); err == nil {
				return true
			}
		}
		return false
	}
	if !st.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	var sign [4]byte
	_, err = f.ReadAt(sign[:], 0)
	return err == nil && (string(sign[:]) == "PK\x03\x04" || string(sign[:]) == "PK\x05\x06")
}

// Open opens the store in the folder, or in the zip archive, at path. Close releases it.
func Open(path string) (*Store, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &Error{Store: path, Form: "open", Err: err}
	}
	s := &Store{name: path}
	switch {
	case info.IsDir():
		s.st = newDirStorage(path)
	case info.Mode().IsRegular():
		if s.st, err = openArchive(path); err != nil {
			return nil, locate(err, path, "")
		}
	default:
		return nil, &Error{Store: path, Kind: ErrNotZarr, Form: "neither a folder nor a regular file"}
	}
	return s.open()
}

func openArchive(path string) (storage, error) {
	z, err := openZip(path)
	if err != nil {
		return nil, err
	}
	return z, nil
}

// NewZip reads size bytes of r as a store in a zip archive; name is used in errors. r must allow concurrent ReadAt
// calls. Close does not close r.
func NewZip(r io.ReaderAt, size int64, name string) (*Store, error) {
	z := &zipStorage{}
	if err := z.read(r, size); err != nil {
		return nil, locate(err, name, "")
	}
	return (&Store{name: name, st: z}).open()
}

// open reads the root. On an error the storage is closed.
func (s *Store) open() (*Store, error) {
	if err := s.readRoot(); err != nil {
		return nil, locate(errors.Join(err, s.Close()), s.name, "/")
	}
	return s, nil
}

func (s *Store) readRoot() error {
	for _, mark := range marks {
		data, ok, err := s.st.small(mark, MaxMetadataBytes)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if d, isDir := s.st.(*dirStorage); isDir {
			if err := d.setMark(mark); err != nil {
				return err
			}
		}
		f, err := parseObject(data)
		if err != nil {
			return located2(err, mark)
		}
		return s.begin(mark, f)
	}
	return &Error{Kind: ErrNotZarr, Form: "no zarr.json, .zmetadata or .zgroup"}
}

// located2 names the metadata file in an error that has none.
func located2(err error, key string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	c.Form = strings.TrimSuffix(key+": "+c.Form, ": ")
	return &c
}

// begin makes the root out of the file in which the store begins.
func (s *Store) begin(mark string, f fields) error {
	s.version = 2
	var err error
	switch mark {
	case "zarr.json":
		s.version = 3
		switch n, ok := asInt(f["zarr_format"]); {
		case !ok:
			return corrupt("a zarr.json without a zarr_format")
		case n != 3:
			return unsupported("zarr_format %d in zarr.json", n)
		}
		s.catalog, err = newCatalog3(f)
	case ".zmetadata":
		s.catalog, err = newCatalog2(f)
	}
	if err != nil {
		return err
	}
	o, err := s.node("")
	if err != nil {
		return err
	}
	root, ok := o.(*Group)
	if o == nil {
		return &Error{Kind: ErrNotZarr, Form: mark + " has no root"}
	}
	if !ok {
		return &Error{Kind: ErrNotZarr, Form: "the root is an array, not a group", Hint: "give the folder of the whole store"}
	}
	s.root = root
	return nil
}

// Close releases the store. Arrays of a closed store fail to read, with os.ErrClosed.
func (s *Store) Close() error {
	err := s.st.close()
	pool.forget(s)
	if err != nil && !errors.Is(err, fs.ErrClosed) {
		return &Error{Store: s.name, Form: "close", Err: err}
	}
	return nil
}

// Name is the path given to Open.
func (s *Store) Name() string { return s.name }

// Version is 2 or 3.
func (s *Store) Version() int { return s.version }

// Consolidated says whether the metadata of all nodes were read from one file.
func (s *Store) Consolidated() bool { return s.catalog != nil }

// Size is the number of bytes stored. Of a folder, the first call looks at every file.
func (s *Store) Size() int64 { return s.st.size("") }

// Changed returns an error wrapping ErrChanged when the store's first file, or its archive, is not what it was at
// Open. It costs one fstat. Other files are looked at when they are read.
func (s *Store) Changed() error { return locate(s.st.changed(), s.name, "/") }

// Root is the group "/".
func (s *Store) Root() *Group { return s.root }

// Lookup finds the group or array at a path such as "/obs/cell_type".
func (s *Store) Lookup(path string) (Object, error) {
	key := strings.Trim(path, "/")
	if key == "" {
		return s.root, nil
	}
	var o Object
	if validKey(key) {
		var err error
		if o, err = s.node(key); err != nil {
			return nil, locate(err, s.name, "/"+key)
		}
	}
	if o == nil {
		return nil, &Error{Store: s.name, Object: "/" + key, Kind: ErrNotFound}
	}
	return o, nil
}
