package rowstore

import (
	"bytes"
	"math/bits"
	"sort"
)

// CSR writes the non-zeros of a row of the field: ascending columns to idx, and to vals as many elements, aligned. It
// returns how many they are, at most min(NNZ, Width), for which there must be room. Stored zeros of a sparse row are
// among them; zeros of a dense row, −0.0 too, are not. The row must have passed Check for a matrix of the kernel's.
func (k *Kernel) CSR(idx []int32, vals []byte, r Row, w *Scratch) int {
	s := k.sections(r)
	if k.To == nil && s.layout&(layoutDense|minusZeros) == 0 {
		s.columnsInto(idx[:s.n], k.Cols, k.Stream)
		k.values(vals, &s, w, k.Stream)
		k.patch(vals, &s, w)
		published(k.Stream)
		return s.n
	}
	cols, to := k.nonzeroColumns(&s, w)
	if k.To != nil && !k.Monotone {
		k.sort(idx[:s.n], cols, to, &s, w)
	} else if copy(idx, cols); to != nil {
		rename(idx[:s.n], to)
	}
	k.values(vals, &s, w, false)
	k.patchMapped(idx[:s.n], vals, &s, w)
	return s.n
}

// nonzeroColumns is keptColumns without the zeros of a row that was given as a dense one.
func (k *Kernel) nonzeroColumns(s *sections, w *Scratch) (idx, to []int32) {
	if s.layout&(layoutDense|minusZeros) != 0 {
		k.nonzeros(s, w)
		return w.idx[:s.n], nil
	}
	return k.keptColumns(s, w)
}

// patchMapped writes the exceptions over the values of their columns.
func (k *Kernel) patchMapped(idx []int32, vals []byte, s *sections, w *Scratch) {
	elements := k.exceptions(s, w)
	for i := range s.exceptions() {
		_, c := s.exception(i)
		j := k.target(c)
		if p := sort.Search(len(idx), func(i int) bool { return int(idx[i]) >= j }); p < len(idx) && int(idx[p]) == j {
			copy(vals[p*k.OutSize:(p+1)*k.OutSize], elements[i*k.OutSize:])
		}
	}
}

// nonzeros makes of s, which was given as a dense row, one of its non-zeros, with their columns of the field in w.idx.
func (k *Kernel) nonzeros(s *sections, w *Scratch) {
	size := s.dtype.Size()
	stored, idx := grow(&w.stored, s.n*size), w.columns(s.n)
	s.storedAll(stored)
	if s.layout&layoutDense != 0 {
		for c := range idx {
			idx[c] = int32(c)
		}
	} else {
		s.columnsInto(idx, k.Cols, false)
	}
	zero := s.dtype.negativeZero()
	switch size {
	case 1:
		s.n = compactNonzeros(idx, stored, k.To, 0)
	case 2:
		s.n = compactNonzeros(idx, view[uint16](stored), k.To, uint16(zero))
	case 4:
		s.n = compactNonzeros(idx, view[uint32](stored), k.To, uint32(zero))
	case 8:
		s.n = compactNonzeros(idx, view[uint64](stored), k.To, zero)
	}
	s.form, s.values = rawForm, stored[:s.n*size]
	s.positions, s.columns, s.elements = nil, nil, nil
}

// compactNonzeros keeps what is neither 0 nor minus and has a column in to.
func compactNonzeros[T word](idx []int32, vals []T, to []int32, minus T) int {
	n := 0
	for i, c := range idx {
		v, j := vals[i], c
		if to != nil {
			j = to[c]
		}
		idx[n], vals[n] = j, v
		if j >= 0 && v != 0 && v != minus {
			n++
		}
	}
	return n
}

// compact leaves in idx and in s the values of which the column is not below 0.
func (k *Kernel) compact(idx []int32, s *sections, w *Scratch) {
	size := s.form.size(s.dtype)
	values := realigned(s.values, size, &w.source)
	kept := grow(&w.kept, len(values))
	switch size {
	case 1:
		s.n = compact(idx, kept, values)
	case 2:
		s.n = compact(idx, view[uint16](kept), view[uint16](values))
	case 4:
		s.n = compact(idx, view[uint32](kept), view[uint32](values))
	case 8:
		s.n = compact(idx, view[uint64](kept), view[uint64](values))
	}
	s.values = kept[:s.n*size]
}

// compact does without branches, which would be guessed wrong as often as a column is kept.
func compact[T word](idx []int32, dst, src []T) int {
	dst, src = dst[:len(idx)], src[:len(idx)]
	n := 0
	for i, j := range idx {
		idx[n], dst[n] = j, src[i]
		n += int(^uint32(j) >> 31)
	}
	return n
}

// pick leaves in s the values at positions.
func (k *Kernel) pick(positions []int32, s *sections, w *Scratch) {
	size := s.form.size(s.dtype)
	values := realigned(s.values, size, &w.source)
	s.n = len(positions)
	kept := grow(&w.kept, s.n*size)
	switch size {
	case 1:
		gather(kept, positions, values)
	case 2:
		gather(view[uint16](kept), positions, view[uint16](values))
	case 4:
		gather(view[uint32](kept), positions, view[uint32](values))
	case 8:
		gather(view[uint64](kept), positions, view[uint64](values))
	}
	s.values = kept
}

// sort puts the values of s in the order of their columns of the field, and gives these: cols, mapped by to if it is not nil.
func (k *Kernel) sort(idx, cols, to []int32, s *sections, w *Scratch) {
	size := s.form.size(s.dtype)
	if drains() && size == 1 && bytes.IndexByte(s.values, 0) < 0 {
		k.sortCodes(idx, cols, to, s, w)
		return
	}
	if to != nil {
		rename(cols, to)
	}
	set := w.bitmap(k.Width)
	for _, j := range cols {
		set[j>>6] |= 1 << (j & 63)
	}
	emit(idx, set)
	values, byColumn := realigned(s.values, size, &w.source), grow(&w.byColumn, k.Width*size)
	s.values = grow(&w.sorted, s.n*size)
	switch size {
	case 1:
		permute(s.values, values, byColumn, cols, idx)
	case 2:
		permute(view[uint16](s.values), view[uint16](values), view[uint16](byColumn), cols, idx)
	case 4:
		permute(view[uint32](s.values), view[uint32](values), view[uint32](byColumn), cols, idx)
	case 8:
		permute(view[uint64](s.values), view[uint64](values), view[uint64](byColumn), cols, idx)
	}
}

// sortCodes is for codes of which none is 0: in a row of codes they mark their columns themselves.
func (k *Kernel) sortCodes(idx, cols, to []int32, s *sections, w *Scratch) {
	row, sorted := w.codes.take(k.Width), grow(&w.sorted, s.n+64)
	place(row, cols, s.values, to)
	drain(idx, sorted, row)
	w.codes.give()
	s.values = sorted[:s.n]
}

// permute puts values that stand as from does as to does.
func permute[T word](dst, values, byColumn []T, from, to []int32) {
	scatterWords(byColumn, from, values)
	gather(dst, to, byColumn)
}

// emitBits is emit without vectors.
func emitBits(idx []int32, set []uint64) {
	n := 0
	for w, word := range set {
		set[w] = 0
		for ; word != 0; word &= word - 1 {
			idx[n] = int32(w<<6 + bits.TrailingZeros64(word))
			n++
		}
	}
}

func gather[T word](dst []T, idx []int32, src []T) {
	dst = dst[:len(idx)]
	for i, c := range idx {
		dst[i] = src[c]
	}
}
