package zarr

import (
	"encoding/json"
	"slices"
)

// Attr is the value of an attribute.
type Attr struct{ raw json.RawMessage }

// Text gives a string; false for anything else.
func (a Attr) Text() (string, bool) { return asText(a.raw) }

// Ints gives an integer or a list of integers; false for anything else.
func (a Attr) Ints() ([]int64, bool) {
	if n, ok := asInt(a.raw); ok {
		return []int64{n}, true
	}
	var l []json.RawMessage
	if json.Unmarshal(a.raw, &l) != nil || l == nil {
		return nil, false
	}
	out := make([]int64, len(l))
	for i, raw := range l {
		n, ok := asInt(raw)
		if !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// Texts gives a list of strings; false for anything else.
func (a Attr) Texts() ([]string, bool) {
	var l []json.RawMessage
	if json.Unmarshal(a.raw, &l) != nil || l == nil {
		return nil, false
	}
	out := make([]string, len(l))
	for i, raw := range l {
		s, ok := asText(raw)
		if !ok {
			return nil, false
		}
		out[i] = s
	}
	return out, true
}

// JSON is the value's text. The caller must not change it.
func (a Attr) JSON() []byte { return a.raw }

// node is what groups and arrays share.
type node struct {
	s     *Store
	key   string // path without the first slash; "" is the root
	attrs fields
}

// Path is absolute within the store.
func (n *node) Path() string { return "/" + n.key }

// Attr gives an attribute; false when there is none of that name.
func (n *node) Attr(name string) (Attr, bool) {
	raw, ok := n.attrs[name]
	return Attr{raw}, ok
}

// AttrNames are sorted.
func (n *node) AttrNames() []string {
	names := make([]string, 0, len(n.attrs))
	for name := range n.attrs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (n *node) fail(err error) error { return locate(err, n.s.name, n.Path()) }
