package h5

import "fmt"

// Values reads everything. ErrTooLarge when the array is larger than what is stored could justify: a
// shape costs nothing to write, memory does.
func (d *Dataset) Values() (*Values, error) {
	bytes, err := d.wholeBytes()
	if err != nil {
		return nil, d.fail(err)
	}
	raw := make([]byte, bytes)
	s := borrow()
	defer giveBack(s)
	if err := d.rows(raw, 0, d.nRows(), s); err != nil {
		return nil, d.fail(err)
	}
	return newValues(d.f, d.path, d.typ, d.space, raw), nil
}

// freeBytes is how much a whole read may take whatever is stored.
const freeBytes = 16 << 20

// wholeBytes is the size of the whole array, checked against what is stored.
func (d *Dataset) wholeBytes() (int64, error) {
	bytes := d.space.n * int64(d.typ.Size)
	if bytes <= freeBytes || (d.lay.kind == layoutContiguous && d.at >= 0) {
		return bytes, nil
	}
	var stored int64
	if d.lay.kind == layoutChunked {
		t, err := d.Chunks()
		if err != nil {
			return 0, err
		}
		stored = int64(t.stored) * d.chunkBytes
	}
	if bytes > stored+freeBytes {
		return 0, &Error{Kind: ErrTooLarge, Form: fmt.Sprintf("%d bytes, of which %d are stored", bytes, stored),
			Hint: "read it by rows"}
	}
	return bytes, nil
}

// Read reads everything, in native little-endian order.
func (d *Dataset) Read() ([]byte, error) {
	v, err := d.Values()
	if err != nil {
		return nil, err
	}
	if d.typ.indirect() {
		return nil, d.fail(wrongType(d.typ, "stored in place"))
	}
	v.typ.toNative(v.raw)
	return v.raw, nil
}

// Ints reads everything; see Values.Ints.
func (d *Dataset) Ints() ([]int64, error) { return convert(d.Values, (*Values).Ints) }

// Uints reads everything; see Values.Uints.
func (d *Dataset) Uints() ([]uint64, error) { return convert(d.Values, (*Values).Uints) }

// Floats reads everything; see Values.Floats.
func (d *Dataset) Floats() ([]float64, error) { return convert(d.Values, (*Values).Floats) }

// Bools reads everything; see Values.Bools.
func (d *Dataset) Bools() ([]bool, error) { return convert(d.Values, (*Values).Bools) }

// Strings reads everything; see Values.Strings.
func (d *Dataset) Strings() ([]string, error) { return convert(d.Values, (*Values).Strings) }

func convert[T any](read func() (*Values, error), to func(*Values) ([]T, error)) ([]T, error) {
	v, err := read()
	if err != nil {
		return nil, err
	}
	return to(v)
}
