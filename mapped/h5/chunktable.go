package h5

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// ChunkTable says where each chunk of a dataset lies in the file: 16 bytes of memory per chunk. It is
// immutable.
type ChunkTable struct {
	grid   []int64
	n      int64
	stored int
	// One of two forms: all chunks of the grid by number, or, where few are stored, the stored ones
	// with their numbers, ascending.
	recs    []chunkRec
	numbers []int64
}

// chunkRec is where a chunk's bytes are; off is −1 when it is missing.
type chunkRec struct {
	off  int64
	size uint32
	mask uint32
}

// Chunk is one entry of a ChunkTable.
type Chunk struct {
	Offset  int64  // byte in the file
	Bytes   int64  // stored size
	Mask    uint32 // bit k set: filter k was skipped for this chunk
	Missing bool   // not stored: the fill value
}

// Len is the number of chunks in the grid, missing ones included.
func (t *ChunkTable) Len() int { return int(t.n) }

// Stored is the number of chunks that are not missing.
func (t *ChunkTable) Stored() int { return t.stored }

// Grid is the number of chunks along each axis. The caller must not change it.
func (t *ChunkTable) Grid() []int64 { return t.grid }

// At gives chunk i in grid order (C order of chunk coordinates). It panics unless 0 ≤ i < Len.
func (t *ChunkTable) At(i int) Chunk {
	if i < 0 || int64(i) >= t.n {
		panic(fmt.Sprintf("h5: chunk %d of %d", i, t.n))
	}
	r := t.at(int64(i))
	if r.off < 0 {
		return Chunk{Missing: true}
	}
	return Chunk{Offset: r.off, Bytes: int64(r.size), Mask: r.mask}
}

func (t *ChunkTable) at(i int64) chunkRec {
	if t.numbers == nil {
		return t.recs[i]
	}
	k := sort.Search(len(t.numbers), func(k int) bool { return t.numbers[k] >= i })
	if k < len(t.numbers) && t.numbers[k] == i {
		return t.recs[k]
	}
	return chunkRec{off: -1}
}

// tableBuilder gathers the chunks that an index names. What it holds is bounded by the file's size,
// not by the array's shape.
type tableBuilder struct {
	d      *Dataset
	t      *ChunkTable
	stride []int64 // chunks per step along each axis
	found  []numbered
	seen   map[uint64]bool // blocks of the index that were read

	// Arrays number chunks by the shape that the dataset may grow to, the unlimited axis first.
	slots int64   // numbers in use
	order []int   // axes, slowest first
	count []int64 // by axis: chunks up to the maximum; unused for the slowest
	same  bool    // slot numbers are chunk numbers
}

type numbered struct {
	number int64
	rec    chunkRec
}

func (d *Dataset) readTable() (*ChunkTable, error) {
	b := &tableBuilder{d: d, t: &ChunkTable{n: 1, grid: make([]int64, len(d.lay.dims))}, seen: map[uint64]bool{}}
	for k, c := range d.lay.dims {
		b.t.grid[k] = ceilDiv(d.space.dims[k], c)
		b.t.n *= b.t.grid[k] // cannot overflow: at most the number of elements, settle saw to that
	}
	b.stride = make([]int64, len(b.t.grid))
	step := int64(1)
	for k := len(b.stride) - 1; k >= 0; k-- {
		b.stride[k] = step
		step *= max(b.t.grid[k], 1)
	}
	if d.lay.addr != undefAddr && b.t.n > 0 {
		if err := b.read(); err != nil {
			return nil, err
		}
	}
	return b.finish(), nil
}

func (b *tableBuilder) read() error {
	switch b.d.lay.index {
	case indexBTree1:
		return b.readBTree1()
	case indexSingle:
		return b.readSingle()
	case indexImplicit:
		return b.readImplicit()
	case indexFixed:
		return b.readFixed()
	case indexExtensible:
		return b.readExtensible()
	}
	return b.readBTree2()
}

// add notes a stored chunk by its number in grid order.
func (b *tableBuilder) add(number int64, addr, size uint64, mask uint32) error {
	if addr == undefAddr {
		return nil
	}
	if number < 0 || number >= b.t.n {
		return nil // beyond the present shape: left from before the array shrank
	}
	if len(b.d.pipe) == 0 && size != uint64(b.d.chunkBytes) {
		return corrupt(fmt.Sprintf("an unfiltered chunk of %d bytes where chunks have %d", size, b.d.chunkBytes))
	}
	if int64(len(b.found)) > b.d.f.size/2 {
		return corrupt("more chunks than the file can hold")
	}
	if size > math.MaxUint32 {
		return &Error{Kind: ErrTooLarge, Form: fmt.Sprintf("a stored chunk of %d bytes", size)}
	}
	off, err := b.d.f.abs(addr, int64(size))
	if err != nil {
		return err
	}
	b.found = append(b.found, numbered{number, chunkRec{off: off, size: uint32(size), mask: mask}})
	return nil
}

// number turns chunk coordinates (in chunks) into a number; −1 outside the grid.
func (b *tableBuilder) number(coord func(axis int) uint64) int64 {
	var n int64
	for k, g := range b.t.grid {
		x := coord(k)
		if x >= uint64(g) {
			return -1
		}
		n += int64(x) * b.stride[k]
	}
	return n
}

// planSlots derives how fixed and extensible arrays and implicit indexes number chunks.
func (b *tableBuilder) planSlots() error {
	d := b.d
	b.count = make([]int64, len(d.lay.dims))
	b.order = b.order[:0]
	for k, c := range d.lay.dims {
		b.count[k] = ceilDiv(max(d.space.max[k], d.space.dims[k]), c)
		if d.space.max[k] < 0 {
			b.order = append([]int{k}, b.order...)
		} else {
			b.order = append(b.order, k)
		}
	}
	slow := b.order[0]
	b.slots = b.t.grid[slow]
	if d.space.max[slow] >= 0 {
		b.slots = b.count[slow]
	}
	b.same = slow == 0
	for _, k := range b.order[1:] {
		if d.space.max[k] < 0 {
			return corrupt("chunk index: more than one unlimited axis")
		}
		if b.count[k] > 0 && b.slots > math.MaxInt64/8/b.count[k] {
			return corrupt("chunk index: more chunks than can be counted")
		}
		b.slots *= b.count[k]
		b.same = b.same && b.count[k] == b.t.grid[k]
	}
	return nil
}

// slot turns a slot number into a chunk number; −1 outside the present shape.
func (b *tableBuilder) slot(s int64) int64 {
	if b.same {
		return s
	}
	var n int64
	for i := len(b.order) - 1; i >= 0; i-- {
		k := b.order[i]
		x := s
		if i > 0 {
			x, s = s%b.count[k], s/b.count[k]
		}
		if x >= b.t.grid[k] {
			return -1
		}
		n += x * b.stride[k]
	}
	return n
}

// once notes that a block of the index is being read; a second time is an error, for a hostile file
// could have one block stand for many.
func (b *tableBuilder) once(addr uint64) error {
	if b.seen[addr] {
		return corrupt("chunk index: one block in two places")
	}
	b.seen[addr] = true
	return nil
}

// finish picks the form of the table: one entry for each chunk of the grid, unless most are missing.
func (b *tableBuilder) finish() *ChunkTable {
	t := b.t
	if t.n <= 4*int64(len(b.found))+1024 {
		t.recs = make([]chunkRec, t.n)
		for i := range t.recs {
			t.recs[i].off = -1
		}
		for _, k := range b.found {
			if t.recs[k.number].off < 0 {
				t.stored++
			}
			t.recs[k.number] = k.rec
		}
		return t
	}
	slices.SortStableFunc(b.found, func(x, y numbered) int { return cmpInt(x.number, y.number) })
	t.numbers = make([]int64, 0, len(b.found))
	for i, k := range b.found {
		if i > 0 && b.found[i-1].number == k.number {
			t.recs[len(t.recs)-1] = k.rec
			continue
		}
		t.numbers, t.recs = append(t.numbers, k.number), append(t.recs, k.rec)
	}
	t.stored = len(t.recs)
	return t
}

func ceilDiv(n, by int64) int64 {
	q := n / by
	if n%by != 0 {
		q++
	}
	return q
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
