package h5

// Field is one member of a compound dataset, read as a column. An array member's dimensions are
// appended to the shape, so a (700,) dataset with a field of 50 floats is a (700, 50) column.
type Field struct{}

// Name is the member's name.
func (c *Field) Name() string { return "" }

// Type is the type of one value (an array member's base type).
func (c *Field) Type() *Type { return nil }

// Shape is the dataset's shape with the member's array dimensions appended.
func (c *Field) Shape() []int64 { return nil }

// Len is the product of the shape.
func (c *Field) Len() int64 { return 0 }

// RowBytes is the size of one row along axis 0, in bytes.
func (c *Field) RowBytes() int64 { return 0 }

// Rows reads count rows from first into dst (count × RowBytes), native little-endian. It reads and
// decodes whole compounds to do so.
func (c *Field) Rows(dst []byte, first, count int64, s *Scratch) error { return errTODO }

// Values reads everything.
func (c *Field) Values() (*Values, error) { return nil, errTODO }

// Read reads everything, in native little-endian order.
func (c *Field) Read() ([]byte, error) { return nil, errTODO }

// Ints reads everything; see Values.Ints.
func (c *Field) Ints() ([]int64, error) { return nil, errTODO }

// Uints reads everything; see Values.Uints.
func (c *Field) Uints() ([]uint64, error) { return nil, errTODO }

// Floats reads everything; see Values.Floats.
func (c *Field) Floats() ([]float64, error) { return nil, errTODO }

// Bools reads everything; see Values.Bools.
func (c *Field) Bools() ([]bool, error) { return nil, errTODO }

// Strings reads everything; see Values.Strings.
func (c *Field) Strings() ([]string, error) { return nil, errTODO }
