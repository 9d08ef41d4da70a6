package zarr

import (
	"fmt"
	"strconv"
	"sync"
)

// Array is an n-dimensional array in chunks. What was parsed never changes; any number of goroutines may read.
type Array struct {
	node
	l    *layout
	meta metaFile
	// rank and the numbers of chunks and of objects along each axis.
	rank   int
	grid   []int64 // of chunks
	outer  []int64 // of objects: chunks, or shards
	chunks int64   // how many there are
	size   int64   // bytes of an element; 0 without a fixed size

	chunkElems, chunkBytes int64
	rowElems, rowBytes     int64
	random                 bool // parts of its objects can be read
	direct                 bool
	inShards               bool

	mu sync.Mutex
	// objects is what was found at the objects read so far.
	objects map[int64]object
	shards  shardCache
}

func newArray(n node, l *layout, meta metaFile) (*Array, error) {
	a := &Array{node: n, l: l, meta: meta, rank: len(l.shape), size: int64(l.typ.Size),
		chunks: 1, chunkElems: 1, rowElems: 1, objects: make(map[int64]object)}
	if l.odd != nil {
		return a, nil
	}
	a.inShards = l.chain.opensShards()
	for i, n := range l.shape {
		cells := ceil(n, l.chunks[i])
		a.grid = append(a.grid, cells)
		a.outer = append(a.outer, ceil(n, l.outer[i]))
		a.chunks *= cells // below maxBytes: checked by finish
		a.chunkElems *= l.chunks[i]
		if i > 0 {
			a.rowElems *= n
		}
	}
	a.chunkBytes, a.rowBytes = a.chunkElems*a.size, a.rowElems*a.size
	if err := a.findSeparator(); err != nil {
		return nil, err
	}
	c := l.chain
	if a.inShards {
		if err := a.checkShard(); err != nil {
			l.odd = err
			return a, nil
		}
		c = c.shard.codecs
	}
	a.random = a.s.st.random(a.key)
	a.direct = c.direct() && a.random
	return a, nil
}

func ceil(n, d int64) int64 { return (n + d - 1) / d }

// findSeparator looks where the chunks of an old array lie: before zarr-python 2.8 the metadata did not say, and
// taking chunks for missing would give wrong numbers.
func (a *Array) findSeparator() error {
	if !a.l.anySep || a.rank < 2 || a.chunks == 0 {
		return nil
	}
	names, err := a.s.st.folders(a.key)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := strconv.ParseUint(name, 10, 63); err == nil {
			a.l.sep = '/'
			return nil
		}
	}
	return nil
}

// Type is the type of the elements. The caller must not change it.
func (a *Array) Type() *Type { return a.l.typ }

// Shape is empty for a scalar. The caller must not change it.
func (a *Array) Shape() []int64 { return a.l.shape }

// Len is the number of elements.
func (a *Array) Len() int64 { return count(a.l.shape) }

func count(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// ChunkShape is the shape of what is decoded at once: a chunk, or in a sharded array a chunk inside a shard. The caller
// must not change it.
func (a *Array) ChunkShape() []int64 { return a.l.chunks }

// ShardShape is the shape of a shard; nil when the array is not sharded.
func (a *Array) ShardShape() []int64 {
	if a.inShards {
		return a.l.outer
	}
	return nil
}

// ChunkBytes is the size of a decoded chunk, 0 for elements without a fixed size.
func (a *Array) ChunkBytes() int64 { return a.chunkBytes }

// RowBytes is the size of a row along axis 0, 0 for elements without a fixed size.
func (a *Array) RowBytes() int64 { return a.rowBytes }

// DimensionNames are those of zarr 3; nil when there are none.
func (a *Array) DimensionNames() []string { return a.l.names }

// Err is why the values cannot be read: ErrUnsupported or ErrTooLarge; nil when they can.
func (a *Array) Err() error { return a.fail(a.l.odd) }

// chunkError names the chunk.
func (a *Array) chunkError(err error, i int64) error {
	return locate(err, a.s.name, fmt.Sprintf("%s (chunk %d)", a.Path(), i))
}

// coords turns a number in C order into coordinates of a grid.
func coords(dst *[maxRank]int64, grid []int64, i int64) []int64 {
	for k := len(grid) - 1; k >= 0; k-- {
		dst[k] = i % grid[k]
		i /= grid[k]
	}
	return dst[:len(grid)]
}

// objectKey is the key of object n of the outer grid.
func (a *Array) objectKey(n int64) string {
	var c [maxRank]int64
	return join(a.key, a.l.key(coords(&c, a.outer, n)))
}

// object looks for object n once, and gives what was found then.
func (a *Array) object(n int64) (object, error) {
	a.mu.Lock()
	o, known := a.objects[n]
	a.mu.Unlock()
	if known {
		return o, nil
	}
	o, err := a.s.st.stat(a.objectKey(n))
	if err != nil {
		return o, err
	}
	if o.missing {
		if err := a.still(); err != nil {
			return o, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if first, known := a.objects[n]; known {
		return first, nil
	}
	a.objects[n] = o
	return o, nil
}

// still asks whether the array is there at all: the chunks of one that was deleted are not missing chunks.
func (a *Array) still() error {
	if !a.s.st.writable() {
		return nil
	}
	now, err := a.s.st.stat(a.meta.key)
	if err == nil && now != a.meta.was {
		err = changed(a.meta.key)
	}
	return err
}

// place is where a chunk lies.
type place struct {
	object int64
	o      object
	// Of chunks in shards: the part of the object.
	off, n int64
}

// locate finds chunk i; false when it is missing. It does not allocate once the object and the shard's index are known.
func (a *Array) locate(i int64, s *Scratch) (place, bool, error) {
	if !a.inShards {
		o, err := a.object(i)
		return place{object: i, o: o, n: o.size}, !o.missing && err == nil, err
	}
	var c [maxRank]int64
	at := coords(&c, a.grid, i)
	var p place
	local := int64(0)
	for k, x := range at {
		per := a.l.outer[k] / a.l.chunks[k]
		p.object = p.object*a.outer[k] + x/per
		local = local*per + x%per
	}
	var err error
	if p.o, err = a.object(p.object); err != nil || p.o.missing {
		return p, false, err
	}
	index, err := a.shardIndex(p.object, p.o, s)
	if err != nil {
		return p, false, err
	}
	e := index[local]
	p.off, p.n = e.off, e.n
	return p, e.off >= 0, nil
}
