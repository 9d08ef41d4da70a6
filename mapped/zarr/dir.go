package zarr

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// dirStorage is a folder of files.
type dirStorage struct {
	path   string
	opened int64 // when, in nanoseconds since 1970
	closed atomic.Bool

	// mark is the file in which the store begins. It stays open, so that changed costs one fstat.
	mark     *os.File
	markInfo identity
	markStat os.FileInfo

	sizeOnce sync.Once
	sizeAll  int64
}

// identity is what tells a file that was written to, or replaced, from what it was.
type identity struct {
	size  int64
	mtime int64
	gone  bool // no name leads to it any more
}

func newDirStorage(path string) *dirStorage {
	return &dirStorage{path: path, opened: time.Now().UnixNano()}
}

// setMark chooses the file that changed looks at.
func (d *dirStorage) setMark(key string) error {
	f, err := d.open(key)
	if err != nil {
		return err
	}
	if d.markStat, err = f.Stat(); err == nil {
		d.markInfo, err = identify(f)
	}
	if err != nil {
		return errors.Join(fileError(key, err), f.Close())
	}
	d.mark = f
	// A clock elsewhere may go ahead of ours.
	d.opened = max(d.opened, d.markInfo.mtime)
	return nil
}

func (d *dirStorage) file(key string) string { return filepath.Join(d.path, filepath.FromSlash(key)) }

// absent says that err means there is no such file: also when a file stands where a folder should, and for a
// name that no file can have.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EINVAL)
}

// fileError names what opening a file met.
func fileError(key string, err error) error {
	switch {
	case errors.Is(err, syscall.ELOOP):
		return &Error{Kind: ErrCorrupt, Form: key + ": a loop of symbolic links"}
	case errors.Is(err, os.ErrClosed):
		return &Error{Form: key, Err: os.ErrClosed}
	}
	return &Error{Form: key, Err: err}
}

// open opens a regular file. A pipe would wait for its writer: O_NONBLOCK keeps it from that.
func (d *dirStorage) open(key string) (*os.File, error) {
	if d.closed.Load() {
		return nil, &Error{Form: key, Err: os.ErrClosed}
	}
	f, err := os.OpenFile(d.file(key), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = corrupt("%s is not a regular file", key)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d *dirStorage) stat(key string) (object, error) {
	if d.closed.Load() {
		return object{}, &Error{Form: key, Err: os.ErrClosed}
	}
	st, err := os.Stat(d.file(key))
	if err != nil {
		if absent(err) {
			return object{missing: true}, nil
		}
		return object{}, fileError(key, err)
	}
	if !st.Mode().IsRegular() {
		return object{}, corrupt("%s is not a regular file", key)
	}
	o := object{size: st.Size(), mtime: st.ModTime().UnixNano()}
	return o, d.checkTime(key, o.mtime)
}

// checkTime refuses what was written after the store was opened: it does not go with what was read before. A time
// to come says nothing.
func (d *dirStorage) checkTime(key string, mtime int64) error {
	if mtime > d.opened && mtime <= time.Now().UnixNano() {
		return changed(key + " was written since")
	}
	return nil
}

func (d *dirStorage) small(key string, limit int64) ([]byte, bool, error) {
	f, err := d.open(key)
	if err != nil {
		if absent(err) {
			return nil, false, nil
		}
		return nil, false, fileError(key, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, false, fileError(key, err)
	}
	if int64(len(data)) > limit {
		return nil, false, &Error{Kind: ErrTooLarge, Form: key, Hint: rewriteHint}
	}
	return data, true, nil
}

// load opens, reads and closes: whole chunks are not read twice in a row.
func (d *dirStorage) load(key string, o object, dst []byte) error {
	f, err := d.openChunk(key)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return d.readFrom(f, key, o, dst, 0)
}

// openChunk opens what was there before. Another folder may have taken this one's place: the file in which the
// store begins tells.
func (d *dirStorage) openChunk(key string) (*os.File, error) {
	st, err := os.Stat(d.mark.Name())
	if err != nil || !os.SameFile(st, d.markStat) {
		return nil, changed(filepath.Base(d.mark.Name()) + " was replaced")
	}
	f, err := d.open(key)
	if err != nil {
		return nil, d.lost(key, err)
	}
	return f, nil
}

// lost names why an object that was there cannot be opened.
func (d *dirStorage) lost(key string, err error) error {
	if absent(err) {
		return changed(key + " is gone")
	}
	return fileError(key, err)
}

// readFrom reads, then looks whether the file is still the same: what was written meanwhile shows too.
func (d *dirStorage) readFrom(f *os.File, key string, o object, p []byte, off int64) error {
	_, err := f.ReadAt(p, off)
	now, idErr := identify(f)
	if idErr != nil {
		return fileError(key, idErr)
	}
	if now != (identity{size: o.size, mtime: o.mtime}) {
		return changed(key)
	}
	if err != nil {
		return short(err, key)
	}
	return nil
}

func (d *dirStorage) readAt(id objectID, o object, p []byte, off int64) error {
	h := pool.get(id)
	if h == nil {
		key := id.a.objectKey(id.n)
		f, err := d.openChunk(key)
		if err != nil {
			return err
		}
		h = pool.add(id, f)
		if d.closed.Load() { // Close may have missed it
			pool.put(h, true)
			return &Error{Form: key, Err: os.ErrClosed}
		}
	}
	err := d.readFrom(h.f, "", o, p, off)
	pool.put(h, err != nil)
	if err != nil {
		return located(err, id.a.objectKey(id.n))
	}
	return nil
}

// located puts the key into an error that was made without it, to keep the usual path free of strings.
func located(err error, key string) error {
	var e *Error
	if errors.As(err, &e) && e.Form == "" {
		c := *e
		c.Form = key
		return &c
	}
	return err
}

func (d *dirStorage) random(string) bool { return true }

func (d *dirStorage) folders(key string) ([]string, error) {
	entries, err := os.ReadDir(d.file(key))
	if err != nil {
		return nil, fileError(key, err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// size walks the folder. It is asked for where metadata claim very much.
func (d *dirStorage) size(key string) int64 {
	if key != "" {
		return d.walk(key)
	}
	d.sizeOnce.Do(func() { d.sizeAll = d.walk("") })
	return d.sizeAll
}

func (d *dirStorage) walk(key string) int64 {
	sum := int64(0)
	// What cannot be read does not count.
	_ = filepath.WalkDir(d.file(key), func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if st, err := e.Info(); err == nil {
				sum += st.Size()
			}
		}
		return nil
	})
	return sum
}

func (d *dirStorage) changed() error {
	if d.closed.Load() {
		return &Error{Err: os.ErrClosed}
	}
	now, err := identify(d.mark)
	if err != nil {
		return fileError(filepath.Base(d.mark.Name()), err)
	}
	if now != d.markInfo {
		return changed(filepath.Base(d.mark.Name()))
	}
	return nil
}

func (d *dirStorage) close() error {
	if d.closed.Swap(true) || d.mark == nil {
		return nil
	}
	return d.mark.Close()
}

func (d *dirStorage) writable() bool { return true }
