package h5

import "fmt"

// Types of object header messages that this package reads (format specification, IV.A.2).
const (
	msgNull       = 0x00
	msgDataspace  = 0x01
	msgLinkInfo   = 0x02
	msgDatatype   = 0x03
	msgFillOld    = 0x04
	msgFill       = 0x05
	msgLink       = 0x06
	msgExternal   = 0x07
	msgLayout     = 0x08
	msgGroupInfo  = 0x0A
	msgFilters    = 0x0B
	msgAttribute  = 0x0C
	msgShareTable = 0x0F
	msgContinue   = 0x10
	msgSymbols    = 0x11
	msgAttrInfo   = 0x15
	msgCacheImage = 0x18
	msgLastKnown  = 0x18
)

const (
	flagShared     = 1 << 1
	flagFailUnread = 1 << 7 // "fail if the message's type is unknown"
)

// message is one message of an object header.
type message struct {
	kind  uint16
	flags uint8
	data  []byte
}

// header is an object header: the messages of all its blocks, in order.
type header struct {
	f     *File
	depth int // how many shared messages led here
	msgs  []message
}

// first gives the first message of a kind; ok is false when there is none.
func (h *header) first(kind uint16) (data []byte, ok bool, err error) {
	for _, m := range h.msgs {
		if m.kind == kind {
			data, err = h.resolve(m)
			return data, err == nil, err
		}
	}
	return nil, false, nil
}

// resolve follows a shared message. It is done on demand: following all of them on reading would let a
// hostile file make work that grows as a power of its size.
func (h *header) resolve(m message) ([]byte, error) {
	if m.flags&flagShared == 0 {
		return m.data, nil
	}
	return h.f.sharedMessage(m.kind, m.data, h.depth+1)
}

// block is a stretch of a header still to be read.
type block struct {
	addr uint64
	size uint64
}

// headerReader gathers one header.
type headerReader struct {
	f       *File
	out     header
	pending []block
	seen    map[uint64]bool
	v2      bool
	order   bool // messages carry their creation order (version 2)
}

const maxDepth = 32 // nesting of shared headers, of datatypes, of soft links

func (f *File) header(addr uint64, depth int) (*header, error) {
	if depth > maxDepth {
		return nil, corrupt("shared messages nested too deep")
	}
	r := headerReader{f: f, out: header{f: f, depth: depth}, seen: map[uint64]bool{addr: true}}
	if err := r.read(addr); err != nil {
		return nil, err
	}
	return &r.out, nil
}

func (r *headerReader) read(addr uint64) error {
	b, err := r.f.upTo(addr, 512)
	if err != nil {
		return err
	}
	if len(b) >= 4 && string(b[:4]) == "OHDR" {
		err = r.first2(addr, b)
	} else {
		err = r.first1(addr, b)
	}
	for err == nil && len(r.pending) > 0 {
		next := r.pending[0]
		r.pending = r.pending[1:]
		if r.seen[next.addr] {
			return corrupt("object header: its blocks form a loop")
		}
		r.seen[next.addr] = true
		err = r.continuation(next)
	}
	return err
}

func (r *headerReader) first1(addr uint64, b []byte) error {
	c := r.f.cursor(b)
	if v := c.u8(); v != 1 {
		return corrupt(fmt.Sprintf("object header at %#x: version %d", addr, v))
	}
	c.skip(1 + 2 + 4) // reserved, number of messages, reference count
	size := int64(c.u32())
	c.skip(4) // alignment
	if c.bad {
		return corrupt("object header: too short")
	}
	b, err := r.whole(addr, b, int64(c.pos)+size)
	if err != nil {
		return err
	}
	return r.messages(b[c.pos:])
}

func (r *headerReader) first2(addr uint64, b []byte) error {
	c := r.f.cursor(b)
	c.skip(4)
	if v := c.u8(); v != 2 {
		return unsupported(fmt.Sprintf("object header version %d", v))
	}
	flags := c.u8()
	r.v2, r.order = true, flags&(1<<2) != 0
	if flags&(1<<5) != 0 {
		c.skip(16) // times
	}
	if flags&(1<<4) != 0 {
		c.skip(4) // attribute phase change
	}
	size := c.uint(1 << (flags & 3))
	if c.bad || size > uint64(r.f.size) {
		return corrupt("object header: too short")
	}
	b, err := r.whole(addr, b, int64(c.pos)+int64(size)+4)
	if err != nil {
		return err
	}
	if b, err = r.f.checksummed(b, "object header"); err != nil {
		return err
	}
	return r.messages(b[c.pos:])
}

// whole gives size bytes at addr, of which b was read already.
func (r *headerReader) whole(addr uint64, b []byte, size int64) ([]byte, error) {
	if size <= int64(len(b)) {
		return b[:size], nil
	}
	return r.f.bytes(addr, size)
}

func (r *headerReader) continuation(k block) error {
	if k.size > uint64(r.f.size) {
		return corrupt("object header: continuation beyond the end of the file")
	}
	b, err := r.f.bytes(k.addr, int64(k.size))
	if err != nil || !r.v2 {
		if err == nil {
			err = r.messages(b)
		}
		return err
	}
	if len(b) < 8 || string(b[:4]) != "OCHK" {
		return corrupt("object header continuation: no signature")
	}
	if b, err = r.f.checksummed(b, "object header continuation"); err != nil {
		return err
	}
	return r.messages(b[4:])
}

func (r *headerReader) messages(b []byte) error {
	c := r.f.cursor(b)
	prefix := 8
	if r.v2 {
		prefix = 4
		if r.order {
			prefix = 6
		}
	}
	for c.left() >= prefix {
		kind, flags, size := r.prefix(&c)
		data := c.take(size)
		if c.bad {
			return corrupt("object header: a message reaches beyond its block")
		}
		if err := r.message(kind, flags, data); err != nil {
			return err
		}
	}
	return nil
}

func (r *headerReader) prefix(c *cursor) (kind uint16, flags uint8, size int) {
	if r.v2 {
		kind = uint16(c.u8())
		size = int(c.u16())
		flags = c.u8()
		if r.order {
			c.skip(2)
		}
		return kind, flags, size
	}
	kind = c.u16()
	size = int(c.u16())
	flags = c.u8()
	c.skip(3)
	return kind, flags, size
}

func (r *headerReader) message(kind uint16, flags uint8, data []byte) error {
	switch {
	case kind == msgNull:
		return nil
	case kind == msgContinue:
		c := r.f.cursor(data)
		k := block{addr: c.addr(), size: c.length()}
		if c.bad {
			return corrupt("object header: continuation message too short")
		}
		r.pending = append(r.pending, k)
		return nil
	case kind > msgLastKnown && flags&flagFailUnread != 0:
		return unsupported(fmt.Sprintf("object header message type %#x", kind))
	}
	r.out.msgs = append(r.out.msgs, message{kind: kind, flags: flags, data: data})
	return nil
}
