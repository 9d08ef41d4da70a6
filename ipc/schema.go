package ipc

import (
	"fmt"
	"math"
	"math/bits"
)

// Kind says how a field's values lie in a frame.
type Kind string

// The kinds of docs/protocol.md, "Frames".
const (
	KindDense  Kind = "dense"  // values: n × width
	KindColumn Kind = "column" // values: n
	KindMask   Kind = "mask"   // values: n bool, one byte each
	KindCSR    Kind = "csr"    // indptr: n+1 int32; indices: nnz int32; values: nnz
)

// Buffers is the number of buffers a field of this kind has, 0 for a kind that is not known.
func (k Kind) Buffers() int {
	switch k {
	case KindDense, KindColumn, KindMask:
		return 1
	case KindCSR:
		return 3
	}
	return 0
}

// MaskPrefix begins the name of a mask; the name of the field it speaks of follows.
const MaskPrefix = "mask:"

// Field is one field of a batch.
type Field struct {
	Name       string `msgpack:"name"`
	Kind       Kind   `msgpack:"kind"`
	DType      string `msgpack:"dtype"`      // numpy's name
	Width      int    `msgpack:"width"`      // columns of a dense or csr field, 1 for others
	Buffers    int    `msgpack:"buffers"`    // see [Kind.Buffers]
	Of         string `msgpack:"of"`         // of a mask: the field it speaks of
	Categories Values `msgpack:"categories"` // of a column of codes; nil for one of values
}

// Schema is the list of fields of every frame of a stream, in the order of docs/protocol.md, "Frames".
type Schema []Field

// dtypeSizes is the size in bytes of every dtype a frame may hold.
var dtypeSizes = map[string]int{
	"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "uint32": 4,
	"float32": 4, "int64": 8, "uint64": 8, "float64": 8,
}

// DTypeSize is the size of one element of numpy's dtype in bytes, 0 for a dtype a frame can not hold.
func DTypeSize(dtype string) int { return dtypeSizes[dtype] }

// NumBuffers is the number of buffers of a frame.
func (s Schema) NumBuffers() (n int) {
	for i := range s {
		n += s[i].Kind.Buffers()
	}
	return n
}

// NumVar is the number of csr fields: what caps in [Schema.Layout] and var in [Ready] have one entry for.
func (s Schema) NumVar() (n int) {
	for i := range s {
		if s[i].Kind == KindCSR {
			n++
		}
	}
	return n
}

// Validate says whether frames can be read by this schema: each kind and dtype known, each name used once, each
// mask of a field that is there.
func (s Schema) Validate() error {
	names := make(map[string]bool, len(s))
	for i := range s {
		f := &s[i]
		switch {
		case f.Name == "" && f.Kind != KindMask:
			return protocolErrorf("field %d has no name", i)
		case f.Kind.Buffers() == 0:
			return protocolErrorf("field %q is of unknown kind %q", f.Name, f.Kind)
		case f.Buffers != f.Kind.Buffers():
			return protocolErrorf("field %q of kind %s has %d buffers, not %d", f.Name, f.Kind, f.Buffers, f.Kind.Buffers())
		case DTypeSize(f.DType) == 0:
			return protocolErrorf("field %q is of unknown dtype %q", f.Name, f.DType)
		case f.Kind == KindMask && (f.DType != "bool" || !names[f.Of]):
			return protocolErrorf("mask %q is of dtype %s, of field %q", f.Name, f.DType, f.Of)
		case f.Width < 0 || f.Width > math.MaxInt32 || f.Width != 1 && (f.Kind == KindColumn || f.Kind == KindMask):
			return protocolErrorf("field %q of kind %s has width %d", f.Name, f.Kind, f.Width)
		case f.Kind != KindMask && names[f.Name]:
			return protocolErrorf("two fields are named %q", f.Name)
		}
		if f.Kind != KindMask {
			names[f.Name] = true
		}
	}
	return nil
}

// Layout says where each buffer of a frame of n rows lies. caps has one entry for each csr field: how many stored values there
// must be room for. at is the offset of each buffer in bytes, a multiple of [Align]; lens its length in bytes; size what the
// frame takes, a multiple of Align. Where a size does not fit an int, size is math.MaxInt: more than any
// allocator has.
func (s Schema) Layout(n int, caps []int) (at, lens []int, size int) {
	return s.AppendLayout(nil, nil, n, caps)
}

// AppendLayout is [Schema.Layout] that appends to at and lens.
func (s Schema) AppendLayout(at, lens []int, n int, caps []int) ([]int, []int, int) {
	if n < 0 || len(caps) != s.NumVar() {
		panic(fmt.Sprintf("ipc: layout of %d rows and %d csr fields by a schema of %d", n, len(caps), s.NumVar()))
	}
	l := layout{at: at, lens: lens}
	for i := range s {
		f := &s[i]
		size := DTypeSize(f.DType)
		switch f.Kind {
		case KindDense:
			l.add(mul(mul(n, f.Width), size))
		case KindCSR:
			nnz := caps[0]
			caps = caps[1:]
			l.add(mul(sum(n, 1), 4))
			l.add(mul(nnz, 4))
			l.add(mul(nnz, size))
		default:
			l.add(mul(n, size))
		}
	}
	return l.at, l.lens, l.size
}

// layout is a frame being measured.
type layout struct {
	at, lens []int
	size     int
}

func (l *layout) add(n int) {
	l.at = append(l.at, l.size)
	l.lens = append(l.lens, n)
	l.size = roundUp(sum(l.size, n), Align)
}

// sum, mul and roundUp stay at math.MaxInt once they reach it. Their arguments are not negative.
func sum(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func mul(a, b int) int {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi != 0 || lo > math.MaxInt {
		return math.MaxInt
	}
	return int(lo)
}

func roundUp(n, to int) int {
	if n > math.MaxInt-to {
		return math.MaxInt
	}
	return (n + to - 1) / to * to
}
