package h5

import "fmt"

// How a dataset's elements are stored.
type layoutKind uint8

const (
	layoutCompact layoutKind = iota
	layoutContiguous
	layoutChunked
)

// How the chunks of a dataset are found; the numbers are those of layout messages of version 4.
type indexKind uint8

const (
	indexBTree1     indexKind = 0
	indexSingle     indexKind = 1
	indexImplicit   indexKind = 2
	indexFixed      indexKind = 3
	indexExtensible indexKind = 4
	indexBTree2     indexKind = 5
)

// layout is a decoded data layout message.
type layout struct {
	kind layoutKind
	data []byte  // compact
	addr uint64  // contiguous: of the data; chunked: of the index
	size uint64  // contiguous: bytes, 0 where the message does not say
	dims []int64 // chunked: elements per axis, without the trailing element size

	index      indexKind
	edgesPlain bool   // chunks that reach over the edge are not filtered
	oneSize    uint64 // single index with filters: stored bytes
	oneMask    uint32
}

// parseLayout decodes a layout message (format specification, IV.A.2.i; version 5 is HDF5 2.0's, version
// 4 but for a fixed width of filtered chunk sizes, which the indexes state themselves).
func (f *File) parseLayout(data []byte, t *Type) (layout, error) {
	c := f.cursor(data)
	var l layout
	var err error
	switch v := c.u8(); v {
	case 1, 2:
		err = l.version1(&c, t)
	case 3:
		err = l.version3(&c, v, t)
	case 4, 5:
		err = l.version3(&c, v, t)
	default:
		err = unsupported(fmt.Sprintf("data layout message version %d", v))
	}
	if err == nil && c.bad {
		err = corrupt("data layout message: too short")
	}
	return l, err
}

func (l *layout) version1(c *cursor, t *Type) error {
	rank, class := int(c.u8()), c.u8()
	c.skip(5)
	if class != 0 {
		l.addr = c.addr()
	}
	switch class {
	case 0:
		l.kind = layoutCompact
		c.skip(4 * rank)
		l.data = c.take(int(c.u32()))
	case 1:
		l.kind = layoutContiguous
	case 2:
		l.kind, l.index = layoutChunked, indexBTree1
		return l.chunkDims(c, rank, 4, t)
	default:
		return corrupt(fmt.Sprintf("data layout class %d", class))
	}
	return nil
}

func (l *layout) version3(c *cursor, version uint8, t *Type) error {
	switch class := c.u8(); class {
	case 0:
		l.kind = layoutCompact
		l.data = c.take(int(c.u16()))
	case 1:
		l.kind = layoutContiguous
		l.addr, l.size = c.addr(), c.length()
	case 2:
		l.kind = layoutChunked
		if version >= 4 {
			return l.chunked4(c, t)
		}
		l.index = indexBTree1
		rank := int(c.u8())
		l.addr = c.addr()
		return l.chunkDims(c, rank, 4, t)
	case 3:
		return unsupported("virtual dataset")
	default:
		return corrupt(fmt.Sprintf("data layout class %d", class))
	}
	return nil
}

func (l *layout) chunked4(c *cursor, t *Type) error {
	flags := c.u8()
	l.edgesPlain = flags&1 != 0
	rank, width := int(c.u8()), int(c.u8())
	if err := l.chunkDims(c, rank, width, t); err != nil {
		return err
	}
	l.index = indexKind(c.u8())
	switch l.index {
	case indexSingle:
		if flags&2 != 0 {
			l.oneSize, l.oneMask = c.length(), c.u32()
		}
	case indexImplicit:
	case indexFixed:
		c.skip(1) // these parameters stand in the index's own header too
	case indexExtensible:
		c.skip(5)
	case indexBTree2:
		c.skip(4 + 1 + 1)
	default:
		return unsupported(fmt.Sprintf("chunk index type %d", l.index))
	}
	l.addr = c.addr()
	return nil
}

// chunkDims reads rank dimensions of width bytes, the last of which is the element size.
func (l *layout) chunkDims(c *cursor, rank, width int, t *Type) error {
	if rank < 2 || rank > maxRank+1 {
		return corrupt(fmt.Sprintf("chunks of %d dimensions", rank-1))
	}
	bytes := int64(t.Size)
	for range rank - 1 {
		d := c.uint(width)
		if d == 0 || d > 1<<62 {
			return corrupt("a chunk dimension of 0")
		}
		if int64(d) > MaxChunkBytes/bytes {
			return &Error{Kind: ErrTooLarge, Form: fmt.Sprintf("chunks of more than %d bytes", MaxChunkBytes),
				Hint: "rewrite the file with smaller chunks"}
		}
		bytes *= int64(d)
		l.dims = append(l.dims, int64(d))
	}
	if size := c.uint(width); size != uint64(t.Size) && !c.bad {
		return corrupt(fmt.Sprintf("chunks of elements of %d bytes, whose type has %d", size, t.Size))
	}
	return nil
}
