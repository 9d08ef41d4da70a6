package h5

import "fmt"

// link is one entry of a group.
type link struct {
	addr uint64 // of the object's header, for hard links
	soft string // the path, for soft links
	odd  string // what it is, for kinds that are not followed
}

// links reads the members of a group, whichever way they are stored.
func (f *File) links(h *header) (map[string]link, error) {
	out := map[string]link{}
	steps := map[uint16]func([]byte, map[string]link) error{
		msgSymbols: f.symbolTable, msgLink: f.parseLink, msgLinkInfo: f.denseLinks,
	}
	for _, m := range h.msgs {
		step, ok := steps[m.kind]
		if !ok {
			continue
		}
		data, err := h.resolve(m)
		if err != nil {
			return nil, err
		}
		if err := step(data, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// parseLink decodes a link message (format specification, IV.A.2.g).
func (f *File) parseLink(data []byte, out map[string]link) error {
	c := f.cursor(data)
	if v := c.u8(); v != 1 {
		return unsupported(fmt.Sprintf("link message version %d", v))
	}
	flags := c.u8()
	kind := uint8(0)
	if flags&(1<<3) != 0 {
		kind = c.u8()
	}
	if flags&(1<<2) != 0 {
		c.skip(8) // creation order
	}
	if flags&(1<<4) != 0 {
		c.skip(1) // character set: names are taken as UTF-8, of which ASCII is a part
	}
	n := c.uint(1 << (flags & 3))
	if n == 0 || n > uint64(c.left()) {
		return corrupt("link message: length of the name")
	}
	name := string(c.take(int(n)))
	var l link
	switch kind {
	case 0:
		l.addr = c.addr()
	case 1:
		l.soft = string(c.take(int(c.u16())))
	case 64:
		l.odd = "external link"
	default:
		l.odd = fmt.Sprintf("user-defined link of type %d", kind)
	}
	if c.bad {
		return corrupt("link message: too short")
	}
	out[name] = l
	return nil
}

// denseLinks reads the links that a link info message's heap and tree hold, if any.
func (f *File) denseLinks(data []byte, out map[string]link) error {
	c := f.cursor(data)
	if v := c.u8(); v != 0 {
		return unsupported(fmt.Sprintf("link info message version %d", v))
	}
	if c.u8()&1 != 0 {
		c.skip(8) // largest creation order
	}
	heapAddr, tree := c.addr(), c.addr()
	if c.bad {
		return corrupt("link info message: too short")
	}
	if heapAddr == undefAddr {
		return nil
	}
	heap, err := f.fractalHeap(heapAddr)
	if err != nil {
		return err
	}
	return f.heapRecords(tree, linkRecords, heap.idLen, func(id []byte, _ uint8) error {
		b, err := heap.get(id)
		if err != nil {
			return err
		}
		return f.parseLink(b, out)
	})
}

// Types of B-tree records that hold heap ids.
const (
	linkRecords = 5 // hash, id
	attrRecords = 8 // id, message flags, creation order, hash
)

// heapRecords calls fn for the heap id (and, of attributes, the message flags) of every record.
func (f *File) heapRecords(addr uint64, kind uint8, idLen int, fn func(id []byte, flags uint8) error) error {
	t, err := f.btree2(addr)
	if err != nil {
		return err
	}
	if t.kind != kind {
		return corrupt(fmt.Sprintf("B-tree of type %d where %d belongs", t.kind, kind))
	}
	if t.recSize < idLen+4 {
		return corrupt("B-tree: records too small for a heap id")
	}
	return t.each(func(rec []byte) error {
		if kind == linkRecords {
			return fn(rec[4:4+idLen], 0)
		}
		return fn(rec[:idLen], rec[idLen])
	})
}
