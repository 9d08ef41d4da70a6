package rowstore

// Codes are the values of a row that has them as codes.
type Codes struct {
	Values   []byte // the code of each value, in the order of the columns
	Elements []byte // what the codes stand for, from code 0 on, as stored, aligned; the one of code 0 has no bits
	// Exceptions are the values that no code stands for, as stored, aligned: their code is 0.
	Exceptions []byte
	// Bytes says that codes are whole numbers and stand for themselves.
	Bytes bool
}

// Codes gives the codes of a row, for who has something to do to each value: the same few values are done once. It is
// false for rows that have values and no codes, and for dense ones in which −0.0 is told from other zeros. What it gives is valid as long as the
// row, and until the scratch is used again. The row must have passed Check.
func (r Row) Codes(w *Scratch) (c Codes, ok bool) {
	s, ok := r.parse()
	if !ok || s.layout&(layoutDense|minusZeros) != 0 || s.form != byteForm && s.form != dictionaryForm {
		return c, false
	}
	size := s.dtype.Size()
	c.Values, c.Bytes = s.values, s.form == byteForm && s.dtype != Int8 && s.dtype != Bool
	if c.Exceptions = nil; s.exceptions() > 0 {
		c.Exceptions = grow(&w.elements, s.exceptions()*size)
		copy(c.Exceptions, s.elements)
	}
	if s.form == byteForm {
		c.Elements = byteTables[s.dtype]
		return c, true
	}
	c.Elements = grow(&w.raw, size+len(s.dictionary))
	clear(c.Elements[:size])
	copy(c.Elements[size:], s.dictionary)
	return c, true
}

// FieldCodes are what the codes of one row are in the field.
type FieldCodes struct {
	Elements   []byte // 256 of them, aligned, of the field's type; the one of code 0 has no bits
	Most       uint8  // no code of the row is larger
	Exceptions []byte // one for each exception of the row, aligned
}

// DenseCodes is Dense of a row that has codes, which stand for other elements.
func (k *Kernel) DenseCodes(dst []byte, r Row, c FieldCodes, w *Scratch) {
	w.given = c
	k.Dense(dst, r, w)
	w.given = FieldCodes{}
}

// CSRCodes is CSR of a row that has codes, which stand for other elements.
func (k *Kernel) CSRCodes(idx []int32, vals []byte, r Row, c FieldCodes, w *Scratch) int {
	w.given = c
	n := k.CSR(idx, vals, r, w)
	w.given = FieldCodes{}
	return n
}
