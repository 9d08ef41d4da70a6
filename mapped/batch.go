package mapped

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"
)

// Batch is one batch being written: Begin, then Fill for ranges of rows that
// together are all of them, on any goroutines, then Finish. It may then begin
// again; steady use allocates nothing.
type Batch struct {
	e    *Encoder
	rows []int64
	pad  int
	bufs [][]byte

	// Of each row: its store, and its row in the file.
	store []int32
	local []int64
	// touched lists the stores of the batch; seen marks them with generation gen.
	touched []int32
	seen    []uint32
	gen     uint32
	// read marks, with gen, the stores whose file was read and not the row store alone.
	read []atomic.Uint32
	// Rows sorted by store: see group.
	grouped []int64
	ends    []int
	slots   []int32

	csr []csrField
	nnz []int
}

// csrField places the rows of a csr field: row i may have bounds[i+1]-bounds[i]
// values. It has used[i] (-1 until it is filled), from at[i], which is at most
// bounds[i]: rows that are filled one after another lie close together, so that
// memory is touched for values and not for bounds.
type csrField struct {
	bounds []int
	at     []int
	used   []int32
}

// NewBatch makes a batch, to be used again and again.
func (e *Encoder) NewBatch() *Batch {
	n := len(e.c.stores)
	return &Batch{e: e, seen: make([]uint32, n), read: make([]atomic.Uint32, n), slots: make([]int32, n), csr: make([]csrField, len(e.csr))}
}

// Begin starts a batch of rows, the last pad of which only fill it up. bufs are
// the buffers of all fields in the order of the schema, each starting at a
// multiple of 8 bytes; those of csr field k have room for caps[k] values, at
// least what Bounds says. rows, bufs and caps belong to the batch until Finish.
//
// It fails with ErrIndex for a row outside the collection, ErrChanged for a file
// that changed, ErrInvalid for buffers that do not fit, ErrClosed after Close.
func (b *Batch) Begin(rows []int64, pad int, bufs [][]byte, caps []int) error {
	e := b.e
	if e.c.closed.Load() {
		return errClosed()
	}
	if pad < 0 || pad > len(rows) || pad > 0 && !e.mayPad {
		return fail(ErrInvalid, stageEncode, "pad", "", "%d of %d rows", pad, len(rows))
	}
	b.rows, b.pad, b.bufs = rows, pad, bufs
	err := b.locate()
	if err == nil {
		err = b.place(caps)
	}
	if err == nil {
		err = b.checkBuffers(caps)
	}
	if err == nil {
		err = b.changed(false)
	}
	if err != nil {
		b.rows = nil // nothing may be filled
		return err
	}
	b.prefetch()
	return nil
}

func errClosed() error {
	return fail(ErrClosed, stageRead, "collection", "open it again", "used after Close")
}

// locate finds store and row of each row.
func (b *Batch) locate() error {
	c := b.e.c
	b.store, b.local, b.touched = b.store[:0], b.local[:0], b.touched[:0]
	b.gen++
	for i, row := range b.rows {
		if row < 0 || row >= c.NObs() {
			return fail(ErrIndex, stageEncode, "rows", "", "row %d (at position %d) of a collection of %d rows", row, i, c.NObs())
		}
		s := c.storeOf(row)
		if b.e.only >= 0 && s != b.e.only {
			return fail(ErrInvalid, stageEncode, "rows", "", "row %d is of store %d, and this encoder for store %d", row, s, b.e.only)
		}
		b.store = append(b.store, int32(s))
		b.local = append(b.local, c.stores[s].row(row-c.starts[s]))
		if b.seen[s] != b.gen {
			b.seen[s] = b.gen
			b.touched = append(b.touched, int32(s))
		}
	}
	return nil
}

// place gives every row of the csr fields its room.
func (b *Batch) place(caps []int) error {
	if len(caps) != len(b.csr) {
		return fail(ErrInvalid, stageEncode, "caps", "", "%d bounds for %d csr fields", len(caps), len(b.csr))
	}
	for k := range b.csr {
		f, parts := &b.csr[k], b.e.plans[b.e.csr[k]].parts
		f.bounds, f.at, f.used = append(f.bounds[:0], 0), f.at[:0], f.used[:0]
		at := 0
		for i, s := range b.store {
			f.at = append(f.at, at)
			if p := parts[s]; p != nil {
				at += p.bound(b.local[i])
			}
			f.bounds, f.used = append(f.bounds, at), append(f.used, -1)
		}
		if at > caps[k] {
			return fail(ErrInvalid, stageEncode, "caps", "", "room for %d values where these rows may have %d", caps[k], at)
		}
		if at > math.MaxInt32 {
			return fail(ErrInvalid, stageEncode, "rows", "use a smaller batch", "%d values do not fit a csr field's int32 indptr", at)
		}
	}
	return nil
}

func (b *Batch) checkBuffers(caps []int) error {
	if len(b.bufs) != b.e.bufs {
		return fail(ErrInvalid, stageEncode, "bufs", "", "%d buffers for a schema with %d", len(b.bufs), b.e.bufs)
	}
	for i, buf := range b.bufs {
		if !aligned(buf, 8) {
			return fail(ErrInvalid, stageEncode, "bufs", "", "buffer %d does not start at a multiple of 8 bytes", i)
		}
	}
	n, k := len(b.rows), 0
	for i := range b.e.plans {
		p := &b.e.plans[i]
		need := [3]int{n * p.Width * p.dtype.size()}
		if p.Kind == KindCSR {
			need = [3]int{(n + 1) * 4, caps[k] * 4, caps[k] * p.dtype.size()}
			k++
		}
		for j := range p.Kind.Buffers() {
			if have := len(b.bufs[p.buf+j]); have < need[j] {
				return fail(ErrInvalid, stageEncode, "bufs", "", "buffer %d of field %q has %d bytes and needs %d", j, p.Name, have, need[j])
			}
		}
	}
	return nil
}

// changed looks at the files that the batch is of; those that were read, it looks at now.
func (b *Batch) changed(filled bool) error {
	now := time.Now()
	for _, s := range b.touched {
		env := b.e.c.stores[s].env
		if err := env.changed(now, filled && b.read[s].Load() == b.gen); err != nil {
			return env.readError("", err)
		}
	}
	return nil
}

// Fill writes rows [lo, hi) of the batch. Ranges that do not overlap may be
// filled at once, each with its own scratch.
//
// It fails with ErrBadFile for values that contradict the file, ErrChanged for a
// file that changed or was cut short, ErrClosed, or the context's error; of
// several rows in the range, for the first of a field.
func (b *Batch) Fill(ctx context.Context, s *Scratch, lo, hi int) error {
	if lo < 0 || hi < lo || hi > len(b.rows) {
		return fail(ErrInvalid, stageEncode, "rows", "", "range [%d, %d) of %d rows", lo, hi, len(b.rows))
	}
	s.job.batch, s.job.ctx, s.job.lo, s.job.hi = b, ctx, lo, hi
	return b.explain(b.e.c.useRows(s, s.bound()))
}

// fill writes the rows [lo, hi) of all fields.
func (b *Batch) fill(ctx context.Context, s *Scratch, lo, hi int) error {
	csr := 0
	for i := range b.e.plans {
		p := &b.e.plans[i]
		var err error
		switch {
		case p.filled:
		case p.rank != nil:
			err = b.fillRows(ctx, p, s, lo, hi)
		case p.Kind == KindCSR:
			err = b.fillCSR(ctx, p, &b.csr[csr], s, lo, hi)
			csr++
		case p.Kind == KindDense:
			err = b.fillDense(ctx, p, s, lo, hi)
		case p.Kind == KindMask:
			b.fillMask(p, lo, hi)
		case p.column != nil:
			b.fillColumn(p, lo, hi)
		default:
			b.fillNumber(p, lo, hi)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// explain says "closed" when that is why a read failed.
func (b *Batch) explain(err error) error {
	if err != nil && b.e.c.closed.Load() && !errors.Is(err, context.Canceled) {
		return errClosed()
	}
	return err
}

func (b *Batch) fillDense(ctx context.Context, p *plan, s *Scratch, lo, hi int) error {
	stride := p.Width * p.dtype.size()
	buf := b.bufs[p.buf]
	found, err := b.find(ctx, p, s, lo, hi)
	if err != nil {
		return err
	}
	for i := lo; i < hi; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := buf[i*stride : (i+1)*stride]
		part := p.parts[b.store[i]]
		if part == nil {
			p.absent(row)
			continue
		}
		if err := part.writeDense(row, b.local[i], found[i-lo], s); err != nil {
			return err
		}
		s.release(b.e.c.cache)
	}
	return nil
}

// fillRows writes tokens row by row.
func (b *Batch) fillRows(ctx context.Context, p *plan, s *Scratch, lo, hi int) error {
	found, err := b.find(ctx, p, s, lo, hi)
	if err != nil {
		return err
	}
	for i := lo; i < hi; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.fillTokens(p, i, found[i-lo], s); err != nil {
			return err
		}
		s.release(b.e.c.cache)
	}
	return nil
}

func (b *Batch) fillCSR(ctx context.Context, p *plan, f *csrField, s *Scratch, lo, hi int) error {
	size := p.dtype.size()
	idx, vals := b.bufs[p.buf+1], b.bufs[p.buf+2]
	found, err := b.find(ctx, p, s, lo, hi)
	if err != nil {
		return err
	}
	at := f.bounds[lo]
	for i := lo; i < hi; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		f.at[i] = at
		part := p.parts[b.store[i]]
		if part == nil {
			f.used[i] = 0
			continue
		}
		if k := i + 1 - lo; k < len(found) && found[k] != nil {
			found[k].Prefetch() // a tenth of the time; dense rows, which have more to write than to read, it would cost as much
		}
		from, to := at, at+f.bounds[i+1]-f.bounds[i]
		room := idx[from*4 : to*4]
		n, err := part.writeSparse(view[int32](room), room, vals[from*size:to*size], b.local[i], found[i-lo], s)
		if err != nil {
			return err
		}
		s.release(b.e.c.cache)
		f.used[i] = int32(n)
		at += n
	}
	return nil
}

// fillNumber writes _store_idx or _idx.
func (b *Batch) fillNumber(p *plan, lo, hi int) {
	out := view[int64](b.bufs[p.buf])
	if p.Name == idxName {
		copy(out[lo:hi], b.rows[lo:hi])
		return
	}
	for i := lo; i < hi; i++ {
		out[i] = int64(b.store[i])
	}
}

// Finish ends the batch after every Fill has returned: it closes the gaps that
// bounds left, writes the indptr of csr fields and gives their numbers of values,
// valid until the next Begin. It fails with ErrChanged when a file changed while
// the batch was filled: what was read is then not to be trusted.
func (b *Batch) Finish() (nnz []int, err error) {
	if err := b.changed(true); err != nil {
		return nil, b.explain(err)
	}
	b.nnz = b.nnz[:0]
	for k := range b.csr {
		n, err := b.closeGaps(&b.e.plans[b.e.csr[k]], &b.csr[k])
		if err != nil {
			return nil, err
		}
		b.nnz = append(b.nnz, n)
	}
	b.rows, b.bufs = nil, nil
	return b.nnz, nil
}

func (b *Batch) closeGaps(p *plan, f *csrField) (int, error) {
	size := p.dtype.size()
	indptr, idx, vals := view[int32](b.bufs[p.buf]), b.bufs[p.buf+1], b.bufs[p.buf+2]
	indptr[0] = 0
	at := 0
	for i, used := range f.used {
		if used < 0 {
			return 0, fail(ErrInvalid, stageEncode, "rows", "call Fill for all rows before Finish", "row %d of the batch was not filled", i)
		}
		n := int(used)
		if from := f.at[i]; from != at {
			copy(idx[at*4:(at+n)*4], idx[from*4:(from+n)*4])
			copy(vals[at*size:(at+n)*size], vals[from*size:(from+n)*size])
		}
		at += n
		indptr[i+1] = int32(at)
	}
	return at, nil
}
