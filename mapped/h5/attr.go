package h5

// Attr is an attribute, read whole. String and friends want one value; the plural forms give all,
// in C order.
type Attr struct{ Values }

// Name is the attribute's name.
func (a *Attr) Name() string { return "" }

// Type is the type of its elements.
func (a *Attr) Type() *Type { return nil }

// Shape is empty for a scalar.
func (a *Attr) Shape() []int64 { return nil }

// IsNull reports an attribute that has a type and no value (h5py.Empty).
func (a *Attr) IsNull() bool { return false }

// String gives the one string.
func (a *Attr) String() (string, error) { return "", errTODO }

// Int gives the one integer (or enum value).
func (a *Attr) Int() (int64, error) { return 0, errTODO }

// Float gives the one number.
func (a *Attr) Float() (float64, error) { return 0, errTODO }

// Bool gives the one boolean (h5py's enum, or an integer 0 or 1).
func (a *Attr) Bool() (bool, error) { return false, errTODO }

// Object follows the one object reference (anndata before 0.8 points from codes to categories so).
func (a *Attr) Object() (Object, error) { return nil, errTODO }
