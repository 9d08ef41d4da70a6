package h5

import "fmt"

// btree1 walks a version 1 B-tree (format specification, III.A.1) of groups (kind 0) or chunks (kind 1).
type btree1 struct {
	f       *File
	kind    uint8
	keyLen  int
	visited map[uint64]bool
}

// walk calls fn with the key and the address of each child of the leaves, in order. The key is valid
// during the call.
func (w *btree1) walk(root uint64, fn func(key []byte, child uint64) error) error {
	if root == undefAddr {
		return nil
	}
	return w.node(root, -1, fn)
}

// node reads the node at addr; level is what its parent says it must be, −1 for the root.
func (w *btree1) node(addr uint64, level int, fn func([]byte, uint64) error) error {
	if w.visited[addr] {
		return corrupt("B-tree: its nodes form a loop")
	}
	w.visited[addr] = true
	c, n, at, err := w.read(addr)
	if err != nil {
		return err
	}
	if level >= 0 && at != level {
		return corrupt(fmt.Sprintf("B-tree: node of level %d where %d belongs", at, level))
	}
	for range n {
		key, child := c.take(w.keyLen), c.addr()
		if c.bad {
			return corrupt("B-tree: node too short")
		}
		if at == 0 {
			err = fn(key, child)
		} else {
			err = w.node(child, at-1, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read gives a cursor at the first key, the number of children and the level.
func (w *btree1) read(addr uint64) (c cursor, n, level int, err error) {
	head := 8 + 2*w.f.offLen
	pair := w.keyLen + w.f.offLen
	b, err := w.f.upTo(addr, int64(head+64*pair+w.keyLen)) // 64 children is the library's default
	if err != nil {
		return c, 0, 0, err
	}
	c = w.f.cursor(b)
	if !c.signature("TREE") || c.u8() != w.kind {
		return c, 0, 0, corrupt(fmt.Sprintf("B-tree: no node of type %d at %#x", w.kind, addr))
	}
	level, n = int(c.u8()), int(c.u16())
	c.skip(2 * w.f.offLen) // siblings
	if need := head + n*pair; need > len(b) {
		if c.b, err = w.f.bytes(addr, int64(need)); err != nil {
			return c, 0, 0, err
		}
	}
	if c.bad {
		return c, 0, 0, corrupt("B-tree: node too short")
	}
	return c, n, level, nil
}
