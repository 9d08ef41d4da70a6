package mapped

// denseUnits cuts a dense matrix into bands: all chunks of the same rows.
type denseUnits struct {
	m    *matrix
	from *source
}

func (u denseUnits) count() int64 { return (u.from.rows + u.from.chunkRows - 1) / u.from.chunkRows }

func (u denseUnits) of(row int64) (first, last int64) {
	return row / u.from.chunkRows, row / u.from.chunkRows
}

func (u denseUnits) rows(unit int64) unitRows {
	from, to := unit*u.from.chunkRows, min((unit+1)*u.from.chunkRows, u.from.rows)
	return unitRows{from, from, to, to}
}

func (u denseUnits) bytes() int64 {
	n := int64(u.from.chunkBytes)
	if u.from.gridCols > 1 {
		n += u.from.chunkRows * u.from.cols * int64(u.from.size)
	}
	return n
}

func (u denseUnits) decode(unit int64, w *rowWriter) (left, right *zone, err error) {
	r, f := u.rows(unit), u.from
	chunk := f.env.cache.take(f.chunkBytes)
	defer f.env.cache.recycle(chunk)
	size := int64(f.size)
	band, stride := chunk.buf, f.chunkCols*size
	if f.gridCols > 1 {
		stride = f.cols * size
		all := f.env.cache.take(int(f.chunkRows * stride))
		defer f.env.cache.recycle(all)
		band = all.buf
	}
	for c := range f.gridCols {
		if err := f.loadChunk(chunk.buf, int(unit*f.gridCols+c), w.scratch); err != nil {
			return nil, nil, err
		}
		if f.gridCols == 1 {
			break
		}
		at, n := c*f.chunkCols*size, min(f.chunkCols, f.cols-c*f.chunkCols)*size
		for i := range r.right - r.whole {
			copy(band[i*stride+at:][:n], chunk.buf[i*f.chunkCols*size:])
		}
	}
	for row := r.whole; row < r.right; row++ {
		if !w.table.missing(row) {
			continue
		}
		if err := w.dense(row, band[(row-r.whole)*stride:][:f.cols*size]); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, nil
}

// join is never asked: a row is of one band.
func (u denseUnits) join([]int64, func(int64) [2]*zone, *rowWriter) error { return nil }
