package h5

// Values are elements in memory, as an attribute, a field of a compound or a whole dataset gives
// them. Arrays inside elements are flattened: their dimensions are appended to the shape.
type Values struct{}

// Len is the number of elements, arrays flattened.
func (v *Values) Len() int { return 0 }

// Ints converts integers, enums and booleans; ErrType for others and for unsigned ones above 2⁶³−1.
func (v *Values) Ints() ([]int64, error) { return nil, errTODO }

// Uints converts integers, enums and booleans; ErrType for others and for negative ones.
func (v *Values) Uints() ([]uint64, error) { return nil, errTODO }

// Floats converts floats and integers.
func (v *Values) Floats() ([]float64, error) { return nil, errTODO }

// Bools converts h5py's booleans and integers that are 0 or 1.
func (v *Values) Bools() ([]bool, error) { return nil, errTODO }

// Strings converts fixed-length and variable-length strings.
func (v *Values) Strings() ([]string, error) { return nil, errTODO }

// Bytes gives the elements in native little-endian order; ErrType for what holds references into
// the file (vlen). The slice is the caller's.
func (v *Values) Bytes() ([]byte, error) { return nil, errTODO }

// Sequences gives each element of a vlen type as Values of its base type.
func (v *Values) Sequences() ([]*Values, error) { return nil, errTODO }
