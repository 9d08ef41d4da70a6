package h5

import "fmt"

// ReadChunk decodes chunk i (grid order: C order of chunk coordinates) into dst, which must be
// ChunkBytes long. Chunks at the edge are whole, with unspecified bytes past the edge. Bytes are in
// file order. A missing chunk reads as the fill value.
func (d *Dataset) ReadChunk(dst []byte, i int, s *Scratch) error {
	t, err := d.Chunks()
	if err != nil {
		return err
	}
	if i < 0 || int64(i) >= t.n {
		return d.fail(invalid(fmt.Sprintf("chunk %d of %d", i, t.n)))
	}
	if int64(len(dst)) != d.chunkBytes {
		return d.fail(invalid(fmt.Sprintf("a buffer of %d bytes for a chunk of %d", len(dst), d.chunkBytes)))
	}
	if err := d.readChunk(dst, t, i, s); err != nil {
		return d.chunkError(err, i)
	}
	return nil
}

func (d *Dataset) chunkError(err error, i int) error {
	return locate(err, d.f.name, fmt.Sprintf("%s (chunk %d)", d.path, i))
}

func (d *Dataset) readChunk(dst []byte, t *ChunkTable, i int, s *Scratch) error {
	k := t.at(int64(i))
	if k.off < 0 {
		repeat(dst, d.fill)
		return nil
	}
	mask := k.mask
	if d.lay.edgesPlain && d.atEdge(t, int64(i)) {
		mask = ^uint32(0)
	}
	plain := true
	for f := range d.pipe {
		plain = plain && !active(mask, f)
	}
	if plain {
		if int64(k.size) != d.chunkBytes {
			return corrupt(fmt.Sprintf("a chunk of %d bytes where %d belong", k.size, d.chunkBytes))
		}
		_, err := d.f.ReadAt(dst, k.off)
		return err
	}
	if err := d.pipe.plausible(d.chunkBytes, int64(k.size)); err != nil {
		return err
	}
	if done, err := d.streamChunk(dst, k, mask); done {
		return err
	}
	raw := grow(&s.raw, int(k.size))
	if _, err := d.f.ReadAt(raw, k.off); err != nil {
		return err
	}
	return d.pipe.decode(dst, raw, mask, s)
}

// atEdge reports whether chunk i reaches over the edge of the array.
func (d *Dataset) atEdge(t *ChunkTable, i int64) bool {
	for k := len(t.grid) - 1; k >= 0; k-- {
		x := i % t.grid[k]
		i /= t.grid[k]
		if (x+1)*d.lay.dims[k] > d.space.dims[k] {
			return true
		}
	}
	return false
}

// Rows reads count rows along axis 0 from first into dst, which must be count × RowBytes long, in
// native little-endian order. A scalar is one row. ErrType for types that hold references into the
// file (vlen).
//
// s remembers the last chunk decoded, so reading rows in order decodes each chunk once.
func (d *Dataset) Rows(dst []byte, first, count int64, s *Scratch) error {
	if d.typ.indirect() {
		return d.fail(wrongType(d.typ, "stored in place"))
	}
	if err := d.rows(dst, first, count, s); err != nil {
		return d.fail(err)
	}
	if d.swap {
		d.typ.toNative(dst)
	}
	return nil
}

// nRows is the length of axis 0.
func (d *Dataset) nRows() int64 {
	switch {
	case d.space.null:
		return 0
	case len(d.space.dims) == 0:
		return 1
	}
	return d.space.dims[0]
}

// rows is Rows in the file's byte order, for any type.
func (d *Dataset) rows(dst []byte, first, count int64, s *Scratch) error {
	if n := d.nRows(); first < 0 || count < 0 || first > n-count {
		return invalid(fmt.Sprintf("rows %d to %d of %d", first, first+count, n))
	}
	if d.rowBytes == 0 || int64(len(dst))%d.rowBytes != 0 || int64(len(dst))/d.rowBytes != count {
		if len(dst) == 0 && (count == 0 || d.rowBytes == 0) {
			return nil
		}
		return invalid(fmt.Sprintf("a buffer of %d bytes for %d rows of %d", len(dst), count, d.rowBytes))
	}
	if count == 0 {
		return nil
	}
	switch {
	case d.odd != nil:
		return d.odd
	case d.lay.kind == layoutCompact:
		copy(dst, d.lay.data[first*d.rowBytes:])
		return nil
	case d.lay.kind == layoutChunked:
		return d.chunkRows(dst, first, count, s)
	case d.at < 0:
		repeat(dst, d.fill)
		return nil
	}
	_, err := d.f.ReadAt(dst, d.at+first*d.rowBytes)
	return err
}

// chunkRows gathers rows from the chunks that they cross.
func (d *Dataset) chunkRows(dst []byte, first, count int64, s *Scratch) error {
	t, err := d.Chunks()
	if err != nil {
		return err
	}
	if d.direct {
		return d.directRows(dst, first*d.rowBytes/int64(d.typ.Size), t)
	}
	height := d.lay.dims[0]
	across := t.n / t.grid[0] // chunks side by side
	for row := first; row < first+count; {
		band := row / height
		end := min(first+count, (band+1)*height)
		part := dst[(row-first)*d.rowBytes : (end-first)*d.rowBytes]
		for j := range across {
			if err := d.bandRows(part, t, band*across+j, row, end, s); err != nil {
				return d.chunkError(err, int(band*across+j))
			}
		}
		row = end
	}
	return nil
}

// bandRows puts what chunk i has of rows [row, end) into dst, which holds those rows.
func (d *Dataset) bandRows(dst []byte, t *ChunkTable, i, row, end int64, s *Scratch) error {
	height := d.lay.dims[0]
	if int64(len(dst)) == d.chunkBytes && end-row == height && d.wholeRows() {
		return d.readChunk(dst, t, int(i), s)
	}
	var chunk []byte // stays nil for a missing one
	if k := t.at(i); k.off >= 0 {
		var err error
		if chunk, err = d.cached(t, i, k, s); err != nil {
			return err
		}
	}
	if d.wholeRows() {
		if chunk == nil {
			repeat(dst, d.fill)
		} else {
			copy(dst, chunk[row%height*d.rowBytes:])
		}
		return nil
	}
	d.scatter(dst, chunk, t, i, row%height, end-row)
	return nil
}

// cached gives chunk i decoded, in s.
func (d *Dataset) cached(t *ChunkTable, i int64, k chunkRec, s *Scratch) ([]byte, error) {
	if s.of == d && s.number == int(i) {
		return s.chunk, nil
	}
	if err := d.pipe.plausible(d.chunkBytes, int64(k.size)); err != nil {
		return nil, err // before memory is taken for it
	}
	s.of = nil
	chunk := grow(&s.chunk, int(d.chunkBytes))
	if err := d.readChunk(chunk, t, int(i), s); err != nil {
		return nil, err
	}
	s.of, s.number = d, int(i)
	return chunk, nil
}

// scatter copies n rows of a chunk, from its row top on, to where they belong in whole rows. A nil chunk
// is fill value.
func (d *Dataset) scatter(dst, chunk []byte, t *ChunkTable, i, top, n int64) {
	rank := len(d.lay.dims)
	size := int64(d.typ.Size)
	var extent, pos, dstStep, srcStep [maxRank]int64
	dstAt, srcAt := int64(0), int64(0)
	a, b := size, size
	for k := rank - 1; k >= 0; k-- {
		dstStep[k], srcStep[k] = a, b
		x := i % t.grid[k] * d.lay.dims[k]
		i /= t.grid[k]
		extent[k] = min(d.lay.dims[k], d.space.dims[k]-x)
		if k > 0 {
			dstAt += x * a
		}
		a *= d.space.dims[k]
		b *= d.lay.dims[k]
	}
	srcAt += top * srcStep[0]
	extent[0] = n
	run := size * extent[rank-1]
	for {
		if chunk == nil {
			repeat(dst[dstAt:dstAt+run], d.fill)
		} else {
			copy(dst[dstAt:dstAt+run], chunk[srcAt:srcAt+run])
		}
		k := rank - 2
		for ; k >= 0; k-- {
			pos[k]++
			dstAt += dstStep[k]
			srcAt += srcStep[k]
			if pos[k] < extent[k] {
				break
			}
			dstAt -= pos[k] * dstStep[k]
			srcAt -= pos[k] * srcStep[k]
			pos[k] = 0
		}
		if k < 0 {
			return
		}
	}
}

// directRows reads elements that need no decoding, run by run.
func (d *Dataset) directRows(dst []byte, elem int64, t *ChunkTable) error {
	size := int64(d.typ.Size)
	for len(dst) > 0 {
		run := min(d.chunkElems-elem%d.chunkElems, int64(len(dst))/size)
		part := dst[:run*size]
		if off, _, ok := d.DirectAt(elem); ok {
			if _, err := d.f.ReadAt(part, off); err != nil {
				return d.chunkError(err, int(elem/d.chunkElems))
			}
		} else {
			repeat(part, d.fill)
		}
		dst = dst[run*size:]
		elem += run
	}
	return nil
}
