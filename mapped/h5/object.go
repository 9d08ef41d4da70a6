package h5

import (
	"fmt"
	"sort"
	"sync"
)

// Object is a *Group or a *Dataset.
type Object interface {
	// Path is the name under which the object was reached, starting with "/".
	Path() string
	// File is the file it belongs to.
	File() *File
	// Attr reads an attribute; ErrNotFound when there is none of that name.
	Attr(name string) (*Attr, error)
	// HasAttr reports whether there is an attribute of that name.
	HasAttr(name string) (bool, error)
	// AttrNames lists the attributes, sorted.
	AttrNames() ([]string, error)
}

var _, _ Object = (*Group)(nil), (*Dataset)(nil)

// node is what groups and datasets share.
type node struct {
	f    *File
	path string
	hdr  *header

	attrOnce sync.Once // guards the next two
	attrs    []rawAttr
	attrErr  error
}

// Path is the name under which the object was reached, starting with "/".
func (n *node) Path() string { return n.path }

// File is the file the object belongs to.
func (n *node) File() *File { return n.f }

func (n *node) fail(err error) error { return locate(err, n.f.name, n.path) }

func (n *node) loadAttrs() ([]rawAttr, error) {
	n.attrOnce.Do(func() { n.attrs, n.attrErr = n.f.rawAttrs(n.hdr) })
	return n.attrs, n.fail(n.attrErr)
}

func (n *node) findAttr(name string) (rawAttr, bool, error) {
	list, err := n.loadAttrs()
	if err != nil {
		return rawAttr{}, false, err
	}
	i := sort.Search(len(list), func(i int) bool { return list[i].name >= name })
	if i == len(list) || list[i].name != name {
		return rawAttr{}, false, nil
	}
	return list[i], true, nil
}

// Attr reads an attribute; ErrNotFound when there is none of that name.
func (n *node) Attr(name string) (*Attr, error) {
	r, ok, err := n.findAttr(name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, n.fail(&Error{Kind: ErrNotFound, Form: fmt.Sprintf("attribute %q", name)})
	}
	a, err := n.f.attr(n.path, r)
	if err != nil {
		return nil, locate(err, n.f.name, n.path+"@"+name)
	}
	return a, nil
}

// HasAttr reports whether there is an attribute of that name.
func (n *node) HasAttr(name string) (bool, error) {
	_, ok, err := n.findAttr(name)
	return ok, err
}

// AttrNames lists the attributes, sorted.
func (n *node) AttrNames() ([]string, error) {
	list, err := n.loadAttrs()
	if err != nil {
		return nil, err
	}
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.name
	}
	return out, nil
}

// object opens whatever stands at an address.
func (f *File) object(addr uint64, path string) (Object, error) {
	h, err := f.header(addr, 0)
	if err != nil {
		return nil, locate(err, f.name, path)
	}
	has := map[uint16]bool{}
	for _, m := range h.msgs {
		has[m.kind] = true
	}
	switch {
	case has[msgLayout]:
		d, err := f.dataset(h, path)
		if err != nil {
			return nil, locate(err, f.name, path)
		}
		return d, nil
	case has[msgSymbols] || has[msgLinkInfo] || has[msgLink] || has[msgGroupInfo]:
		return &Group{node: node{f: f, path: path, hdr: h}}, nil
	case has[msgDatatype] && !has[msgDataspace]:
		return nil, locate(unsupported("a committed datatype is neither group nor dataset"), f.name, path)
	}
	return nil, locate(corrupt("an object that is neither group nor dataset"), f.name, path)
}
