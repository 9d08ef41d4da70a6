package mapped

import (
	"errors"
	"os"

	"github.com/loaderd/loaderd/mapped/zarr"
)

// openZarr opens a zarr store in a folder or in a zip archive.
func openZarr(path string) (container, error) {
	s, err := zarr.Open(path)
	if err != nil {
		return nil, zarrError(path, stageOpen, err)
	}
	return &zarrStore{s}, nil
}

// zarrKinds maps what the reader reports to our sentinels.
var zarrKinds = []struct{ from, to error }{
	{zarr.ErrChanged, ErrChanged},
	{os.ErrClosed, ErrClosed},
	{zarr.ErrUnsupported, ErrUnsupported},
	{zarr.ErrTooLarge, ErrUnsupported},
	{zarr.ErrNotZarr, ErrBadFile},
	{zarr.ErrTruncated, ErrBadFile},
	{zarr.ErrCorrupt, ErrBadFile},
	{zarr.ErrType, ErrBadFile},
	{zarr.ErrNotFound, ErrNoElement},
}

// zarrError turns an error of the reader into ours. What is ours already passes.
func zarrError(file, stage string, err error) error {
	if err == nil {
		return nil
	}
	var ours *Error
	if errors.As(err, &ours) {
		return err
	}
	out := &Error{Kind: ErrBadFile, Stage: stage, Object: file, Err: err}
	for _, k := range zarrKinds {
		if errors.Is(err, k.from) {
			out.Kind = k.to
			break
		}
	}
	var e *zarr.Error
	if errors.As(err, &e) {
		out.Object, out.Hint, out.Err = element(file, e.Object), e.Hint, e.Err
		out.Detail = detail(out.Kind, e.Kind, e.Form)
	}
	return out
}

// detail joins the reader's kind, where ours says less, and the form that it met.
func detail(ours, theirs error, form string) string {
	switch {
	case theirs == nil || theirs.Error() == ours.Error():
		return form
	case form == "":
		return theirs.Error()
	}
	return theirs.Error() + ": " + form
}

// formatError turns an error of whichever reader into ours.
func formatError(file, stage string, err error) error {
	var z *zarr.Error
	if errors.As(err, &z) {
		return zarrError(file, stage, err)
	}
	return h5Error(file, stage, err)
}

type zarrStore struct{ s *zarr.Store }

func (c *zarrStore) root() (group, error) { return &zarrGroup{zarrNode{c.s.Root()}, c.s.Root()}, nil }
func (c *zarrStore) size() int64          { return c.s.Size() }
func (c *zarrStore) changed() error       { return c.s.Changed() }
func (c *zarrStore) close() error         { return c.s.Close() }

// zarrNode is what groups and arrays share.
type zarrNode struct{ o zarr.Object }

func (n zarrNode) path() string { return n.o.Path() }

func (n zarrNode) hasAttr(name string) (bool, error) {
	_, ok := n.o.Attr(name)
	return ok, nil
}

func (n zarrNode) attrText(name string) (string, bool, error) {
	a, ok := n.o.Attr(name)
	if !ok {
		return "", false, nil
	}
	s, ok := a.Text()
	return s, ok, nil
}

func (n zarrNode) attrTexts(name string) ([]string, bool, error) {
	a, ok := n.o.Attr(name)
	if !ok {
		return nil, false, nil
	}
	v, ok := a.Texts()
	return v, ok, nil
}

func (n zarrNode) attrInts(name string) ([]int64, bool, error) {
	a, ok := n.o.Attr(name)
	if !ok {
		return nil, false, nil
	}
	v, ok := a.Ints()
	return v, ok, nil
}

type zarrGroup struct {
	zarrNode
	g *zarr.Group
}

func (g *zarrGroup) names() ([]string, error) { return g.g.Names() }

func (g *zarrGroup) child(name string) (node, error) {
	o, err := g.g.Object(name)
	if errors.Is(err, zarr.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch o := o.(type) {
	case *zarr.Group:
		return &zarrGroup{zarrNode{o}, o}, nil
	case *zarr.Array:
		return &zarrArray{zarrNode: zarrNode{o}, a: o, e: zarrElem(o.Type())}, nil
	}
	return nil, nil
}

// zarrElem translates an element type.
func zarrElem(t *zarr.Type) elem {
	e := elem{text: t.String()}
	switch t.Class {
	case zarr.ClassBool:
		e.dtype = boolType
	case zarr.ClassInt:
		e.dtype = unsignedOf(t.Size)
		if t.Signed {
			e.dtype = signedOf(t.Size)
		}
	case zarr.ClassFloat:
		e.dtype = floatOf(t.Size)
	case zarr.ClassString, zarr.ClassUnicode, zarr.ClassVLenString:
		e.kind = elemText
	case zarr.ClassRecord:
		e.kind = elemRecord
	}
	if e.dtype != noType {
		e.kind, e.bigEndian = elemNumber, t.BigEndian
	}
	return e
}

// zarrArray is an array.
type zarrArray struct {
	zarrNode
	a *zarr.Array
	e elem
}

func (a *zarrArray) elem() elem                 { return a.e }
func (a *zarrArray) shape() []int64             { return a.a.Shape() }
func (a *zarrArray) null() bool                 { return false }
func (a *zarrArray) bytes() ([]byte, error)     { return a.a.Read() }
func (a *zarrArray) strings() ([]string, error) { return a.a.Strings() }
func (a *zarrArray) direct() bool               { return a.a.Direct() }

// chunkShape is nil for a scalar, which has none, and for an array that cannot be read: reading it whole says why.
func (a *zarrArray) chunkShape() []int64 {
	if len(a.a.Shape()) == 0 || a.a.Err() != nil {
		return nil
	}
	return a.a.ChunkShape()
}

func (a *zarrArray) fields() []string {
	var names []string
	for _, m := range a.a.Type().Members {
		names = append(names, m.Name)
	}
	return names
}

func (a *zarrArray) field(name string) (array, error) {
	f, err := a.a.Field(name)
	if err != nil {
		return nil, err
	}
	return &zarrField{zarrNode: a.zarrNode, f: f, e: zarrElem(f.Type())}, nil
}

func (a *zarrArray) directAt(i int64) (off, run int64, ok bool) { return a.a.DirectAt(i) }

func (a *zarrArray) readAt(p []byte, off int64) error { return a.a.ReadAt(p, off) }

func (a *zarrArray) readChunk(dst []byte, i int, s *Scratch) error {
	return a.a.ReadChunk(dst, int64(i), &s.zarr)
}

func (a *zarrArray) readRows(dst []byte, first, n int64, s *Scratch) error {
	return a.a.Rows(dst, first, n, &s.zarr)
}

// zarrField is a member of an array of records.
type zarrField struct {
	zarrNode
	f *zarr.Field
	e elem
}

func (a *zarrField) path() string                          { return a.zarrNode.path() + "/" + a.f.Name() }
func (a *zarrField) elem() elem                            { return a.e }
func (a *zarrField) shape() []int64                        { return a.f.Shape() }
func (a *zarrField) null() bool                            { return false }
func (a *zarrField) bytes() ([]byte, error)                { return a.f.Read() }
func (a *zarrField) strings() ([]string, error)            { return a.f.Strings() }
func (a *zarrField) fields() []string                      { return nil }
func (a *zarrField) field(string) (array, error)           { return nil, errNotBlocks }
func (a *zarrField) chunkShape() []int64                   { return nil }
func (a *zarrField) direct() bool                          { return false }
func (a *zarrField) directAt(int64) (int64, int64, bool)   { return 0, 0, false }
func (a *zarrField) readAt([]byte, int64) error            { return errNotBlocks }
func (a *zarrField) readChunk([]byte, int, *Scratch) error { return errNotBlocks }
func (a *zarrField) readRows(dst []byte, first, n int64, s *Scratch) error {
	return a.f.Rows(dst, first, n, &s.zarr)
}
