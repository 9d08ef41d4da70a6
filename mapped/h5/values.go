package h5

import (
	"fmt"
	"math"
)

// Values are elements in memory, as an attribute, a field of a compound or a whole dataset gives
// them. Arrays inside elements are flattened: their dimensions are appended to the shape.
type Values struct {
	f     *File
	at    string // the object's path, for errors
	typ   *Type
	shape []int64
	null  bool
	raw   []byte // as in the file, byte order too
}

// newValues takes raw elements of t in the given shape, and flattens arrays.
func newValues(f *File, at string, t *Type, s space, raw []byte) *Values {
	v := &Values{f: f, at: at, typ: t, shape: s.dims, null: s.null, raw: raw}
	for v.typ.Class == ClassArray {
		v.shape = v.shape[:len(v.shape):len(v.shape)]
		for _, d := range v.typ.Dims {
			v.shape = append(v.shape, int64(d))
		}
		v.typ = v.typ.Base
	}
	return v
}

// Type is the type of one element, arrays flattened. The caller must not change it.
func (v *Values) Type() *Type { return v.typ }

// Shape is empty for a scalar. The caller must not change it.
func (v *Values) Shape() []int64 { return v.shape }

// IsNull reports an array that has a type and no value (h5py.Empty).
func (v *Values) IsNull() bool { return v.null }

// Len is the number of elements, arrays flattened.
func (v *Values) Len() int { return len(v.raw) / v.typ.Size }

// Field gives one member of compound values; ErrNotFound when there is none of that name, ErrType when
// they are no compounds.
func (v *Values) Field(name string) (*Values, error) {
	if v.typ.Class != ClassCompound {
		return nil, v.fail(wrongType(v.typ, "a compound"))
	}
	m, ok := v.typ.Member(name)
	if !ok {
		return nil, v.fail(&Error{Kind: ErrNotFound, Form: fmt.Sprintf("field %q", name)})
	}
	raw := make([]byte, 0, v.Len()*m.Type.Size)
	for at := m.Offset; at < len(v.raw); at += v.typ.Size {
		raw = append(raw, v.raw[at:at+m.Type.Size]...)
	}
	return newValues(v.f, fmt.Sprintf("%s[%q]", v.at, name), m.Type, space{dims: v.shape, null: v.null}, raw), nil
}

func (v *Values) fail(err error) error { return locate(err, v.f.name, v.at) }

// native gives little-endian elements; raw itself where nothing needs swapping.
func (v *Values) native() []byte {
	if !v.typ.swaps() {
		return v.raw
	}
	b := append([]byte(nil), v.raw...)
	v.typ.toNative(b)
	return b
}

// Bytes gives the elements in native little-endian order; ErrType for what holds references into
// the file (vlen). The slice is the caller's.
func (v *Values) Bytes() ([]byte, error) {
	if v.typ.indirect() {
		return nil, v.fail(wrongType(v.typ, "stored in place"))
	}
	b := append(make([]byte, 0, len(v.raw)), v.raw...)
	v.typ.toNative(b)
	return b, nil
}

// Ints converts integers, enums and booleans; ErrType for others and for unsigned ones above 2⁶³−1.
func (v *Values) Ints() ([]int64, error) {
	t := v.typ
	if !t.isInteger() {
		return nil, v.fail(wrongType(t, "an integer"))
	}
	out := make([]int64, v.Len())
	p := v.native()
	for i := range out {
		out[i] = t.intAt(p[i*t.Size:])
		if !t.Signed && out[i] < 0 {
			return nil, v.fail(&Error{Kind: ErrType, Form: "an unsigned value above 2^63-1"})
		}
	}
	return out, nil
}

// Uints converts integers, enums and booleans; ErrType for others and for negative ones.
func (v *Values) Uints() ([]uint64, error) {
	t := v.typ
	if !t.isInteger() {
		return nil, v.fail(wrongType(t, "an integer"))
	}
	out := make([]uint64, v.Len())
	p := v.native()
	for i := range out {
		out[i] = uint64(t.intAt(p[i*t.Size:]))
		if t.Signed && int64(out[i]) < 0 {
			return nil, v.fail(&Error{Kind: ErrType, Form: "a negative value"})
		}
	}
	return out, nil
}

// Floats converts floats and integers.
func (v *Values) Floats() ([]float64, error) {
	t := v.typ
	if t.Class != ClassFloat && !t.isInteger() {
		return nil, v.fail(wrongType(t, "a number"))
	}
	out := make([]float64, v.Len())
	p := v.native()
	for i := range out {
		out[i] = t.floatAt(p[i*t.Size:])
	}
	return out, nil
}

// Bools converts h5py's booleans and integers that are 0 or 1.
func (v *Values) Bools() ([]bool, error) {
	t := v.typ
	if !t.isInteger() {
		return nil, v.fail(wrongType(t, "a boolean"))
	}
	out := make([]bool, v.Len())
	p := v.native()
	for i := range out {
		switch t.uintAt(p[i*t.Size:]) {
		case 0:
		case 1:
			out[i] = true
		default:
			return nil, v.fail(&Error{Kind: ErrType, Form: t.String() + " with values other than 0 and 1 is not a boolean"})
		}
	}
	return out, nil
}

// Strings converts fixed-length and variable-length strings.
func (v *Values) Strings() ([]string, error) {
	switch v.typ.Class {
	case ClassString:
		return v.fixedStrings(), nil
	case ClassVLenString:
		out := make([]string, v.Len())
		err := v.heapObjects(1, func(i int, s string) error {
			out[i] = trim(s, v.typ.Padding)
			return nil
		})
		return out, v.fail(err)
	}
	return nil, v.fail(wrongType(v.typ, "a string"))
}

// fixedStrings makes all strings out of one, so that a million names are two allocations.
func (v *Values) fixedStrings() []string {
	all := string(v.raw)
	out := make([]string, v.Len())
	for i := range out {
		out[i] = trim(all[i*v.typ.Size:(i+1)*v.typ.Size], v.typ.Padding)
	}
	return out
}

// Sequences gives each element of a vlen type as Values of its base type.
func (v *Values) Sequences() ([]*Values, error) {
	if v.typ.Class != ClassVLen {
		return nil, v.fail(wrongType(v.typ, "a sequence"))
	}
	out := make([]*Values, v.Len())
	base := v.typ.Base
	err := v.heapObjects(base.Size, func(i int, s string) error {
		n := int64(len(s) / base.Size)
		out[i] = newValues(v.f, v.at, base, space{dims: []int64{n}, n: n}, []byte(s))
		return nil
	})
	if err != nil {
		return nil, v.fail(err)
	}
	return out, nil
}

// Objects follows object references; ErrNotFound for a null one.
func (v *Values) Objects() ([]Object, error) {
	if v.typ.Class != ClassReference {
		return nil, v.fail(wrongType(v.typ, "an object reference"))
	}
	out := make([]Object, v.Len())
	c := v.f.cursor(v.raw)
	for i := range out {
		addr := c.addr()
		if addr == 0 || addr == undefAddr {
			return nil, v.fail(&Error{Kind: ErrNotFound, Form: "a null reference"})
		}
		o, err := v.f.object(addr, fmt.Sprintf("%s→%#x", v.at, addr))
		if err != nil {
			return nil, v.fail(err)
		}
		out[i] = o
	}
	return out, nil
}

// heapObjects gives the bytes that each descriptor in raw points to: as many as its count says, of
// unit bytes each.
func (v *Values) heapObjects(unit int, fn func(i int, s string) error) error {
	heap := globalHeap{f: v.f}
	c := v.f.cursor(v.raw)
	for i := range v.Len() {
		n, addr, index := uint64(c.u32()), c.addr(), c.u32()
		var s string
		if n > 0 {
			var err error
			if s, err = heap.get(addr, index); err != nil {
				return err
			}
			if n > math.MaxInt64/uint64(unit) || n*uint64(unit) > uint64(len(s)) {
				return corrupt("global heap: an object shorter than its descriptor says")
			}
			s = s[:n*uint64(unit)]
		}
		if err := fn(i, s); err != nil {
			return err
		}
	}
	return nil
}
