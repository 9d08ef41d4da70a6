package rowstore

// Dense writes a whole row of the field: dst is Width elements, aligned, of any content. The row must have passed Check for
// a matrix of the kernel's.
func (k *Kernel) Dense(dst []byte, r Row, w *Scratch) {
	s := k.sections(r)
	dst = dst[:k.Width*k.OutSize]
	if s.layout&layoutDense != 0 && k.To == nil {
		k.values(dst, &s, w, k.Stream)
		k.patch(dst, &s, w)
	} else {
		k.densify(dst, &s, w)
	}
	published(k.Stream)
}

// densify is Dense of a row of which columns are to be found.
func (k *Kernel) densify(dst []byte, s *sections, w *Scratch) {
	if t, ok := k.table(s, w); ok && t.expandsZeros() {
		k.expand(dst, s, &t, w)
	} else if k.Stream && streams(k.OutSize) {
		row := w.row.take(len(dst))
		k.scatter(row[:len(dst)], s, w)
		copyElements(dst, row[:len(dst)], k.OutSize, true)
		clear(row)
		w.row.give()
	} else if clear(dst); ok && k.To == nil {
		t.scatter(dst, s)
	} else {
		k.scatter(dst, s, w)
	}
	if s.exceptions() == 0 {
		return
	}
	vals := k.exceptions(s, w)
	for i := range s.exceptions() {
		_, c := s.exception(i)
		if j := k.target(c); j >= 0 {
			copy(dst[j*k.OutSize:(j+1)*k.OutSize], vals[i*k.OutSize:])
		}
	}
}

// expand puts the codes of a row at their columns of one that has nothing but codes, which is small enough for the
// innermost cache, and then goes over it once: each line of dst is written once, and whole.
func (k *Kernel) expand(dst []byte, s *sections, t *codeTable, w *Scratch) {
	idx := k.fieldColumns(s, w)
	t.bound(s.values)
	codes := w.codes.take(k.Width)
	place(codes, idx, s.values)
	t.expand(dst, codes[:k.Width], k.Stream)
	clear(codes)
	w.codes.give()
}

// scatter puts the values of a row where they belong in one that is clear, exceptions aside.
func (k *Kernel) scatter(dst []byte, s *sections, w *Scratch) {
	idx := k.fieldColumns(s, w)
	vals := grow(&w.vals, s.n*k.OutSize)
	k.values(vals, s, w, false)
	if k.OutSize == 4 {
		placeWords(view[uint32](dst), idx, view[uint32](vals))
	} else {
		scatter(k.OutSize, dst, idx, vals)
	}
}

// fieldColumns gives the columns of the values of s, and leaves out those of s that the field lacks.
func (k *Kernel) fieldColumns(s *sections, w *Scratch) []int32 {
	if k.To != nil {
		return k.mapped(s, w)
	}
	idx := w.columns(s.n)
	s.columnsInto(idx, k.Cols, false)
	return idx
}
