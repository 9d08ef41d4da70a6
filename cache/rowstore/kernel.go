package rowstore

import "fmt"

// KernelOptions say what a Kernel reads and writes.
type KernelOptions struct {
	Stored DType // elements of the rows
	Cols   int   // columns of the matrix, at most 2³¹−1

	OutSize int // bytes of an element of the field: 1, 2, 4 or 8

	// Cast turns n elements of Stored into n of the field; both are aligned and do not overlap. It must depend on nothing else
	// and turn an element without bits into one without bits. nil: the field has elements of Stored.
	Cast func(dst, src []byte, n int)

	// IntoFloat32 says that the field is float32 and Cast the usual conversion, so that integers need not pass through Stored.
	IntoFloat32 bool

	// To has the field's column of each column of the matrix, below 0: none. No two have the same. nil: columns stay.
	To []int32
	// Stream says that the batches of the field, as many as are in use at once, are larger than the processor's caches: rows
	// are then written past them, where that is possible.
	Stream bool

	// Monotone says that the columns in To, those below 0 aside, ascend.
	Monotone bool

	Width int // columns of the field
}

// A Kernel expands rows of one matrix into one field of a batch. It never changes and is shared by goroutines.
type Kernel struct {
	KernelOptions
	bytes codeTable // what bytes stand for, in the field
	kept  []uint64  // a bit for each column that To has; 64 bytes of zeros follow
	all   bool      // To has all
}

// NewKernel makes one. It panics on options that cannot be: an unknown type, a size that is none of 1, 2, 4 and 8 or, without
// Cast, not that of Stored, a map that is not as long as Cols or names a column beyond Width, without a map a Width
// that is not Cols.
func NewKernel(o KernelOptions) *Kernel {
	switch {
	case !o.Stored.valid():
		panic(fmt.Sprintf("rowstore: no kernel for type %d", o.Stored))
	case o.OutSize != 1 && o.OutSize != 2 && o.OutSize != 4 && o.OutSize != 8,
		o.Cast == nil && o.OutSize != o.Stored.Size():
		panic(fmt.Sprintf("rowstore: no kernel from %v to elements of %d bytes", o.Stored, o.OutSize))
	case o.To == nil && o.Width != o.Cols || o.To != nil && len(o.To) != o.Cols:
		panic(fmt.Sprintf("rowstore: a map of %d columns for %d, into %d", len(o.To), o.Cols, o.Width))
	}
	for _, j := range o.To {
		if int(j) >= o.Width {
			panic(fmt.Sprintf("rowstore: a map to column %d of %d", j, o.Width))
		}
	}
	o.IntoFloat32 = o.IntoFloat32 && o.OutSize == 4 && o.Stored != Bool
	k := &Kernel{KernelOptions: o}
	elements := alignedBytes(tableSize * o.OutSize)
	k.cast(elements, byteTables[o.Stored], tableSize)
	k.bytes = newCodeTable(elements, o.OutSize)
	if o.To == nil {
		return k
	}
	k.all, k.kept = true, make([]uint64, (o.Cols+63)/64+8)
	for c, j := range o.To {
		if j < 0 {
			k.all = false
		} else {
			k.kept[c>>6] |= 1 << (c & 63)
		}
	}
	return k
}

// Streamed is the kernel with the option Stream.
func (k *Kernel) Streamed() *Kernel {
	streamed := *k
	streamed.Stream = true
	return &streamed
}

// cast is Cast, or a copy.
func (k *Kernel) cast(dst, src []byte, n int) {
	if k.Cast == nil {
		copy(dst, src[:n*k.OutSize])
	} else {
		k.Cast(dst, src, n)
	}
}

// sections takes r apart, and panics on rows of another matrix before anything is written.
func (k *Kernel) sections(r Row) sections {
	s, ok := r.parse()
	if !ok || s.dtype != k.Stored || s.n > k.Cols || s.layout&layoutDense != 0 && s.n != k.Cols {
		panic(r.unreadable(fmt.Sprintf("rowstore: %d bytes that are no row of %d %v", len(r), k.Cols, k.Stored)))
	}
	return s
}

// target is the field's column of a column of the matrix.
func (k *Kernel) target(c int) int {
	if k.To == nil {
		return c
	}
	return int(k.To[c])
}

// table is what the codes of a row stand for in the field; not ok when its values are no codes.
func (k *Kernel) table(s *sections, w *Scratch) (t codeTable, ok bool) {
	switch {
	case s.form != byteForm && s.form != dictionaryForm:
		return codeTable{}, false
	case w.given.Elements != nil:
		return codeTable{elements: w.given.Elements, size: k.OutSize, most: w.given.Most}, true
	case s.form == byteForm:
		return k.bytes, true
	default:
		n := len(s.dictionary) / s.dtype.Size()
		out := grow(&w.table, tableSize*k.OutSize)
		clear(out[:k.OutSize])
		k.cast(out[k.OutSize:], realigned(s.dictionary, s.dtype.Size(), &w.raw), n)
		return codeTable{elements: out, size: k.OutSize, most: uint8(n)}, true
	}
}

// values writes the elements of a row, cast, to dst, exceptions aside.
func (k *Kernel) values(dst []byte, s *sections, w *Scratch, stream bool) {
	dst = dst[:s.n*k.OutSize]
	if t, ok := k.table(s, w); ok {
		t.bound(s.values)
		t.expand(dst, s.values, stream)
		return
	}
	switch {
	case s.form == rawForm && k.Cast == nil:
		copyElements(dst, realigned(s.values, k.OutSize, &w.source), k.OutSize, stream)
	case s.form == rawForm:
		k.Cast(dst, realigned(s.values, s.dtype.Size(), &w.source), s.n)
	case k.IntoFloat32:
		widenWords(Float32, dst, s.values, s.n)
	case k.Cast == nil:
		widenWords(s.dtype, dst, s.values, s.n)
	default:
		stored := grow(&w.stored, s.n*s.dtype.Size())
		widenWords(s.dtype, stored, s.values, s.n)
		k.Cast(dst, stored, s.n)
	}
}

// exceptions casts them.
func (k *Kernel) exceptions(s *sections, w *Scratch) []byte {
	n := s.exceptions()
	if n == 0 || w.given.Elements != nil {
		return w.given.Exceptions
	}
	out := grow(&w.elements, n*k.OutSize)
	k.cast(out, realigned(s.elements, s.dtype.Size(), &w.raw), n)
	return out
}

// patch writes the exceptions over values that stand as in the record.
func (k *Kernel) patch(vals []byte, s *sections, w *Scratch) {
	elements := k.exceptions(s, w)
	for i := range s.exceptions() {
		p, _ := s.exception(i)
		copy(vals[p*k.OutSize:(p+1)*k.OutSize], elements[i*k.OutSize:])
	}
}
