package zarr

// Rows reads count rows along axis 0 from first into dst, which must be count × RowBytes long, in native little-endian
// order. A scalar is one row. ErrType for elements without a fixed size.
//
// s remembers the last chunk decoded, so reading rows of a vector in order decodes each chunk once.
func (a *Array) Rows(dst []byte, first, n int64, s *Scratch) error {
	if err := a.readable(); err != nil {
		return err
	}
	if rows := a.nRows(); first < 0 || n < 0 || first > rows-n {
		return a.fail(invalid("rows %d to %d of %d", first, first+n, rows))
	}
	if int64(len(dst)) != n*a.rowBytes {
		return a.fail(invalid("a buffer of %d bytes for %d rows of %d", len(dst), n, a.rowBytes))
	}
	if len(dst) == 0 {
		return nil
	}
	var err error
	if a.direct {
		err = a.directRows(dst, first*a.rowElems)
	} else {
		err = a.chunkRows(dst, first, n, s)
	}
	if err != nil {
		return a.fail(err)
	}
	a.l.typ.toNative(dst)
	return nil
}

func (a *Array) nRows() int64 {
	if a.rank == 0 {
		return 1
	}
	return a.l.shape[0]
}

// directRows reads elements that need no decoding, run by run.
func (a *Array) directRows(dst []byte, elem int64) error {
	s := borrow()
	defer giveBack(s)
	for len(dst) > 0 {
		off, run := a.position(elem)
		n := min(run*a.size, int64(len(dst)))
		i := off / a.chunkBytes
		p, ok, err := a.locate(i, s)
		switch {
		case err != nil:
		case !ok:
			a.l.fill.put(dst[:n])
		case p.n != a.chunkBytes:
			err = wrongSize(p.n, a.chunkBytes)
		case n == a.chunkBytes && !a.inShards:
			err = a.s.st.load(a.objectKey(p.object), p.o, dst[:n])
		default:
			err = a.s.st.readAt(objectID{a, p.object}, p.o, dst[:n], p.off+off%a.chunkBytes)
		}
		if err != nil {
			return a.chunkError(err, i)
		}
		dst = dst[n:]
		elem += n / a.size
	}
	return nil
}

// chunkRows gathers rows from the chunks that they cross.
func (a *Array) chunkRows(dst []byte, first, n int64, s *Scratch) error {
	b := box{dst: dst, chunk: a.l.chunks, size: a.size}
	if a.rank == 0 {
		return a.band(&b, 0, s)
	}
	b.shape = append([]int64{n}, a.l.shape[1:]...)
	height := a.l.chunks[0]
	across := a.chunks / a.grid[0] // chunks side by side
	for row := first; row < first+n; {
		end := min(first+n, (row/height+1)*height)
		for i := row / height * across; i < (row/height+1)*across; i++ {
			at := coords(&b.at, a.grid, i)
			for k := 1; k < a.rank; k++ {
				at[k] *= a.l.chunks[k]
				b.extent[k] = min(a.l.chunks[k], a.l.shape[k]-at[k])
			}
			b.at[0], b.from[0], b.extent[0] = row-first, row%height, end-row
			if err := a.band(&b, i, s); err != nil {
				return a.chunkError(err, i)
			}
		}
		row = end
	}
	return nil
}

// band copies what b asks for out of chunk i.
func (a *Array) band(b *box, i int64, s *Scratch) error {
	if s.of == a && s.number == i {
		b.copy(s.chunk, nil)
		return nil
	}
	p, ok, err := a.locate(i, s)
	if err != nil {
		return err
	}
	if !ok {
		b.copy(nil, &a.l.fill)
		return nil
	}
	if int64(len(b.dst)) == a.chunkBytes && a.fills(b) {
		return a.readPlace(b.dst, p, ok, s)
	}
	if err := a.plausible(p.n); err != nil {
		return err // before memory is taken for it
	}
	s.of = nil
	chunk := grow(&s.chunk, a.chunkBytes)
	if err := a.readPlace(chunk, p, ok, s); err != nil {
		return err
	}
	s.of, s.number = a, i
	b.copy(chunk, nil)
	return nil
}

// fills says that the box is the whole chunk, and all of dst.
func (a *Array) fills(b *box) bool {
	for k, c := range a.l.chunks {
		if b.extent[k] != c || b.shape[k] != c {
			return false
		}
	}
	return true
}
