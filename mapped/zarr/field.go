package zarr

import "fmt"

// Field is one member of the records of an array, read as a column.
type Field struct {
	a *Array
	m Member
}

// Field gives a member of an array of records; ErrNotFound when there is none of that name, ErrType when the elements are
// no records.
func (a *Array) Field(name string) (*Field, error) {
	if a.l.typ.Class != ClassRecord {
		return nil, a.fail(wrongType(a.l.typ, "a record"))
	}
	m, ok := a.l.typ.Member(name)
	if !ok {
		return nil, a.fail(&Error{Kind: ErrNotFound, Form: fmt.Sprintf("field %q", name)})
	}
	return &Field{a, m}, nil
}

// Name is the member's.
func (f *Field) Name() string { return f.m.Name }

// Type is the member's type.
func (f *Field) Type() *Type { return f.m.Type }

// Shape is the array's.
func (f *Field) Shape() []int64 { return f.a.l.shape }

// Rows reads count rows along axis 0 into dst, in native order.
func (f *Field) Rows(dst []byte, first, n int64, s *Scratch) error {
	size := int64(f.m.Type.Size)
	if n < 0 || int64(len(dst)) != n*f.a.rowElems*size {
		return f.a.fail(invalid("a buffer of %d bytes for %d rows of %d elements", len(dst), n, f.a.rowElems))
	}
	rows := grow(&s.rows, n*f.a.rowBytes)
	if err := f.a.Rows(rows, first, n, s); err != nil {
		return err
	}
	f.pick(dst, rows)
	return nil
}

func (f *Field) pick(dst, records []byte) {
	size := f.m.Type.Size
	for at := f.m.Offset; len(dst) >= size && size > 0; at, dst = at+f.a.l.typ.Size, dst[size:] {
		copy(dst[:size], records[at:])
	}
}

// Read reads the member of all records, in native order.
func (f *Field) Read() ([]byte, error) {
	records, err := f.a.Read()
	if err != nil {
		return nil, err
	}
	dst := make([]byte, f.a.Len()*int64(f.m.Type.Size))
	f.pick(dst, records)
	return dst, nil
}

// Strings reads a member of ClassString or ClassUnicode.
func (f *Field) Strings() ([]string, error) {
	if !f.m.Type.isText() {
		return nil, f.a.fail(wrongType(f.m.Type, "a string"))
	}
	raw, err := f.Read()
	if err != nil {
		return nil, err
	}
	out, err := fixedStrings(raw, f.m.Type)
	return out, f.a.fail(err)
}
