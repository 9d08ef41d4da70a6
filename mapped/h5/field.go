package h5

import "fmt"

// Field is one member of a compound dataset, read as a column. An array member's dimensions are
// appended to the shape, so a (700,) dataset with a field of 50 floats is a (700, 50) column.
type Field struct {
	d      *Dataset
	member Member
	shape  []int64
	typ    *Type // arrays flattened
	per    int64 // compounds in a row
}

// Field gives one member of a compound dataset as a column; ErrNotFound when there is none of that
// name, ErrType when the dataset is no compound.
func (d *Dataset) Field(name string) (*Field, error) {
	if d.typ.Class != ClassCompound {
		return nil, d.fail(wrongType(d.typ, "a compound"))
	}
	m, ok := d.typ.Member(name)
	if !ok {
		return nil, d.fail(&Error{Kind: ErrNotFound, Form: fmt.Sprintf("field %q", name)})
	}
	flat := newValues(d.f, d.path, m.Type, d.space, nil)
	return &Field{d: d, member: m, shape: flat.shape, typ: flat.typ, per: d.rowBytes / int64(d.typ.Size)}, nil
}

// Name is the member's name.
func (c *Field) Name() string { return c.member.Name }

// Type is the type of one value (an array member's base type). The caller must not change it.
func (c *Field) Type() *Type { return c.typ }

// Shape is the dataset's shape with the member's array dimensions appended. The caller must not
// change it.
func (c *Field) Shape() []int64 { return c.shape }

// Len is the number of values: the product of the shape.
func (c *Field) Len() int64 { return c.d.space.n * int64(c.member.Type.Size/c.typ.Size) }

// RowBytes is the size of one row along axis 0, in bytes.
func (c *Field) RowBytes() int64 { return c.per * int64(c.member.Type.Size) }

// Rows reads count rows from first into dst (count × RowBytes), native little-endian. It reads and
// decodes whole compounds to do so. ErrType for fields that hold references into the file (vlen).
func (c *Field) Rows(dst []byte, first, count int64, s *Scratch) error {
	if c.typ.indirect() {
		return c.fail(wrongType(c.typ, "stored in place"))
	}
	if err := c.rows(dst, first, count, s); err != nil {
		return c.fail(err)
	}
	c.typ.toNative(dst)
	return nil
}

func (c *Field) fail(err error) error {
	return locate(err, c.d.f.name, fmt.Sprintf("%s[%q]", c.d.path, c.member.Name))
}

// fieldBlockBytes is how much of the compounds is held at a time.
const fieldBlockBytes = 1 << 20

func (c *Field) rows(dst []byte, first, count int64, s *Scratch) error {
	if n := c.d.nRows(); first < 0 || count < 0 || first > n-count {
		return invalid(fmt.Sprintf("rows %d to %d of %d", first, first+count, n))
	}
	if want := count * c.RowBytes(); int64(len(dst)) != want {
		return invalid(fmt.Sprintf("a buffer of %d bytes for %d", len(dst), want))
	}
	if len(dst) == 0 {
		return nil
	}
	step := max(1, fieldBlockBytes/c.d.rowBytes)
	for count > 0 {
		n := min(step, count)
		block := grow(&s.rows, int(n*c.d.rowBytes))
		if err := c.d.rows(block, first, n, s); err != nil {
			return err
		}
		for at := c.member.Offset; at < len(block); at += c.d.typ.Size {
			dst = dst[copy(dst, block[at:at+c.member.Type.Size]):]
		}
		first, count = first+n, count-n
	}
	return nil
}

// Values reads everything.
func (c *Field) Values() (*Values, error) {
	if _, err := c.d.wholeBytes(); err != nil {
		return nil, c.fail(err)
	}
	raw := make([]byte, c.d.nRows()*c.RowBytes())
	s := borrow()
	defer giveBack(s)
	if err := c.rows(raw, 0, c.d.nRows(), s); err != nil {
		return nil, c.fail(err)
	}
	at := fmt.Sprintf("%s[%q]", c.d.path, c.member.Name)
	return newValues(c.d.f, at, c.member.Type, c.d.space, raw), nil
}

// Read reads everything, in native little-endian order.
func (c *Field) Read() ([]byte, error) { return convert(c.Values, (*Values).Bytes) }

// Ints reads everything; see Values.Ints.
func (c *Field) Ints() ([]int64, error) { return convert(c.Values, (*Values).Ints) }

// Uints reads everything; see Values.Uints.
func (c *Field) Uints() ([]uint64, error) { return convert(c.Values, (*Values).Uints) }

// Floats reads everything; see Values.Floats.
func (c *Field) Floats() ([]float64, error) { return convert(c.Values, (*Values).Floats) }

// Bools reads everything; see Values.Bools.
func (c *Field) Bools() ([]bool, error) { return convert(c.Values, (*Values).Bools) }

// Strings reads everything; see Values.Strings.
func (c *Field) Strings() ([]string, error) { return convert(c.Values, (*Values).Strings) }
