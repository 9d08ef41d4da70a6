package ipc

import (
	"math"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
)

// Ints is a list on the wire: an array even when it is nil.
type Ints []int

// Int64s is a list on the wire: an array even when it is nil.
type Int64s []int64

// EncodeMsgpack implements the codec's interface.
func (l Ints) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(len(l)); err != nil {
		return err
	}
	for _, v := range l {
		if err := e.EncodeInt(int64(v)); err != nil {
			return err
		}
	}
	return nil
}

// DecodeMsgpack implements the codec's interface, into the memory l has where it suffices.
func (l *Ints) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err != nil {
		return err
	}
	*l = (*l)[:0]
	for range n {
		v, err := d.DecodeInt()
		if err != nil {
			return err
		}
		*l = append(*l, v)
	}
	return nil
}

// EncodeMsgpack implements the codec's interface.
func (l Int64s) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(len(l)); err != nil {
		return err
	}
	for _, v := range l {
		if err := e.EncodeInt(v); err != nil {
			return err
		}
	}
	return nil
}

// DecodeMsgpack implements the codec's interface, into the memory l has where it suffices.
func (l *Int64s) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err != nil {
		return err
	}
	*l = (*l)[:0]
	for range n {
		v, err := d.DecodeInt64()
		if err != nil {
			return err
		}
		*l = append(*l, v)
	}
	return nil
}

// Shape is n_obs and n_vars of a store. The second is -1 here and nil on the wire where it is not known.
type Shape [2]int64

// EncodeMsgpack implements the codec's interface.
func (s Shape) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(2); err != nil {
		return err
	}
	if err := e.EncodeInt(s[0]); err != nil {
		return err
	}
	if s[1] < 0 {
		return e.EncodeNil()
	}
	return e.EncodeInt(s[1])
}

// DecodeMsgpack implements the codec's interface.
func (s *Shape) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err != nil {
		return err
	}
	if n != 2 {
		return protocolErrorf("a shape has %d numbers, not 2", n)
	}
	if s[0], err = d.DecodeInt64(); err != nil {
		return err
	}
	code, err := d.PeekCode()
	if err != nil {
		return err
	}
	if code == codeNil {
		s[1] = -1
		return d.DecodeNil()
	}
	s[1], err = d.DecodeInt64()
	return err
}

// Paths are names of files. On the wire one that is not UTF-8 is bin, for no str may hold it.
type Paths []string

// EncodeMsgpack implements the codec's interface.
func (l Paths) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(len(l)); err != nil {
		return err
	}
	for _, p := range l {
		var err error
		if utf8.ValidString(p) {
			err = e.EncodeString(p)
		} else {
			err = e.EncodeBytes([]byte(p))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Values is a list of a category table: string, int64, float64 or bool, uint64 above the range of int64, or nil. A nil list is nil
// on the wire.
type Values []any

// Pair is a value and its code.
type Pair [2]any

// DecodeMsgpack implements the codec's interface.
func (l *Values) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err != nil || n < 0 {
		return err
	}
	*l = make(Values, n)
	for i := range *l {
		if (*l)[i], err = decodeScalar(d); err != nil {
			return err
		}
	}
	return nil
}

// DecodeMsgpack implements the codec's interface.
func (p *Pair) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err != nil {
		return err
	}
	if n != len(p) {
		return protocolErrorf("a pair of %d values", n)
	}
	for i := range p {
		if p[i], err = decodeScalar(d); err != nil {
			return err
		}
	}
	return nil
}

// decodeScalar is a value of one of the types of [Values]: the decoder's own choice of integer types follows the value.
func decodeScalar(d *msgpack.Decoder) (any, error) {
	v, err := d.DecodeInterfaceLoose()
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
	case nil, string, int64, float64, bool:
	default:
		return nil, protocolErrorf("a %T where a plain value belongs", v)
	}
	return v, nil
}

// maxFields is more fields than any batch has. It bounds what a list of structs may cost, of which each takes a byte on the wire
// when it is empty.
const maxFields = 1 << 16

// decodeFields is a list of structs.
func decodeFields[T any](d *msgpack.Decoder) ([]T, error) {
	n, err := d.DecodeArrayLen()
	if err != nil || n < 0 {
		return nil, err
	}
	if n > maxFields {
		return nil, protocolErrorf("a list of %d fields", n)
	}
	list := make([]T, n)
	for i := range list {
		if err := d.Decode(&list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// DecodeMsgpack implements the codec's interface.
func (s *Schema) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	*s, err = decodeFields[Field](d)
	return err
}

// Columns is the list of columns in [Opened].
type Columns []Column

// DecodeMsgpack implements the codec's interface.
func (c *Columns) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	*c, err = decodeFields[Column](d)
	return err
}
