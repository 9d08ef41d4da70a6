package ipc

import (
	"maps"
	"slices"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// Filter says which rows a collection has: an expression, or terms that must all hold. The zero value: all rows.
type Filter struct {
	Expr  string
	Terms []FilterTerm
}

// FilterTerm holds for rows whose value of an obs column is one of these.
type FilterTerm struct {
	Key    string
	Values Values // string, int64, float64 or bool, or uint64 above the range of int64
	Null   bool   // whether a missing value will do, too
}

// Transform is one step of what is done to the values of a layer: its name, and its arguments by name.
type Transform struct {
	Name string
	Args map[string]any // string, int64, float64, bool, or []byte: little-endian numbers; nil is nil on the wire
}

// more writes the keys of which the owner is not the plain list of names.
func (w *specWriter) more(s Spec) {
	w.key("obs_filter")
	w.do(w.e.Encode(s.Filter))
	w.key("var_names")
	if s.VarNames == nil {
		w.do(w.e.EncodeNil())
	} else {
		w.list(s.VarNames)
	}
	w.key("var_key")
	if s.VarKey == "" {
		w.do(w.e.EncodeNil())
	} else {
		w.do(w.e.EncodeString(s.VarKey))
	}
	w.key("transforms")
	w.do(w.e.Encode(s.Transforms))
	w.key("encoders")
	if s.Encoders == nil {
		w.do(w.e.EncodeNil())
		return
	}
	w.do(w.e.EncodeMapLen(len(s.Encoders)))
	for _, key := range slices.Sorted(maps.Keys(s.Encoders)) {
		w.key(key)
		w.do(w.e.Encode(s.Encoders[key]))
	}
}

// EncodeMsgpack implements the codec's interface: nil, the expression, or the terms.
func (f Filter) EncodeMsgpack(e *msgpack.Encoder) error {
	switch {
	case f.Expr != "":
		return e.EncodeString(f.Expr)
	case f.Terms != nil:
		return e.Encode(f.Terms)
	}
	return e.EncodeNil()
}

func (f *Filter) decode(d *msgpack.Decoder) error {
	code, err := d.PeekCode()
	if err != nil {
		return err
	}
	switch {
	case code == codeNil:
		return d.DecodeNil()
	case isString(code):
		f.Expr, err = d.DecodeString()
		return err
	}
	f.Terms, err = decodeFields[FilterTerm](d)
	return err
}

// DecodeMsgpack implements the codec's interface.
func (f *Filter) DecodeMsgpack(d *msgpack.Decoder) error { return f.decode(d) }

// EncodeMsgpack implements the codec's interface: key, values, null.
func (t FilterTerm) EncodeMsgpack(e *msgpack.Encoder) error {
	values := t.Values
	if values == nil {
		values = Values{}
	}
	return e.EncodeMulti(wireArray(3), t.Key, values, t.Null)
}

// DecodeMsgpack implements the codec's interface.
func (t *FilterTerm) DecodeMsgpack(d *msgpack.Decoder) error {
	if err := arrayOf(d, 3, "a term of a filter"); err != nil {
		return err
	}
	return d.DecodeMulti(&t.Key, &t.Values, &t.Null)
}

// EncodeMsgpack implements the codec's interface: name, arguments.
func (t Transform) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeMulti(wireArray(2), t.Name); err != nil {
		return err
	}
	if err := e.EncodeMapLen(len(t.Args)); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(t.Args)) {
		if err := e.EncodeMulti(key, t.Args[key]); err != nil {
			return err
		}
	}
	return nil
}

// DecodeMsgpack implements the codec's interface.
func (t *Transform) DecodeMsgpack(d *msgpack.Decoder) error {
	if err := arrayOf(d, 2, "a transform"); err != nil {
		return err
	}
	var err error
	if t.Name, err = d.DecodeString(); err != nil {
		return err
	}
	n, err := d.DecodeMapLen()
	if err != nil || n < 0 {
		return err
	}
	t.Args = make(map[string]any, n)
	for range n {
		key, err := d.DecodeString()
		if err != nil {
			return err
		}
		if t.Args[key], err = decodeArg(d); err != nil {
			return err
		}
	}
	return nil
}

// decodeArg is a scalar, or bytes, which the decoder's loose reading would make a string.
func decodeArg(d *msgpack.Decoder) (any, error) {
	code, err := d.PeekCode()
	if err != nil {
		return nil, err
	}
	if msgpcode.IsBin(code) {
		return d.DecodeBytes()
	}
	return decodeScalar(d)
}

// wireArray is the head of an array of so many values.
type wireArray int

// EncodeMsgpack implements the codec's interface.
func (n wireArray) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeArrayLen(int(n)) }

// arrayOf reads the head of an array of n values.
func arrayOf(d *msgpack.Decoder, n int, what string) error {
	got, err := d.DecodeArrayLen()
	if err == nil && got != n {
		return protocolErrorf("%s of %d values, not %d", what, got, n)
	}
	return err
}
