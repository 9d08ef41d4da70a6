package ipc

import (
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
