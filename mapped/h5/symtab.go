package h5

// symbolTable reads an old-style group: a version 1 B-tree of symbol nodes, with names in a local heap
// (format specification, III.A.1, III.B–D).
func (f *File) symbolTable(data []byte, out map[string]link) error {
	c := f.cursor(data)
	tree, heap := c.addr(), c.addr()
	if c.bad {
		return corrupt("symbol table message: too short")
	}
	names, err := f.localHeap(heap)
	if err != nil {
		return err
	}
	w := btree1{f: f, kind: 0, keyLen: f.lenLen, visited: map[uint64]bool{}}
	return w.walk(tree, func(_ []byte, child uint64) error { return f.symbolNode(child, names, out) })
}

func (f *File) localHeap(addr uint64) ([]byte, error) {
	b, err := f.bytes(addr, int64(8+2*f.lenLen+f.offLen))
	if err != nil {
		return nil, err
	}
	c := f.cursor(b)
	if !c.signature("HEAP") || c.u8() != 0 {
		return nil, corrupt("local heap: no signature, or unknown version")
	}
	c.skip(3)
	size := c.length()
	c.length() // free list
	at := c.addr()
	if c.bad || size > uint64(f.size) {
		return nil, corrupt("local heap: impossible size")
	}
	return f.bytes(at, int64(size))
}

func (f *File) symbolNode(addr uint64, names []byte, out map[string]link) error {
	entry := 2*f.offLen + 4 + 4 + 16
	b, err := f.upTo(addr, int64(8+8*entry))
	if err != nil {
		return err
	}
	c := f.cursor(b)
	if !c.signature("SNOD") || c.u8() != 1 {
		return corrupt("symbol node: no signature, or unknown version")
	}
	c.skip(1)
	n := int(c.u16())
	if need := 8 + n*entry; need > len(b) {
		if b, err = f.bytes(addr, int64(need)); err != nil {
			return err
		}
		c.b = b
	}
	for range n {
		if err := f.symbol(&c, names, out); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) symbol(c *cursor, names []byte, out map[string]link) error {
	name, addr := c.uint(f.offLen), c.addr()
	cache := c.u32()
	c.skip(4)
	k := f.cursor(c.take(16))
	if c.bad {
		return corrupt("symbol node: too short")
	}
	text, err := heapString(names, name)
	if err != nil {
		return err
	}
	l := link{addr: addr}
	if cache == 2 {
		if l.soft, err = heapString(names, uint64(k.u32())); err != nil {
			return err
		}
	}
	out[text] = l
	return nil
}

func heapString(heap []byte, at uint64) (string, error) {
	if at >= uint64(len(heap)) {
		return "", corrupt("local heap: a name beyond its end")
	}
	c := cursor{b: heap, pos: int(at)}
	s := c.cstring()
	if c.bad {
		return "", corrupt("local heap: a name without an end")
	}
	return s, nil
}
