package h5

import "fmt"

// btree2 reads a version 2 B-tree (format specification, III.A.2): records of one size, in order, at
// every level.
type btree2 struct {
	f        *File
	kind     uint8
	nodeSize int
	recSize  int
	depth    int
	root     uint64
	rootRecs int
	total    uint64
	// per depth: bytes that a child pointer uses for "records in the child and below it"
	totalLen []int
	countLen int // bytes for "records in the child"
	visited  map[uint64]bool
}

const btree2Prefix = 4 + 1 + 1 // signature, version, type

func (f *File) btree2(addr uint64) (*btree2, error) {
	b, err := f.bytes(addr, int64(btree2Prefix+4+2+2+1+1+f.offLen+2+f.lenLen+4))
	if err != nil {
		return nil, err
	}
	if b, err = f.checksummed(b, "B-tree"); err != nil {
		return nil, err
	}
	c := f.cursor(b)
	if !c.signature("BTHD") || c.u8() != 0 {
		return nil, corrupt("B-tree: no signature, or unknown version")
	}
	t := &btree2{f: f, kind: c.u8(), visited: map[uint64]bool{}}
	nodeSize := c.u32()
	t.recSize, t.depth = int(c.u16()), int(c.u16())
	c.skip(2) // split and merge percentages
	t.root, t.rootRecs, t.total = c.addr(), int(c.u16()), c.length()
	if c.bad || t.recSize == 0 || nodeSize > 1<<26 || t.depth > maxDepth {
		return nil, corrupt("B-tree: impossible header")
	}
	t.nodeSize = int(nodeSize)
	return t, t.plan()
}

// plan derives the widths of the fields of child pointers, which follow from how many records fit a
// node at each level.
func (t *btree2) plan() error {
	room := t.nodeSize - btree2Prefix - 4
	per := room / t.recSize
	if room < 0 || per < 1 {
		return corrupt("B-tree: nodes too small for a record")
	}
	t.countLen = sizeBytes(uint64(per))
	t.totalLen = make([]int, t.depth+1)
	below := uint64(per)
	for d := 1; d <= t.depth; d++ {
		ptr := t.f.offLen + t.countLen + t.totalLen[d-1]
		if room < ptr+t.recSize {
			return corrupt("B-tree: nodes too small for a record")
		}
		n := uint64((room - ptr) / (t.recSize + ptr))
		if n == 0 || below > 1<<58/(n+1) {
			return corrupt("B-tree: impossible depth")
		}
		below = (n+1)*below + n
		t.totalLen[d] = sizeBytes(below)
	}
	return nil
}

// each calls fn for every record, in order. A record is valid during the call.
func (t *btree2) each(fn func(rec []byte) error) error {
	if t.root == undefAddr || t.total == 0 {
		return nil
	}
	return t.node(t.root, t.rootRecs, t.depth, fn)
}

func (t *btree2) node(addr uint64, recs, depth int, fn func([]byte) error) error {
	if t.visited[addr] {
		return corrupt("B-tree: its nodes form a loop")
	}
	t.visited[addr] = true
	sign, ptr := "BTLF", 0
	size := btree2Prefix + recs*t.recSize + 4
	if depth > 0 {
		sign = "BTIN"
		ptr = t.f.offLen + t.countLen
		if depth > 1 {
			ptr += t.totalLen[depth-1]
		}
		size += (recs + 1) * ptr
	}
	if size > t.nodeSize {
		return corrupt("B-tree: more records than fit a node")
	}
	b, err := t.f.bytes(addr, int64(size))
	if err != nil {
		return err
	}
	if b, err = t.f.checksummed(b, "B-tree node"); err != nil {
		return err
	}
	c := t.f.cursor(b)
	if !c.signature(sign) || c.u8() != 0 || c.u8() != t.kind {
		return corrupt(fmt.Sprintf("B-tree: no node %s at %#x", sign, addr))
	}
	if depth == 0 {
		return t.leaf(&c, recs, fn)
	}
	return t.inner(&c, recs, depth, ptr, fn)
}

func (t *btree2) leaf(c *cursor, recs int, fn func([]byte) error) error {
	for range recs {
		if err := fn(c.take(t.recSize)); err != nil {
			return err
		}
	}
	return nil
}

func (t *btree2) inner(c *cursor, recs, depth, ptr int, fn func([]byte) error) error {
	own := t.f.cursor(c.take(recs * t.recSize))
	for i := range recs + 1 {
		k := t.f.cursor(c.take(ptr))
		addr, n := k.addr(), k.uint(t.countLen)
		if k.bad || n > uint64(t.nodeSize) {
			return corrupt("B-tree: node too short")
		}
		if err := t.node(addr, int(n), depth-1, fn); err != nil {
			return err
		}
		if i < recs {
			if err := fn(own.take(t.recSize)); err != nil {
				return err
			}
		}
	}
	return nil
}
