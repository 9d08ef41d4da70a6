package rowstore

// Dense writes a whole row of the field: dst is Width elements, aligned, of any content. The row must have passed Check for
// a matrix of the kernel's.
func (k *Kernel) Dense(dst []byte, r Row, w *Scratch) {
	s := k.sections(r)
	dst = dst[:k.Width*k.OutSize]
	if s.layout&layoutDense != 0 && k.To == nil {
		k.values(dst, &s, w)
		k.patch(dst, &s, w)
		return
	}
	clear(dst)
	k.scatter(dst, &s, w)
	if s.exceptions() == 0 {
		return
	}
	vals := k.exceptions(&s, w)
	for i := range s.exceptions() {
		_, c := s.exception(i)
		if j := k.target(c); j >= 0 {
			copy(dst[j*k.OutSize:(j+1)*k.OutSize], vals[i*k.OutSize:])
		}
	}
}

// scatter puts the values of a row where they belong in one that is clear, exceptions aside.
func (k *Kernel) scatter(dst []byte, s *sections, w *Scratch) {
	if k.To != nil {
		idx := k.mapped(s, w)
		vals := grow(&w.vals, s.n*k.OutSize)
		k.values(vals, s, w)
		scatter(k.OutSize, dst, idx, vals)
		return
	}
	table := k.table(s, w)
	if table == nil {
		vals, idx := grow(&w.vals, s.n*k.OutSize), w.columns(s.n)
		k.values(vals, s, w)
		walk := s.walk()
		walk.next(idx)
		scatter(k.OutSize, dst, idx, vals)
		return
	}
	switch k.OutSize {
	case 1:
		scatterCodes(dst, s, table)
	case 2:
		scatterCodes(view[uint16](dst), s, view[uint16](table))
	case 4:
		scatterCodes(view[uint32](dst), s, view[uint32](table))
	case 8:
		scatterCodes(view[uint64](dst), s, view[uint64](table))
	}
}

func scatterCodes[T word](dst []T, s *sections, table []T) {
	t, codes, w := (*[tableSize]T)(table), s.values[:len(s.gaps)], s.walk()
	c := -1
	for i, g := range s.gaps {
		if g == escape {
			c += w.escaped() + 1
		} else {
			c += int(int8(g)) + gapBias + 1
		}
		dst[c] = t[codes[i]]
	}
}
