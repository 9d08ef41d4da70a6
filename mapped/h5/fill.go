package h5

import "fmt"

// parseFill decodes a fill value message, new or old (format specification, IV.A.2.e–f). It gives one
// element as in the file, or nil for zeros.
func parseFill(data []byte, old bool, t *Type) ([]byte, error) {
	c := cursor{b: data}
	defined := true
	if !old {
		switch v := c.u8(); v {
		case 1, 2:
			c.skip(2) // when space is allocated, when the value is written
			defined = c.u8() != 0 || v == 1
		case 3:
			defined = c.u8()&(1<<5) != 0
		default:
			return nil, unsupported(fmt.Sprintf("fill value message version %d", v))
		}
	}
	if !defined {
		return nil, nil
	}
	n := int32(c.u32())
	if c.bad {
		return nil, corrupt("fill value message: too short")
	}
	if n <= 0 {
		return nil, nil
	}
	v := c.take(int(n))
	if c.bad || len(v) != t.Size {
		return nil, corrupt(fmt.Sprintf("a fill value of %d bytes for elements of %d", n, t.Size))
	}
	for _, b := range v {
		if b != 0 {
			return v, nil
		}
	}
	return nil, nil
}

// repeat fills dst with copies of one element; nil means zeros.
func repeat(dst, one []byte) {
	if one == nil {
		clear(dst)
		return
	}
	n := copy(dst, one)
	for n > 0 && n < len(dst) {
		n += copy(dst[n:], dst[:n])
	}
}
