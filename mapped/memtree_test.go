package mapped

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"sync/atomic"
)

// A file in memory: the container interfaces over Go values, with control over
// how arrays are stored. It stands for HDF5 where a test wants many random files
// or a fault at a certain read.
type memFile struct {
	top     *memGroup
	altered atomic.Bool
	cut     atomic.Bool // reads come up short
	closes  atomic.Int32
	decoded atomic.Int64 // chunks

	before func(a *memArray, chunk int) error // called before a chunk is decoded; may be nil
}

func (f *memFile) root() (group, error) { return f.top, nil }
func (f *memFile) size() int64          { return 1 << 20 }
func (f *memFile) changed() error {
	if f.altered.Load() {
		return errors.New("altered")
	}
	return nil
}
func (f *memFile) close() error { f.closes.Add(1); return nil }

type memNode struct {
	at    string
	texts map[string]string
	ints  map[string][]int64
}

func (n *memNode) path() string { return n.at }
func (n *memNode) attrText(name string) (string, bool, error) {
	s, ok := n.texts[name]
	return s, ok, nil
}
func (n *memNode) attrTexts(name string) ([]string, bool, error) { return nil, false, nil }
func (n *memNode) attrInts(name string) ([]int64, bool, error) {
	v, ok := n.ints[name]
	return v, ok, nil
}
func (n *memNode) hasAttr(name string) (bool, error) {
	_, a := n.texts[name]
	_, b := n.ints[name]
	return a || b, nil
}

type memGroup struct {
	memNode
	file    *memFile
	members map[string]node
}

func newMemGroup(f *memFile, at string) *memGroup {
	return &memGroup{memNode: memNode{at: at, texts: map[string]string{}, ints: map[string][]int64{}}, file: f, members: map[string]node{}}
}

func (g *memGroup) names() ([]string, error) {
	var out []string
	for name := range g.members {
		out = append(out, name)
	}
	sort.Strings(out)
	return out, nil
}

func (g *memGroup) child(name string) (node, error) {
	if n, ok := g.members[name]; ok {
		return n, nil
	}
	return nil, nil
}

func (g *memGroup) group(name string) *memGroup {
	sub := newMemGroup(g.file, g.at+"/"+name)
	g.members[name] = sub
	return sub
}

// storage is how a memArray keeps its numbers.
type storage struct {
	chunks    []int64 // nil: not chunked
	run       int64   // direct: so many elements lie together; 0: not direct
	bigEndian bool
}

type memArray struct {
	memNode
	file  *memFile
	e     elem
	dims  []int64
	text  []string
	raw   []byte // native, C order
	as    storage
	raws  []byte // as directAt gives it: the runs in reverse order, big-endian where asked
	isNil bool
}

// numbers adds an array of native numbers.
func (g *memGroup) numbers(name string, d dtype, raw []byte, as storage, dims ...int64) *memArray {
	a := &memArray{memNode: memNode{at: g.at + "/" + name}, file: g.file, dims: dims, raw: raw, as: as,
		e: elem{kind: elemNumber, dtype: d, bigEndian: as.bigEndian && d.size() > 1, text: d.String()}}
	if as.run > 0 {
		a.raws = make([]byte, 0, len(raw))
		step := int(as.run) * d.size()
		for end := (len(raw) + step - 1) / step * step; end > 0; end -= step {
			part := slices.Clone(raw[end-step : min(end, len(raw))])
			if a.e.bigEndian {
				swapBytes(part, d.size())
			}
			a.raws = append(a.raws, part...)
		}
	}
	g.members[name] = a
	return a
}

func (g *memGroup) strings(name string, text ...string) *memArray {
	a := &memArray{memNode: memNode{at: g.at + "/" + name}, file: g.file, dims: []int64{int64(len(text))}, text: text,
		e: elem{kind: elemText, text: "vlen string"}}
	g.members[name] = a
	return a
}

func (a *memArray) elem() elem                       { return a.e }
func (a *memArray) shape() []int64                   { return a.dims }
func (a *memArray) null() bool                       { return a.isNil }
func (a *memArray) bytes() ([]byte, error)           { return slices.Clone(a.raw), nil }
func (a *memArray) strings() ([]string, error)       { return a.text, nil }
func (a *memArray) fields() []string                 { return nil }
func (a *memArray) field(name string) (array, error) { return nil, errors.New("no fields") }
func (a *memArray) direct() bool                     { return a.as.run > 0 }
func (a *memArray) chunkShape() []int64              { return a.as.chunks }

func (a *memArray) directAt(i int64) (off, run int64, ok bool) {
	n, size := product(a.dims), int64(a.e.dtype.size())
	if i < 0 || i >= n {
		return 0, 0, false
	}
	block := i / a.as.run
	last := (n - 1) / a.as.run
	// The last block, which may be short, lies first.
	off = 0
	if block < last {
		off = (n - last*a.as.run + (last-block-1)*a.as.run) * size
	}
	in := i - block*a.as.run
	return off + in*size, min(a.as.run, n-block*a.as.run) - in, true
}

func (a *memArray) readAt(p []byte, off int64) error {
	if a.file.cut.Load() {
		return io.ErrUnexpectedEOF
	}
	if off < 0 || off+int64(len(p)) > int64(len(a.raws)) {
		return fmt.Errorf("read [%d, %d) of %d bytes", off, off+int64(len(p)), len(a.raws))
	}
	copy(p, a.raws[off:])
	return nil
}

func (a *memArray) readChunk(dst []byte, i int, s *Scratch) error {
	if a.file.cut.Load() {
		return io.ErrUnexpectedEOF
	}
	if before := a.file.before; before != nil {
		if err := before(a, i); err != nil {
			return err
		}
	}
	a.file.decoded.Add(1)
	size, rows, cols := int64(a.e.dtype.size()), a.dims[0], int64(1)
	cr, cc := a.as.chunks[0], int64(1)
	if len(a.dims) == 2 {
		cols, cc = a.dims[1], a.as.chunks[1]
	}
	gridCols := (cols + cc - 1) / cc
	r0, c0 := int64(i)/gridCols*cr, int64(i)%gridCols*cc
	for b := range dst {
		dst[b] = 0xee // bytes past the edge have no meaning
	}
	for r := range min(cr, rows-r0) {
		n := min(cc, cols-c0) * size
		from := ((r0+r)*cols + c0) * size
		copy(dst[r*cc*size:][:n], a.raw[from:])
	}
	if a.e.bigEndian {
		swapBytes(dst, int(size))
	}
	return nil
}

func (a *memArray) readRows(dst []byte, first, n int64, s *Scratch) error {
	row := product(a.dims[1:]) * int64(a.e.dtype.size())
	copy(dst, a.raw[first*row:(first+n)*row])
	return nil
}
