package h5

import (
	"cmp"
	"fmt"
)

// sharedIndex is one index of the file's table of shared messages: which kinds it holds, and the
// fractal heap they lie in.
type sharedIndex struct {
	kinds uint16 // bit k: messages of type k
	heap  *fractalHeap
}

// sharedMessage resolves the body of a message whose "shared" flag is set: it names another object's
// header (a committed datatype), or an entry of the file's shared message heap.
func (f *File) sharedMessage(kind uint16, data []byte, depth int) ([]byte, error) {
	if depth > maxDepth { // also what keeps the share table from being asked for while it is read
		return nil, corrupt("shared messages nested too deep")
	}
	c := f.cursor(data)
	version, where := c.u8(), c.u8()
	if version == 1 {
		c.skip(6)
		where = 2
	}
	if version == 0 || version > 3 {
		return nil, corrupt(fmt.Sprintf("shared message version %d", version))
	}
	if version == 3 && where == 1 {
		id := c.take(8)
		if c.bad {
			return nil, corrupt("shared message too short")
		}
		return f.sharedInHeap(kind, id)
	}
	addr := c.addr()
	if c.bad {
		return nil, corrupt("shared message too short")
	}
	h, err := f.header(addr, depth)
	if err != nil {
		return nil, err
	}
	out, ok, err := h.first(kind)
	if err == nil && !ok {
		err = corrupt("a shared message that its object does not hold")
	}
	return out, err
}

func (f *File) sharedInHeap(kind uint16, id []byte) ([]byte, error) {
	f.shareOnce.Do(func() { f.shared, f.shareErr = f.readShareTable() })
	if f.shareErr != nil {
		return nil, f.shareErr
	}
	for _, x := range f.shared {
		if kind < 16 && x.kinds&(1<<kind) != 0 {
			return x.heap.get(id)
		}
	}
	return nil, corrupt(fmt.Sprintf("no index of shared messages of type %#x", kind))
}

// readShareTable reads the table that the superblock extension points to.
func (f *File) readShareTable() ([]sharedIndex, error) {
	if f.extAddr == undefAddr {
		return nil, corrupt("a shared message, and no table of them")
	}
	// The extension's own messages are never shared in the heap, so this cannot come back here.
	h, err := f.header(f.extAddr, maxDepth)
	if err != nil {
		return nil, err
	}
	data, ok, err := h.first(msgShareTable)
	if err != nil || !ok {
		return nil, cmp.Or(err, corrupt("a shared message, and no table of them"))
	}
	c := f.cursor(data)
	c.skip(1)
	addr, n := c.addr(), int(c.u8())
	if c.bad || n > 8 {
		return nil, corrupt("shared message table message")
	}
	size := 4 + n*(1+1+2+4+2+2+2+2*f.offLen) + 4
	b, err := f.bytes(addr, int64(size))
	if err != nil {
		return nil, err
	}
	if b, err = f.checksummed(b, "shared message table"); err != nil {
		return nil, err
	}
	return f.shareIndexes(b, n)
}

func (f *File) shareIndexes(b []byte, n int) ([]sharedIndex, error) {
	c := f.cursor(b)
	if !c.signature("SMTB") {
		return nil, corrupt("shared message table: no signature")
	}
	var out []sharedIndex
	for range n {
		c.skip(2)
		kinds := c.u16()
		c.skip(4 + 2 + 2 + 2)
		c.addr()
		heap := c.addr()
		if c.bad {
			return nil, corrupt("shared message table: too short")
		}
		if heap == undefAddr {
			continue
		}
		x, err := f.fractalHeap(heap)
		if err != nil {
			return nil, err
		}
		out = append(out, sharedIndex{kinds: kinds, heap: x})
	}
	return out, nil
}
