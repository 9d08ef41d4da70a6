package ipc

import (
	"fmt"
	"slices"

	"github.com/vmihailenco/msgpack/v5"
)

// Join says how the var names of several stores become one list. On the wire JoinNone is nil.
type Join string

// The joins. The zero value means JoinInner.
const (
	JoinInner Join = "inner"
	JoinOuter Join = "outer"
	JoinNone  Join = "none"
)

// Spec says what of the files a batch holds, and how the files are joined. The zero value is every default.
type Spec struct {
	LayersKeys []string // "X", "raw.X", or names under layers; nil: "X"; empty: none
	ObsKeys    []string // columns of obs
	ObsmKeys   []string // names under obsm
	Join       Join

	Labels  Labels
	Unknown Unknown

	Filter     Filter            // which rows; the zero value: all
	VarNames   []string          // a panel: these variables in this order; nil: what the join gives
	VarKey     string            // the column of var that holds the names; "": its index
	Transforms []Transform       // what is done to values, in order
	Encoders   map[string][]Pair // label and code, of the keys whose codes are given; nil: codes follow the files
}

// Labels says which of the obs keys are encoded. The zero value: all.
type Labels struct {
	None bool
	Only []string // nil: all, unless None
}

// Unknown says which labels are encoded as -1: one for all encoded keys, or one for each. Nil both: none.
type Unknown struct {
	All   *string
	ByKey map[string]string
}

// Layers is LayersKeys or its default.
func (s *Spec) Layers() []string {
	if s.LayersKeys == nil {
		return []string{"X"}
	}
	return s.LayersKeys
}

// JoinOrDefault is Join or its default.
func (s *Spec) JoinOrDefault() Join {
	if s.Join == "" {
		return JoinInner
	}
	return s.Join
}

// EncodedKeys is the list of obs keys to encode. Keys that are not in ObsKeys are in it too, so that whoever
// checks the spec can name them.
func (s *Spec) EncodedKeys() []string {
	switch {
	case s.Labels.None:
		return nil
	case s.Labels.Only != nil:
		return s.Labels.Only
	}
	return s.ObsKeys
}

// UnknownLabels is the unknown label of each encoded key that has one.
func (s *Spec) UnknownLabels() map[string]string {
	if s.Unknown.All == nil {
		return s.Unknown.ByKey
	}
	m := make(map[string]string)
	for _, k := range s.EncodedKeys() {
		m[k] = *s.Unknown.All
	}
	return m
}

// EncodeMsgpack implements the codec's interface. Every key is written.
func (s Spec) EncodeMsgpack(e *msgpack.Encoder) error {
	w := specWriter{e: e}
	w.do(e.EncodeMapLen(11))
	w.strings("layers_keys", s.Layers())
	w.strings("obs_keys", s.ObsKeys)
	w.strings("obsm_keys", s.ObsmKeys)
	w.key("join")
	if j := s.JoinOrDefault(); j == JoinNone {
		w.do(e.EncodeNil())
	} else {
		w.do(e.EncodeString(string(j)))
	}
	switch l := s.Labels; {
	case l.None || l.Only == nil:
		w.key("encode_labels")
		w.do(e.EncodeBool(!l.None))
	default:
		w.strings("encode_labels", l.Only)
	}
	w.key("unknown_label")
	switch u := s.Unknown; {
	case u.All != nil:
		w.do(e.EncodeString(*u.All))
	case u.ByKey != nil:
		w.stringMap(u.ByKey)
	default:
		w.do(e.EncodeNil())
	}
	w.more(s)
	return w.err
}

// specWriter keeps the first error, so that a list of writes reads as one.
type specWriter struct {
	e   *msgpack.Encoder
	err error
}

func (w *specWriter) do(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *specWriter) key(k string) { w.do(w.e.EncodeString(k)) }

func (w *specWriter) strings(k string, list []string) {
	w.key(k)
	w.list(list)
}

func (w *specWriter) list(list []string) {
	w.do(w.e.EncodeArrayLen(len(list)))
	for _, v := range list {
		w.do(w.e.EncodeString(v))
	}
}

func (w *specWriter) stringMap(m map[string]string) {
	w.do(w.e.EncodeMapLen(len(m)))
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		w.key(k)
		w.do(w.e.EncodeString(m[k]))
	}
}

// DecodeMsgpack implements the codec's interface. Keys that are missing keep their default, unknown keys are skipped.
func (s *Spec) DecodeMsgpack(d *msgpack.Decoder) error {
	*s = Spec{}
	n, err := d.DecodeMapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := d.DecodeString()
		if err != nil {
			return err
		}
		if err := s.decodeKey(d, key); err != nil {
			return fmt.Errorf("spec.%s: %w", key, err)
		}
	}
	return nil
}

func (s *Spec) decodeKey(d *msgpack.Decoder, key string) error {
	switch key {
	case "layers_keys":
		return d.Decode(&s.LayersKeys)
	case "obs_keys":
		return d.Decode(&s.ObsKeys)
	case "obsm_keys":
		return d.Decode(&s.ObsmKeys)
	case "join":
		return s.decodeJoin(d)
	case "encode_labels":
		return s.Labels.decode(d)
	case "unknown_label":
		return s.Unknown.decode(d)
	case "obs_filter":
		return s.Filter.decode(d)
	case "var_names":
		return d.Decode(&s.VarNames)
	case "var_key":
		return d.Decode(&s.VarKey)
	case "transforms":
		return d.Decode(&s.Transforms)
	case "encoders":
		return d.Decode(&s.Encoders)
	}
	return d.Skip()
}

func (s *Spec) decodeJoin(d *msgpack.Decoder) error {
	code, err := d.PeekCode()
	if err != nil {
		return err
	}
	if code == codeNil {
		s.Join = JoinNone
		return d.DecodeNil()
	}
	j, err := d.DecodeString()
	s.Join = Join(j)
	return err
}

func (l *Labels) decode(d *msgpack.Decoder) error {
	code, err := d.PeekCode()
	if err != nil {
		return err
	}
	if code == codeFalse || code == codeTrue {
		all, err := d.DecodeBool()
		l.None = !all
		return err
	}
	l.Only = []string{}
	return d.Decode(&l.Only)
}

func (u *Unknown) decode(d *msgpack.Decoder) error {
	code, err := d.PeekCode()
	if err != nil {
		return err
	}
	switch {
	case code == codeNil:
		return d.DecodeNil()
	case isString(code):
		v, err := d.DecodeString()
		u.All = &v
		return err
	}
	return d.Decode(&u.ByKey)
}
