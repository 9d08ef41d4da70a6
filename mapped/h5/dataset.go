package h5

// Dataset is an n-dimensional array. It is immutable; its chunk table is read once, on first use.
type Dataset struct{}

// Filter is one stage of a dataset's pipeline, in the order used for writing.
type Filter struct {
	ID     uint16
	Name   string // "deflate", "shuffle", "fletcher32", "lzf" …, or what the file calls it
	Params []uint32
}

// Path is the name under which the dataset was reached, starting with "/".
func (d *Dataset) Path() string { return "" }

// File is the file the dataset belongs to.
func (d *Dataset) File() *File { return nil }

// Type is the type of one element. The caller must not change it.
func (d *Dataset) Type() *Type { return nil }

// Shape is empty for a scalar. The caller must not change it.
func (d *Dataset) Shape() []int64 { return nil }

// IsNull reports a dataset that has a type and no value (h5py.Empty).
func (d *Dataset) IsNull() bool { return false }

// Len is the number of elements: the product of the shape, 1 for a scalar, 0 for null.
func (d *Dataset) Len() int64 { return 0 }

// RowBytes is the size of one row along axis 0, in bytes.
func (d *Dataset) RowBytes() int64 { return 0 }

// ChunkShape is nil unless the dataset is chunked. The caller must not change it.
func (d *Dataset) ChunkShape() []int64 { return nil }

// ChunkBytes is the decoded size of one chunk, 0 unless chunked.
func (d *Dataset) ChunkBytes() int { return 0 }

// Filters lists the pipeline, in the order used for writing.
func (d *Dataset) Filters() []Filter { return nil }

// Direct reports whether DirectAt may succeed: nothing needs decoding, and the bytes of rows lie
// in order (contiguous, or chunks without filters that span all axes but the first).
func (d *Dataset) Direct() bool { return false }

// DirectAt says where element elem of the flattened array (C order) lies in the file: at byte off,
// with run elements (itself included) following one another. The bytes are as Type says, so
// big-endian ones need swapping. ok is false where there are none to read: Direct is false, elem is
// out of range, or its chunk is missing and holds the fill value; use Rows then.
// O(1), no allocation, no lock once the chunk table was read.
func (d *Dataset) DirectAt(elem int64) (off, run int64, ok bool) { return 0, 0, false }

// Chunks reads the table of chunks, once; ErrInvalid when the dataset is not chunked.
func (d *Dataset) Chunks() (*ChunkTable, error) { return nil, errTODO }

// ReadChunk decodes chunk i (grid order: C order of chunk coordinates) into dst, which must be
// ChunkBytes long. Chunks at the edge are whole, with unspecified bytes past the edge. Bytes are in
// file order. A missing chunk reads as the fill value.
func (d *Dataset) ReadChunk(dst []byte, i int, s *Scratch) error { return errTODO }

// Rows reads count rows along axis 0 from first into dst, which must be count × RowBytes long, in
// native little-endian order. ErrType for types that hold references into the file (vlen).
func (d *Dataset) Rows(dst []byte, first, count int64, s *Scratch) error { return errTODO }

// Values reads everything.
func (d *Dataset) Values() (*Values, error) { return nil, errTODO }

// Read reads everything, in native little-endian order.
func (d *Dataset) Read() ([]byte, error) { return nil, errTODO }

// Ints reads everything; see Values.Ints.
func (d *Dataset) Ints() ([]int64, error) { return nil, errTODO }

// Uints reads everything; see Values.Uints.
func (d *Dataset) Uints() ([]uint64, error) { return nil, errTODO }

// Floats reads everything; see Values.Floats.
func (d *Dataset) Floats() ([]float64, error) { return nil, errTODO }

// Bools reads everything; see Values.Bools.
func (d *Dataset) Bools() ([]bool, error) { return nil, errTODO }

// Strings reads everything; see Values.Strings.
func (d *Dataset) Strings() ([]string, error) { return nil, errTODO }

// Field gives one member of a compound dataset as a column; ErrNotFound when there is none.
func (d *Dataset) Field(name string) (*Field, error) { return nil, errTODO }

// Attr reads an attribute; ErrNotFound when there is none of that name.
func (d *Dataset) Attr(name string) (*Attr, error) { return nil, errTODO }

// HasAttr reports whether there is an attribute of that name.
func (d *Dataset) HasAttr(name string) (bool, error) { return false, errTODO }

// AttrNames lists the attributes, sorted.
func (d *Dataset) AttrNames() ([]string, error) { return nil, errTODO }
