package h5

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// Dataset is an n-dimensional array. It is immutable; its chunk table is read once, on first use.
type Dataset struct {
	node
	typ        *Type
	space      space
	lay        layout
	pipe       pipeline
	fill       []byte // one element, nil for zeros
	odd        error  // why its values cannot be read, if so
	rowBytes   int64
	chunkBytes int64
	chunkElems int64
	at         int64 // contiguous: offset in the file, −1 when nothing is stored
	direct     bool
	swap       bool

	table atomic.Pointer[tableResult]
	mu    sync.Mutex // held while the table is read
}

type tableResult struct {
	t   *ChunkTable
	err error
}

func (f *File) dataset(h *header, path string) (*Dataset, error) {
	d := &Dataset{node: node{f: f, path: path, hdr: h}, at: -1}
	data, err := d.message(msgDatatype, "datatype")
	if err != nil {
		return nil, err
	}
	c := f.cursor(data)
	if d.typ, err = parseType(&c, 0); err != nil {
		return nil, err
	}
	if data, err = d.message(msgDataspace, "dataspace"); err != nil {
		return nil, err
	}
	if d.space, err = f.parseSpace(data); err != nil {
		return nil, err
	}
	if data, err = d.message(msgLayout, "data layout"); err != nil {
		return nil, err
	}
	if d.lay, err = f.parseLayout(data, d.typ); err != nil {
		return nil, err
	}
	if err = d.optional(); err != nil {
		return nil, err
	}
	return d, d.settle()
}

func (d *Dataset) message(kind uint16, what string) ([]byte, error) {
	data, ok, err := d.hdr.first(kind)
	if err == nil && !ok {
		err = corrupt("a dataset without " + what)
	}
	return data, err
}

// optional reads the messages that a dataset may lack.
func (d *Dataset) optional() error {
	data, ok, err := d.hdr.first(msgFilters)
	if err != nil {
		return err
	}
	if ok {
		if d.pipe, err = parsePipeline(data); err != nil {
			return err
		}
		d.odd = d.pipe.unknown()
	}
	if _, ok, err = d.hdr.first(msgExternal); err != nil || ok {
		return orElse(err, unsupported("values in external files"))
	}
	data, ok, err = d.hdr.first(msgFill)
	old := false
	if err == nil && !ok {
		old = true
		data, ok, err = d.hdr.first(msgFillOld)
	}
	if err == nil && ok {
		d.fill, err = parseFill(data, old, d.typ)
	}
	return err
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// settle checks the parts against one another and derives the rest.
func (d *Dataset) settle() error {
	// Sizes are computed with empty axes taken as 1, so that no product can overflow later.
	bytes := int64(d.typ.Size)
	for _, n := range d.space.dims {
		if n = max(n, 1); bytes > math.MaxInt64/2/n {
			return corrupt(fmt.Sprintf("an array of shape %v", d.space.dims))
		}
		bytes *= n
	}
	d.rowBytes = int64(d.typ.Size)
	for _, n := range d.space.dims[min(1, len(d.space.dims)):] {
		d.rowBytes *= n
	}
	d.swap = d.typ.swaps()
	switch d.lay.kind {
	case layoutCompact:
		if d.space.n*int64(d.typ.Size) > int64(len(d.lay.data)) {
			return corrupt(fmt.Sprintf("%d elements of %d bytes in %d bytes", d.space.n, d.typ.Size, len(d.lay.data)))
		}
	case layoutContiguous:
		return d.settleContiguous()
	case layoutChunked:
		return d.settleChunked()
	}
	return nil
}

func (d *Dataset) settleContiguous() error {
	if d.lay.addr == undefAddr || d.space.n == 0 {
		return nil
	}
	bytes := d.space.n * int64(d.typ.Size)
	if d.lay.size != 0 && d.lay.size < uint64(bytes) {
		return corrupt(fmt.Sprintf("%d bytes of values in %d bytes", bytes, d.lay.size))
	}
	at, err := d.f.abs(d.lay.addr, bytes)
	if err != nil {
		return err
	}
	d.at, d.direct = at, !d.typ.indirect()
	return nil
}

func (d *Dataset) settleChunked() error {
	if len(d.lay.dims) != len(d.space.dims) {
		return corrupt(fmt.Sprintf("chunks of %d dimensions in an array of %d", len(d.lay.dims), len(d.space.dims)))
	}
	d.chunkElems = 1
	for _, n := range d.lay.dims {
		d.chunkElems *= n
	}
	d.chunkBytes = d.chunkElems * int64(d.typ.Size)
	d.direct = len(d.pipe) == 0 && !d.typ.indirect() && d.wholeRows()
	return nil
}

// wholeRows reports whether chunks span all axes but the first exactly, so that their elements are in
// the order of the array's.
func (d *Dataset) wholeRows() bool {
	for k := 1; k < len(d.lay.dims); k++ {
		if d.lay.dims[k] != d.space.dims[k] {
			return false
		}
	}
	return true
}

// Type is the type of one element. The caller must not change it.
func (d *Dataset) Type() *Type { return d.typ }

// Shape is empty for a scalar. The caller must not change it.
func (d *Dataset) Shape() []int64 { return d.space.dims }

// IsNull reports a dataset that has a type and no value (h5py.Empty).
func (d *Dataset) IsNull() bool { return d.space.null }

// Len is the number of elements: the product of the shape, 1 for a scalar, 0 for null.
func (d *Dataset) Len() int64 { return d.space.n }

// RowBytes is the size of one row along axis 0, in bytes; of the one value, for a scalar.
func (d *Dataset) RowBytes() int64 { return d.rowBytes }

// ChunkShape is nil unless the dataset is chunked. The caller must not change it.
func (d *Dataset) ChunkShape() []int64 { return d.lay.dims }

// ChunkBytes is the decoded size of one chunk, 0 unless chunked. It is at most MaxChunkBytes.
func (d *Dataset) ChunkBytes() int { return int(d.chunkBytes) }

// Filters lists the pipeline, in the order used for writing.
func (d *Dataset) Filters() []Filter {
	out := make([]Filter, len(d.pipe))
	for i, s := range d.pipe {
		out[i] = s.Filter
	}
	return out
}

// Readable says whether the values can be read: nil, or the ErrUnsupported that reading would give. It does not look at
// chunks, of which each may have skipped filters: two compressors one upon the other show when the first is decoded.
func (d *Dataset) Readable() error { return d.fail(d.odd) }

// Direct reports whether DirectAt may succeed: nothing needs decoding, and the bytes of rows lie
// in order (contiguous, or chunks without filters that span all axes but the first).
func (d *Dataset) Direct() bool { return d.direct }

// DirectAt says where element elem of the flattened array (C order) lies in the file: at byte off,
// with run elements (itself included) following one another. The bytes are as Type says, so
// big-endian ones need swapping. ok is false where there are none to read: Direct is false, elem is
// out of range, or its chunk is missing and holds the fill value; use Rows then.
// O(1), no allocation, no lock once the chunk table was read.
func (d *Dataset) DirectAt(elem int64) (off, run int64, ok bool) {
	if !d.direct || elem < 0 || elem >= d.space.n {
		return 0, 0, false
	}
	size := int64(d.typ.Size)
	if d.lay.kind == layoutContiguous {
		return d.at + elem*size, d.space.n - elem, true
	}
	r := d.table.Load()
	if r == nil {
		r = d.loadTable()
	}
	if r.err != nil {
		return 0, 0, false
	}
	chunk := elem / d.chunkElems
	within := elem - chunk*d.chunkElems
	k := r.t.at(chunk)
	if k.off < 0 {
		return 0, 0, false
	}
	return k.off + within*size, min(d.chunkElems-within, d.space.n-elem), true
}

// Chunks reads the table of chunks, once; ErrInvalid when the dataset is not chunked.
func (d *Dataset) Chunks() (*ChunkTable, error) {
	r := d.table.Load()
	if r == nil {
		r = d.loadTable()
	}
	return r.t, d.fail(r.err)
}

func (d *Dataset) loadTable() *tableResult {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.table.Load(); r != nil {
		return r
	}
	r := new(tableResult)
	switch {
	case d.lay.kind != layoutChunked:
		r.err = invalid("not a chunked dataset")
	case d.odd != nil:
		r.err = d.odd
	default:
		r.t, r.err = d.readTable()
	}
	d.table.Store(r)
	return r
}
