package zarr

import (
	"archive/zip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/loaderd/loaderd/mapped/codec"
)

// zipStorage is a zip archive, one file.
type zipStorage struct {
	f    *os.File    // nil for an archive in memory
	r    io.ReaderAt // f, or what stands for it
	len  int64       // bytes of the archive
	was  identity    // of f
	root string      // what names in the archive begin with: a folder that was zipped with its name
	all  []*zip.File // sorted by name; of members with one name, the last written
}

func openZip(path string) (*zipStorage, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	z := &zipStorage{f: f}
	if z.was, err = identify(f); err == nil {
		err = z.read(f, z.was.size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return z, nil
}

// read takes the archive's list of members.
func (z *zipStorage) read(r io.ReaderAt, size int64) error {
	z.r, z.len = r, size
	zr, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names that lead outside are never asked for
		return listError(r, err)
	}
	z.all = zr.File
	// zarr-python writes a member again instead of replacing it: the last one counts.
	slices.SortStableFunc(z.all, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	kept := z.all[:0]
	for i, m := range z.all {
		if i+1 == len(z.all) || z.all[i+1].Name != m.Name {
			kept = append(kept, m)
		}
	}
	clear(z.all[len(kept):])
	z.all = kept
	z.findRoot()
	return nil
}

// listError says why an archive has no list of members.
func listError(r io.ReaderAt, err error) error {
	var sign [2]byte
	_, _ = r.ReadAt(sign[:], 0) // what cannot be read is no archive
	var path *fs.PathError
	switch {
	case string(sign[:]) != "PK":
		return &Error{Kind: ErrNotZarr, Form: "neither a folder nor a zip archive"}
	case errors.As(err, &path):
		return &Error{Form: "zip", Err: err}
	case errors.Is(err, zip.ErrFormat), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Kind: ErrTruncated, Form: "the archive's list of members"}
	}
	return &Error{Kind: ErrCorrupt, Form: "the archive's list of members", Err: err}
}

// findRoot looks for a store in the only folder of the archive, where it does not begin at once.
func (z *zipStorage) findRoot() {
	if len(z.all) == 0 || slices.ContainsFunc(marks, func(m string) bool { return z.find(m) >= 0 }) {
		return
	}
	top, _, ok := strings.Cut(z.all[0].Name, "/")
	last, _, _ := strings.Cut(z.all[len(z.all)-1].Name, "/")
	if ok && validName(top) && top == last {
		z.root = top + "/"
	}
}

// find gives the number of a member; -1 when there is none.
func (z *zipStorage) find(key string) int {
	name := z.root + key
	i := z.from(name)
	if i < len(z.all) && z.all[i].Name == name {
		return i
	}
	return -1
}

// from gives the number of the first member at or behind name.
func (z *zipStorage) from(name string) int {
	return sort.Search(len(z.all), func(i int) bool { return z.all[i].Name >= name })
}

func (z *zipStorage) stat(key string) (object, error) {
	i := z.find(key)
	if i < 0 {
		return object{missing: true}, nil
	}
	m := z.all[i]
	if err := z.check(m); err != nil {
		return object{}, err
	}
	at, err := m.DataOffset()
	if err != nil {
		return object{}, z.broken(key, err)
	}
	if at < 0 || at > z.len || int64(m.CompressedSize64) > z.len-at {
		return object{}, corrupt("%s reaches beyond the end of the archive", key)
	}
	return object{size: int64(m.UncompressedSize64), member: i, at: at}, nil
}

// check refuses what cannot be read. Sizes are checked before memory is taken for them.
func (z *zipStorage) check(m *zip.File) error {
	const hint = "zip the store again without compression or encryption: zip -r -0"
	switch {
	case m.Flags&1 != 0:
		return &Error{Kind: ErrUnsupported, Form: m.Name + " is encrypted", Hint: hint}
	case m.UncompressedSize64 > 1<<62 || m.CompressedSize64 > 1<<62:
		return corrupt("%s has %d bytes", m.Name, m.UncompressedSize64)
	case m.Method == zip.Store && m.CompressedSize64 != m.UncompressedSize64:
		return corrupt("%s has two sizes", m.Name)
	case m.Method == zip.Deflate && !codec.Deflate.Plausible(int64(m.UncompressedSize64), int64(m.CompressedSize64)):
		return corrupt("%s claims %d bytes of %d", m.Name, m.UncompressedSize64, m.CompressedSize64)
	case m.Method != zip.Store && m.Method != zip.Deflate:
		return &Error{Kind: ErrUnsupported, Form: fmt.Sprintf("%s is compressed by zip's method %d", m.Name, m.Method), Hint: hint}
	}
	return nil
}

// broken says why a member's header cannot be read.
func (z *zipStorage) broken(key string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return short(err, key)
	}
	return &Error{Kind: ErrCorrupt, Form: key + ": its header in the archive", Err: err}
}

func (z *zipStorage) small(key string, limit int64) ([]byte, bool, error) {
	o, err := z.stat(key)
	if o.missing || err != nil {
		return nil, false, err
	}
	if o.size > limit {
		return nil, false, &Error{Kind: ErrTooLarge, Form: key, Hint: rewriteHint}
	}
	data := make([]byte, o.size)
	return data, true, z.load(key, o, data)
}

// load reads a member, verifies its checksum and inflates it.
func (z *zipStorage) load(key string, o object, dst []byte) error {
	m := z.all[o.member]
	if m.Method == zip.Store {
		if err := z.raw(key, dst, o.at); err != nil {
			return err
		}
	} else {
		raw := make([]byte, m.CompressedSize64)
		if err := z.raw(key, raw, o.at); err != nil {
			return err
		}
		s := inflaters.Get().(*codec.Scratch)
		err := s.Decode(codec.Deflate, dst, raw)
		inflaters.Put(s)
		if err != nil {
			return located(codecError(err), key)
		}
	}
	if crc32.ChecksumIEEE(dst) != m.CRC32 {
		return corrupt("%s: the archive's checksum", key)
	}
	return nil
}

func (z *zipStorage) raw(key string, p []byte, off int64) error {
	if n, err := z.r.ReadAt(p, off); n < len(p) {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return short(err, key)
	}
	return nil
}

// readAt reads a part of a stored member. Of a deflated one, all before it must be inflated.
func (z *zipStorage) readAt(id objectID, o object, p []byte, off int64) error {
	m := z.all[o.member]
	if off < 0 || int64(len(p)) > o.size-off {
		return &Error{Kind: ErrTruncated, Form: m.Name}
	}
	if m.Method == zip.Store {
		return z.raw(m.Name, p, o.at+off)
	}
	if o.size > MaxChunkBytes {
		return tooLarge("%s, a compressed member of %d bytes", m.Name, o.size)
	}
	whole := make([]byte, o.size)
	if err := z.load(m.Name, o, whole); err != nil {
		return err
	}
	copy(p, whole[off:])
	return nil
}

// below gives the members under a key.
func (z *zipStorage) below(key string) []*zip.File {
	prefix := z.root
	if key != "" {
		prefix += key + "/"
	}
	from := z.from(prefix)
	n := sort.Search(len(z.all)-from, func(i int) bool { return !strings.HasPrefix(z.all[from+i].Name, prefix) })
	return z.all[from : from+n]
}

func (z *zipStorage) random(key string) bool {
	return !slices.ContainsFunc(z.below(key), func(m *zip.File) bool { return m.Method != zip.Store })
}

func (z *zipStorage) folders(key string) ([]string, error) {
	at := len(z.root)
	if key != "" {
		at += len(key) + 1
	}
	var names []string
	for _, m := range z.below(key) {
		name, _, ok := strings.Cut(m.Name[at:], "/")
		if ok && (len(names) == 0 || names[len(names)-1] != name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (z *zipStorage) size(key string) int64 {
	if key == "" {
		return z.len
	}
	sum := int64(0)
	for _, m := range z.below(key) {
		sum += int64(min(m.CompressedSize64, uint64(z.len)))
	}
	return sum
}

func (z *zipStorage) writable() bool { return false }

func (z *zipStorage) changed() error {
	if z.f == nil {
		return nil
	}
	now, err := identify(z.f)
	if err != nil {
		return fileError("the archive", err)
	}
	now.gone = z.was.gone // an archive that was replaced is still open
	if now != z.was {
		return changed("the archive")
	}
	return nil
}

func (z *zipStorage) close() error {
	if z.f == nil {
		return nil
	}
	return z.f.Close()
}
