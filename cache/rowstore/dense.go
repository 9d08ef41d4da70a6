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
	idx, to := k.keptColumns(s, w)
	t.bound(s.values)
	codes := w.codes.take(k.Width)
	place(codes, idx, s.values, to)
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

// fieldColumns gives the columns of the field of the values of s, and leaves out those of s that it lacks.
func (k *Kernel) fieldColumns(s *sections, w *Scratch) []int32 {
	idx, to := k.keptColumns(s, w)
	if to != nil {
		rename(idx, to)
	}
	return idx
}

// keptColumns is fieldColumns, except that the columns are to be mapped by to where that is not nil.
func (k *Kernel) keptColumns(s *sections, w *Scratch) (idx, to []int32) {
	idx = w.columns(s.n)
	if s.layout&layoutDense != 0 {
		copy(idx, k.To)
		k.compact(idx, s, w)
		return idx[:s.n], nil
	}
	s.columnsInto(idx, k.Cols, false)
	if k.To == nil || k.all {
		return idx, k.To
	}
	positions := growColumns(&w.positions, s.n)
	if n, ok := k.filter(idx, positions); ok {
		k.pick(positions[:n], s, w)
		return idx[:n], k.To
	}
	renameEach(idx, k.To)
	k.compact(idx, s, w)
	return idx[:s.n], nil
}

func renameEach(idx, to []int32) {
	for i, c := range idx {
		idx[i] = to[c]
	}
}

func placeEach(dst []byte, cols []int32, codes []byte, to []int32) {
	codes = codes[:len(cols)]
	for i, c := range cols {
		if to != nil {
			c = to[c]
		}
		dst[c] = codes[i]
	}
}
