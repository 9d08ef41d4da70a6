package mapped

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/loaderd/loaderd/mapped/h5"
	"github.com/loaderd/loaderd/mapped/zarr"
)

const rewriteHint = "rewrite it with anndata: adata.write_h5ad(path)"

// openContainer opens the file at path, whatever its format.
func openContainer(path string) (container, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, openError(path, err)
	}
	if zarr.IsStore(path) {
		return openZarr(path)
	}
	if info.IsDir() {
		return nil, fail(ErrNotFound, stageOpen, path, "give the path of an .h5ad file or of a zarr store", "a folder without AnnData")
	}
	f, err := h5.Open(path)
	if err != nil {
		return nil, openError(path, err)
	}
	return &h5File{f}, nil
}

func openError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(ErrNotFound, stageOpen, path, "check the path", "no such file")
	case errors.Is(err, fs.ErrPermission):
		return fail(ErrBadFile, stageOpen, path, "check the file's permissions", "not readable by this user")
	}
	return h5Error(path, stageOpen, err)
}

// h5Kinds maps what the reader reports to our sentinels.
var h5Kinds = []struct{ from, to error }{
	{h5.ErrChanged, ErrChanged},
	{os.ErrClosed, ErrClosed},
	{h5.ErrUnsupported, ErrUnsupported},
	{h5.ErrTooLarge, ErrUnsupported},
	{h5.ErrNotHDF5, ErrBadFile},
	{h5.ErrTruncated, ErrBadFile},
	{h5.ErrCorrupt, ErrBadFile},
	{h5.ErrType, ErrBadFile},
	{h5.ErrNotFound, ErrNoElement},
}

// h5Error turns an error of the reader into ours. What is ours already passes.
func h5Error(file, stage string, err error) error {
	if err == nil {
		return nil
	}
	var ours *Error
	if errors.As(err, &ours) {
		return err
	}
	out := &Error{Kind: ErrBadFile, Stage: stage, Object: file, Err: err}
	for _, k := range h5Kinds {
		if errors.Is(err, k.from) {
			out.Kind = k.to
			break
		}
	}
	var e *h5.Error
	if errors.As(err, &e) {
		out.Object, out.Hint, out.Err = element(file, e.Object), e.Hint, e.Err
		if e.Kind != nil && e.Kind.Error() != out.Kind.Error() {
			out.Detail = e.Kind.Error()
		}
		if e.Form != "" {
			if out.Detail != "" {
				out.Detail += ": "
			}
			out.Detail += e.Form
		}
	}
	return out
}

type h5File struct{ f *h5.File }

func (c *h5File) root() (group, error) { return &h5Group{h5Node{c.f.Root(), c.f}, c.f.Root()}, nil }
func (c *h5File) size() int64          { return c.f.Size() }
func (c *h5File) changed() error       { return c.f.Changed() }
func (c *h5File) close() error         { return c.f.Close() }

// h5Node is what groups and datasets share.
type h5Node struct {
	o h5.Object
	f *h5.File
}

func (n h5Node) path() string { return n.o.Path() }

func (n h5Node) hasAttr(name string) (bool, error) { return n.o.HasAttr(name) }

func (n h5Node) attr(name string) (*h5.Attr, error) {
	a, err := n.o.Attr(name)
	if errors.Is(err, h5.ErrNotFound) {
		return nil, nil
	}
	return a, err
}

func (n h5Node) attrText(name string) (string, bool, error) {
	a, err := n.attr(name)
	if a == nil || err != nil || a.IsNull() || !a.Type().IsString() || a.Len() != 1 {
		return "", false, err
	}
	s, err := a.String()
	return s, err == nil, err
}

func (n h5Node) attrTexts(name string) ([]string, bool, error) {
	a, err := n.attr(name)
	if a == nil || err != nil {
		return nil, false, err
	}
	if a.IsNull() || a.Len() == 0 {
		return nil, true, nil // h5py writes an empty list as one of numbers
	}
	if !a.Type().IsString() {
		return nil, false, nil
	}
	v, err := a.Strings()
	return v, err == nil, err
}

func (n h5Node) attrInts(name string) ([]int64, bool, error) {
	a, err := n.attr(name)
	if a == nil || err != nil || a.IsNull() || a.Type().Class != h5.ClassInt {
		return nil, false, err
	}
	v, err := a.Ints()
	return v, err == nil, err
}

type h5Group struct {
	h5Node
	g *h5.Group
}

func (g *h5Group) names() ([]string, error) { return g.g.Names() }

func (g *h5Group) child(name string) (node, error) {
	// Names with a slash would be read as paths.
	has, err := g.g.Has(name)
	if !has || err != nil {
		return nil, err
	}
	o, err := g.g.Object(name)
	if err != nil {
		return nil, err
	}
	switch o := o.(type) {
	case *h5.Group:
		return &h5Group{h5Node{o, g.f}, o}, nil
	case *h5.Dataset:
		return &h5Array{h5Node: h5Node{o, g.f}, d: o, e: h5Elem(o.Type())}, nil
	}
	return nil, nil
}

// h5Elem translates an element type.
func h5Elem(t *h5.Type) elem {
	e := elem{text: t.String()}
	switch t.Class {
	case h5.ClassInt:
		e.dtype = unsignedOf(t.Size)
		if t.Signed {
			e.dtype = signedOf(t.Size)
		}
	case h5.ClassFloat:
		e.dtype = floatOf(t.Size)
	case h5.ClassEnum:
		if t.IsBool() {
			e.dtype = boolType
		}
	case h5.ClassString, h5.ClassVLenString:
		e.kind = elemText
	case h5.ClassCompound:
		e.kind = elemRecord
	}
	if e.dtype != noType {
		e.kind, e.bigEndian = elemNumber, t.BigEndian && t.Size > 1
	}
	return e
}

// h5Array is a dataset.
type h5Array struct {
	h5Node
	d *h5.Dataset
	e elem
}

func (a *h5Array) elem() elem                 { return a.e }
func (a *h5Array) shape() []int64             { return a.d.Shape() }
func (a *h5Array) null() bool                 { return a.d.IsNull() }
func (a *h5Array) bytes() ([]byte, error)     { return a.d.Read() }
func (a *h5Array) strings() ([]string, error) { return a.d.Strings() }
func (a *h5Array) chunkShape() []int64        { return a.d.ChunkShape() }
func (a *h5Array) direct() bool               { return a.d.Direct() }

func (a *h5Array) fields() []string {
	var names []string
	for _, m := range a.d.Type().Members {
		names = append(names, m.Name)
	}
	return names
}

func (a *h5Array) field(name string) (array, error) {
	f, err := a.d.Field(name)
	if err != nil {
		return nil, err
	}
	return &h5Field{h5Node: a.h5Node, c: f, e: h5Elem(f.Type())}, nil
}

func (a *h5Array) directAt(i int64) (off, run int64, ok bool) { return a.d.DirectAt(i) }

func (a *h5Array) readAt(p []byte, off int64) error { return readFull(a.f, p, off) }

// readFull makes a short read an error of its own kind.
func readFull(f *h5.File, p []byte, off int64) error {
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (a *h5Array) readChunk(dst []byte, i int, s *Scratch) error { return a.d.ReadChunk(dst, i, &s.h5) }

func (a *h5Array) readRows(dst []byte, first, n int64, s *Scratch) error {
	return a.d.Rows(dst, first, n, &s.h5)
}

// h5Field is a member of a compound dataset.
type h5Field struct {
	h5Node
	c *h5.Field
	e elem
}

var errNotBlocks = errors.New("a field of a compound has no chunks of its own")

func (a *h5Field) path() string                          { return a.h5Node.path() + "/" + a.c.Name() }
func (a *h5Field) elem() elem                            { return a.e }
func (a *h5Field) shape() []int64                        { return a.c.Shape() }
func (a *h5Field) null() bool                            { return false }
func (a *h5Field) bytes() ([]byte, error)                { return a.c.Read() }
func (a *h5Field) strings() ([]string, error)            { return a.c.Strings() }
func (a *h5Field) fields() []string                      { return nil }
func (a *h5Field) field(string) (array, error)           { return nil, errNotBlocks }
func (a *h5Field) chunkShape() []int64                   { return nil }
func (a *h5Field) direct() bool                          { return false }
func (a *h5Field) directAt(int64) (int64, int64, bool)   { return 0, 0, false }
func (a *h5Field) readAt([]byte, int64) error            { return errNotBlocks }
func (a *h5Field) readChunk([]byte, int, *Scratch) error { return errNotBlocks }
func (a *h5Field) readRows(dst []byte, first, n int64, s *Scratch) error {
	return a.c.Rows(dst, first, n, &s.h5)
}
