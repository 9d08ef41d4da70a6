package h5

import (
	"fmt"
	"slices"
	"strings"
)

// Attr is an attribute, read whole. String and friends want one value; the plural forms, which are
// those of Values, give all in C order.
type Attr struct {
	Values
	name string
}

// Name is the attribute's name.
func (a *Attr) Name() string { return a.name }

// String gives the one string.
func (a *Attr) String() (string, error) { return only(a, a.Strings) }

// Int gives the one integer (or enum value).
func (a *Attr) Int() (int64, error) { return only(a, a.Ints) }

// Float gives the one number.
func (a *Attr) Float() (float64, error) { return only(a, a.Floats) }

// Bool gives the one boolean (h5py's enum, or an integer 0 or 1).
func (a *Attr) Bool() (bool, error) { return only(a, a.Bools) }

// Object follows the one object reference (anndata before 0.8 points from codes to categories so).
func (a *Attr) Object() (Object, error) { return only(a, a.Objects) }

func only[T any](a *Attr, all func() ([]T, error)) (v T, err error) {
	if n := a.Len(); n != 1 {
		return v, a.fail(&Error{Kind: ErrType, Form: fmt.Sprintf("%d values where one is wanted", n)})
	}
	list, err := all()
	if err != nil {
		return v, err
	}
	return list[0], nil
}

// rawAttr is an attribute message, split but not decoded: one that this package cannot read does not
// hide the others.
type rawAttr struct {
	name               string
	typ, space, values []byte
	sharedType         bool
	sharedSpace        bool
}

// rawAttrs finds the attributes of an object, sorted by name.
func (f *File) rawAttrs(h *header) ([]rawAttr, error) {
	var out []rawAttr
	add := func(data []byte) error {
		a, err := f.splitAttr(data)
		if err == nil {
			out = append(out, a)
		}
		return err
	}
	for _, m := range h.msgs {
		if m.kind != msgAttribute && m.kind != msgAttrInfo {
			continue
		}
		data, err := h.resolve(m)
		if err != nil {
			return nil, err
		}
		if m.kind == msgAttribute {
			err = add(data)
		} else {
			err = f.denseAttrs(data, add)
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b rawAttr) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// denseAttrs reads the attributes that an attribute info message's heap and tree hold, if any.
func (f *File) denseAttrs(data []byte, add func([]byte) error) error {
	c := f.cursor(data)
	if v := c.u8(); v != 0 {
		return unsupported(fmt.Sprintf("attribute info message version %d", v))
	}
	if c.u8()&1 != 0 {
		c.skip(2) // largest creation index
	}
	heapAddr, tree := c.addr(), c.addr()
	if c.bad {
		return corrupt("attribute info message: too short")
	}
	if heapAddr == undefAddr {
		return nil
	}
	heap, err := f.fractalHeap(heapAddr)
	if err != nil {
		return err
	}
	return f.heapRecords(tree, attrRecords, 8, func(id []byte, flags uint8) error {
		var b []byte
		var err error
		if flags&flagShared != 0 {
			b, err = f.sharedInHeap(msgAttribute, id)
		} else {
			b, err = heap.get(id)
		}
		if err != nil {
			return err
		}
		return add(b)
	})
}

// splitAttr takes an attribute message apart (format specification, IV.A.2.m).
func (f *File) splitAttr(data []byte) (a rawAttr, err error) {
	c := f.cursor(data)
	version, flags := c.u8(), c.u8()
	if version < 1 || version > 3 {
		return a, unsupported(fmt.Sprintf("attribute message version %d", version))
	}
	nameLen, typeLen, spaceLen := int(c.u16()), int(c.u16()), int(c.u16())
	if version == 3 {
		c.skip(1) // character set of the name
	}
	padded := func(n int) []byte {
		start := c.pos
		p := c.take(n)
		if version == 1 {
			c.pad(start, 8)
		}
		return p
	}
	name := padded(nameLen)
	a.typ, a.space = padded(typeLen), padded(spaceLen)
	a.sharedType, a.sharedSpace = version > 1 && flags&1 != 0, version > 1 && flags&2 != 0
	if c.bad || nameLen == 0 {
		return a, corrupt("attribute message: too short")
	}
	a.name = trim(string(name), PadNullTerm)
	a.values = c.b[c.pos:]
	return a, nil
}

// attr decodes a split attribute.
func (f *File) attr(path string, r rawAttr) (*Attr, error) {
	var err error
	if r.sharedType {
		if r.typ, err = f.sharedMessage(msgDatatype, r.typ, 1); err != nil {
			return nil, err
		}
	}
	if r.sharedSpace {
		if r.space, err = f.sharedMessage(msgDataspace, r.space, 1); err != nil {
			return nil, err
		}
	}
	c := f.cursor(r.typ)
	t, err := parseType(&c, 0)
	if err != nil {
		return nil, err
	}
	s, err := f.parseSpace(r.space)
	if err != nil {
		return nil, err
	}
	if s.n > int64(len(r.values)/t.Size) {
		return nil, corrupt(fmt.Sprintf("%d elements of %d bytes in %d bytes", s.n, t.Size, len(r.values)))
	}
	v := newValues(f, path+"@"+r.name, t, s, r.values[:int(s.n)*t.Size])
	return &Attr{Values: *v, name: r.name}, nil
}
