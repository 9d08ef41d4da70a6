package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// taskBytes is how much of a frame one task writes: small enough that two cores share the first batch,
// large enough that taking a task costs nothing beside it.
const taskBytes = 1 << 20

// A frame is one batch on its way: placed, filled by workers, announced. One goroutine prepares it and
// reads the outcome; workers only fill.
type frame struct {
	seq int64
	n   int
	pad int
	end int64 // position after its global batch

	rows []int64
	caps []int
	at   []int
	lens []int
	size int
	bufs [][]byte

	place place
	batch *mapped.Batch
	nnz   []int

	ctx  context.Context // ends when nobody wants the frame any more
	left atomic.Int64    // rows not yet filled
	err  atomic.Pointer[error]
	done chan struct{} // closed when the last row is filled, whatever came of it
}

// fail keeps the first error.
func (f *frame) fail(err error) { f.err.CompareAndSwap(nil, &err) }

// outcome is the error of a done frame.
func (f *frame) outcome() error {
	if p := f.err.Load(); p != nil {
		return *p
	}
	return nil
}

// fill writes rows [lo, hi) and, as the last to leave, finishes the frame.
func (f *frame) fill(s *mapped.Scratch, lo, hi int) {
	f.guard(func() error {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		if f.err.Load() != nil {
			return nil
		}
		return f.batch.Fill(f.ctx, s, lo, hi)
	})
	if f.left.Add(int64(lo-hi)) == 0 {
		f.finish()
	}
}

func (f *frame) finish() {
	if f.err.Load() == nil {
		f.guard(func() (err error) {
			f.nnz, err = f.batch.Finish()
			return err
		})
	}
	close(f.done)
}

// guard turns an error or a panic of fn into the frame's failure. A panic is a bug of ours, or a fault in
// memory that is not ours: either way it costs this batch, not the daemon.
func (f *frame) guard(fn func() error) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("panic while filling a batch", "seq", f.seq, "panic", r, "stack", string(debug.Stack()))
			f.fail(fmt.Errorf("%w: panic while filling batch %d: %v", errInternal, f.seq, r))
		}
	}()
	if err := fn(); err != nil {
		f.fail(err)
	}
}

// encoding is what the frames of one stream or getter have in common.
type encoding struct {
	enc    *mapped.Encoder
	schema ipc.Schema
}

// newEncoding waits until the collection's rows can be read.
func newEncoding(ctx context.Context, c *mapped.Collection, format, dtype string, o mapped.EncoderOptions) (*encoding, error) {
	f, err := mapped.ParseFormat(format)
	if err != nil {
		return nil, err
	}
	if err := c.Wait(ctx); err != nil {
		return nil, err
	}
	o.Format, o.DType = f, dtype
	enc, err := c.NewEncoder(o)
	if err != nil {
		return nil, err
	}
	return &encoding{enc: enc, schema: schemaOf(enc.Fields())}, nil
}

// bound is the size of the largest frame of n rows there can be.
func (e *encoding) bound(n int) int64 {
	_, _, size := e.schema.Layout(n, e.enc.MaxBounds(n))
	return int64(size)
}

// measure sets the layout of f for its rows.
func (e *encoding) measure(f *frame) {
	f.n = len(f.rows)
	f.caps = e.enc.Bounds(f.rows, f.caps[:0])
	f.at, f.lens, f.size = e.schema.AppendLayout(f.at[:0], f.lens[:0], f.n, f.caps)
}

// begin points f's buffers at its place and hands its rows to the workers.
func (e *encoding) begin(ctx context.Context, f *frame, p *pool, l *lane) {
	mem := f.place.bytes()
	f.bufs = f.bufs[:0]
	for i, at := range f.at {
		f.bufs = append(f.bufs, mem[at:at+f.lens[i]:at+f.lens[i]])
	}
	if f.batch == nil {
		f.batch = e.enc.NewBatch()
	}
	f.ctx = ctx
	f.err.Store(nil)
	f.done = make(chan struct{})
	f.left.Store(int64(f.n))
	f.guard(func() error { return f.batch.Begin(f.rows, f.pad, f.bufs, f.caps) })
	if f.n == 0 || f.err.Load() != nil {
		f.finish()
		return
	}
	p.submit(l, f, max(8, taskBytes/max(1, f.size/f.n)))
}

// message is the ready message of a done frame.
func (f *frame) message(gen int64) *ipc.Ready {
	return &ipc.Ready{
		Gen: gen, Seq: f.seq, N: f.n,
		Seg: f.place.seg.id, Base: f.place.base, Size: f.place.size,
		At: f.at, Var: f.nnz,
	}
}
