package zarr

// ReadChunk decodes chunk i (C order of chunk coordinates) into dst, which must be ChunkBytes long. Chunks at the edge
// are whole, with unspecified bytes past the edge. Bytes are in stored order. A missing chunk reads as the fill value.
func (a *Array) ReadChunk(dst []byte, i int64, s *Scratch) error {
	if err := a.readable(); err != nil {
		return err
	}
	if i < 0 || i >= a.chunks {
		return a.fail(invalid("chunk %d of %d", i, a.chunks))
	}
	if int64(len(dst)) != a.chunkBytes {
		return a.fail(invalid("a buffer of %d bytes for a chunk of %d", len(dst), a.chunkBytes))
	}
	p, ok, err := a.locate(i, s)
	if err == nil {
		err = a.readPlace(dst, p, ok, s)
	}
	if err != nil {
		return a.chunkError(err, i)
	}
	return nil
}

// readable refuses arrays whose elements cannot be read in place.
func (a *Array) readable() error {
	if a.l.odd != nil {
		return a.fail(a.l.odd)
	}
	if !a.l.typ.fixed() {
		return a.fail(wrongType(a.l.typ, "stored in place"))
	}
	return nil
}

// codecs is the chain of what ReadChunk decodes.
func (a *Array) codecs() *chain {
	if a.inShards {
		return a.l.chain.shard.codecs
	}
	return a.l.chain
}

// readPlace decodes the chunk that lies at p.
func (a *Array) readPlace(dst []byte, p place, ok bool, s *Scratch) error {
	if !ok {
		a.l.fill.put(dst)
		return nil
	}
	c := a.codecs()
	if c.direct() {
		if p.n != int64(len(dst)) {
			return wrongSize(p.n, int64(len(dst)))
		}
		return a.readRaw(dst, p)
	}
	if err := a.plausible(p.n); err != nil {
		return err
	}
	if done, err := a.streamPlace(dst, p, c); done {
		return err
	}
	raw := grow(&s.raw, p.n)
	if err := a.readRaw(raw, p); err != nil {
		return err
	}
	return a.decode(c, dst, raw, a.l.chunks, s)
}

// plausible refuses stored sizes that no chunk of this array can have, before memory is taken for what it claims.
func (a *Array) plausible(stored int64) error {
	most := int64(MaxChunkBytes)
	if a.l.typ.fixed() {
		most = mostStored(a.chunkBytes)
	}
	if stored > most {
		return corrupt("%d bytes stored for a chunk of %d", stored, a.chunkBytes)
	}
	c := a.codecs()
	if n := len(c.steps); n > 0 && c.inner == plain {
		if st := c.steps[0]; st.op == opDecode {
			if size := c.sizeAfter(0, a.chunkBytes); size >= 0 && !st.kind.Plausible(size, stored) {
				return corrupt("%s: %d bytes cannot hold %d", st.kind, stored, size)
			}
		}
	}
	return nil
}

// readRaw reads stored bytes of a chunk.
func (a *Array) readRaw(dst []byte, p place) error {
	if a.inShards {
		return a.s.st.readAt(objectID{a, p.object}, p.o, dst, p.off)
	}
	return a.s.st.load(a.objectKey(p.object), p.o, dst)
}

// Direct says whether DirectAt may be used: stored bytes are the elements.
func (a *Array) Direct() bool { return a.direct }

// DirectAt says where element i of the flattened array (C order) lies, and how many follow it there; for ReadAt. ok is
// false for an element of a missing chunk, and where something is wrong: Rows then reads the fill value, or says
// what. Positions count through the chunks of the array, whatever files they lie in. It does not allocate once the
// chunk's file, and in shards its index, have been looked at.
func (a *Array) DirectAt(i int64) (off, run int64, ok bool) {
	if !a.direct || i < 0 || i >= a.Len() {
		return 0, 0, false
	}
	off, run = a.position(i)
	s := borrow()
	defer giveBack(s)
	p, ok, err := a.locate(off/a.chunkBytes, s)
	return off, run, ok && err == nil && p.n == a.chunkBytes
}

// position gives an element's place in all chunks laid end to end, and how many elements follow it in its chunk
// as well as in the array.
func (a *Array) position(i int64) (off, run int64) {
	chunk, in, chunkStep, inStep := int64(0), int64(0), int64(1), int64(1)
	run = 1
	whole := true // the axes behind are whole in every chunk
	for k := a.rank - 1; k >= 0; k-- {
		n, c := a.l.shape[k], a.l.chunks[k]
		x := i % n
		i /= n
		chunk += x / c * chunkStep
		in += x % c * inStep
		if whole {
			// What is left along this axis, less what was passed along those behind it.
			run = min(c-x%c, n-x)*inStep - in%inStep
			whole = n == c
		}
		chunkStep *= a.grid[k]
		inStep *= c
	}
	return (chunk*a.chunkElems + in) * a.size, run
}

// ReadAt reads stored bytes at a position that DirectAt gave, within its run.
func (a *Array) ReadAt(p []byte, off int64) error {
	if !a.direct || off < 0 || a.chunkBytes == 0 {
		return a.fail(invalid("no position to read at: %d", off))
	}
	i := off / a.chunkBytes
	s := borrow()
	defer giveBack(s)
	at, ok, err := a.locate(i, s)
	if err == nil {
		in := off - i*a.chunkBytes
		switch {
		case !ok || at.n != a.chunkBytes || int64(len(p)) > a.chunkBytes-in:
			err = invalid("%d bytes at %d", len(p), off)
		default:
			err = a.s.st.readAt(objectID{a, at.object}, at.o, p, at.off+in)
		}
	}
	if err != nil {
		return a.chunkError(err, i)
	}
	return nil
}
