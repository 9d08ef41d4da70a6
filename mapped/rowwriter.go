package mapped

import (
	"errors"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// rowWriter puts rows of a matrix into its table, canonical: columns ascending and each once. One goroutine works on it.
type rowWriter struct {
	table   *rowTable
	scratch *Scratch
}

// rowBuffers are a rowWriter's working memory, which a Scratch keeps.
type rowBuffers struct {
	rows    []int64
	records []byte
	record  []byte // a fragment
	raw     [2][]byte
	half    []byte
}

// flushBytes is how many bytes of records are written at a time.
const flushBytes = 1 << 20

// errNotStored says that the table takes no rows now, or that they would not be the source's.
var errNotStored = errors.New("rows cannot be stored")

// newRowWriter forgets what another one has not flushed.
func newRowWriter(t *rowTable, s *Scratch) *rowWriter {
	s.keep.rows, s.keep.records = s.keep.rows[:0], s.keep.records[:0]
	return &rowWriter{t, s}
}

func (w *rowWriter) buffers() *rowBuffers { return &w.scratch.keep }

// sparse writes a row as the file has it. A row that cannot be stored stays with the source, which says what is wrong.
func (w *rowWriter) sparse(row int64, rawIdx, vals []byte) error {
	t, s := w.table, w.scratch
	idx, d := w.columns(rawIdx, len(vals)/t.m.dtype().size()), t.m.dtype()
	switch {
	case !ascending(idx):
		var err error
		if idx, vals, err = t.plain.canonical(idx, vals, row, nil, t.m.cols, s); err != nil {
			t.refuse(extent{row, row + 1})
			return nil
		}
		if d == float16Type {
			if vals = w.halves(vals, len(idx)); vals == nil {
				t.refuse(extent{row, row + 1})
				return nil
			}
		}
	case len(idx) > 0 && int(idx[len(idx)-1]) >= t.m.cols:
		t.refuse(extent{row, row + 1})
		return nil
	}
	return w.add(row, func(dst []byte) ([]byte, error) {
		return rowstore.AppendSparse(dst, row, storedType(d), t.m.cols, idx, vals[:len(idx)*d.size()])
	})
}

// columns are a row's as int32; what does not fit is negative.
func (w *rowWriter) columns(raw []byte, n int) []int32 {
	if d := w.table.m.sparse.indices.elem.dtype; d != int32Type && d != uint32Type {
		idx := view[int32](grow(&w.scratch.idx, n*4))
		toIndices(idx, raw, d)
		return idx
	}
	return view[int32](raw)
}

// halves gives sums, which are float32, in the matrix's type; nil where one does not fit it.
func (w *rowWriter) halves(sums []byte, n int) []byte {
	out, back := grow(&w.buffers().half, n*2), grow(&w.scratch.widened, n*4)
	casterFor(float16Type, float32Type)(out, sums, n)
	casterFor(float32Type, float16Type)(back, out, n)
	for i, bits := range view[uint32](sums)[:n] {
		if view[uint32](back)[i] != bits {
			return nil
		}
	}
	return out
}

// dense writes a row of a dense matrix.
func (w *rowWriter) dense(row int64, vals []byte) error {
	return w.add(row, func(dst []byte) ([]byte, error) {
		return rowstore.AppendDense(dst, row, storedType(w.table.m.dtype()), vals)
	})
}

func (w *rowWriter) add(row int64, encode func(dst []byte) ([]byte, error)) error {
	b := w.buffers()
	records, err := encode(b.records)
	if err != nil {
		w.table.refuse(extent{row, row + 1})
		return nil
	}
	b.rows, b.records = append(b.rows, row), records
	if len(records) < flushBytes {
		return nil
	}
	return w.flush()
}

// flush writes what is encoded, unless the source has changed.
func (w *rowWriter) flush() error {
	b, t := w.buffers(), w.table
	rows, records := b.rows, b.records
	b.rows, b.records = b.rows[:0], b.records[:0]
	if len(rows) == 0 {
		return nil
	}
	if t.m.env.file.changed() != nil {
		return errNotStored
	}
	if err := t.table.Load().Append(rows, records); err != nil {
		if t.blocked() {
			t.forget()
			return errNotStored
		}
		return err
	}
	return nil
}

// drop gives up what a zone keeps.
func (w *rowWriter) drop(z *zone) { w.table.keeper.dropZone(z) }
