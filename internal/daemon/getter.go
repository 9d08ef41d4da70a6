package daemon

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// getFrames is how many batches of the size last asked for a getter's segment holds: the one in the client's
// hands, the one before it, and two for clients that work on several at a time.
const getFrames = 4

// form is what the answers of one getter have in common.
type form struct {
	format, dtype string
	store         int // rows of this store alone, where stores differ in width; -1: of all
	own           bool
}

// formOf is the form in which the client asks for rows. Stores that were not joined may differ in width: rows of one
// of them are given as wide as they are there. If the client asks for it, they are as that store has them in other ways
// too.
func formOf(c *mapped.Collection, m *ipc.Get, rows []int64) form {
	f := form{m.Format, m.DType, -1, m.Own && c.OwnRows()}
	if len(rows) == 0 || m.Format != mapped.Dense.String() || !c.Uneven() && !f.own {
		return form{m.Format, m.DType, -1, false}
	}
	f.store = c.StoreOf(rows[0])
	for _, row := range rows[1:] {
		if c.StoreOf(row) != f.store {
			f.store, f.own = -1, false
			break
		}
	}
	return f
}

// getter answers get on one connection, in one form. The connection's reader goroutine is its only caller.
type getter struct {
	gen   int64
	form  form
	pool  *pool
	stats *counters
	*encoding

	mem   *segments
	lane  lane
	frame frame
	seq   int64
	known *segment // the last segment the client was told of
	sent  atomic.Int64
}

func newGetter(
	ctx context.Context, gen int64, pool *pool, total *counters, c *mapped.Collection, as form,
) (*getter, error) {
	var o mapped.EncoderOptions
	if as.store >= 0 {
		o.Store, o.Own = &as.store, as.own
	}
	enc, err := newEncoding(ctx, c, as.format, as.dtype, o)
	if err != nil {
		return nil, err
	}
	return &getter{gen: gen, form: as, pool: pool, stats: total, encoding: enc, mem: newSegments()}, nil
}

// get fills a frame with the rows, and returns its message and the segment's file where the client does not have it yet.
func (g *getter) get(ctx context.Context, id int64, rows []int64) (*ipc.Ready, *ipc.Ring, error) {
	f := &g.frame
	f.rows = rows
	g.measure(f)
	f.seq = g.seq
	if err := g.place(f); err != nil {
		return nil, nil, err
	}
	g.seq++
	g.begin(ctx, f, g.pool, &g.lane)
	<-f.done
	if err := f.outcome(); err != nil {
		g.mem.free(f.seq)
		return nil, nil, err
	}
	g.stats.gets.Add(1)
	g.stats.rows.Add(int64(f.n))
	g.stats.bytes.Add(int64(f.size))
	msg := f.message(g.gen)
	msg.ID = &id
	g.sent.Store(g.seq)
	if g.known == f.place.seg {
		return msg, nil, nil
	}
	if g.known == nil {
		msg.Schema = g.schema
	}
	g.known = f.place.seg
	msg.SegSize, msg.FDs = int64(len(g.known.ring.Bytes())), 1
	return msg, g.known.ring, nil
}

// rowsOf decodes and checks the rows of a get, into dst's memory.
func rowsOf(dst []int64, c *mapped.Collection, raw []byte) ([]int64, error) {
	rows, err := ipc.DecodeRows(dst, raw)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if n := c.NObs(); row < 0 || row >= n {
			return nil, &mapped.Error{
				Kind: mapped.ErrIndex, Stage: "get", Object: fmt.Sprint("row ", row),
				Hint: fmt.Sprintf("this collection has rows 0 to %d", n-1),
			}
		}
	}
	return rows, nil
}

// place finds room for f; a client that holds everything it got, or that asks for more rows than before, gets
// a new segment, sized for more of the same when the size is new.
func (g *getter) place(f *frame) error {
	size := ipc.FrameSize(int64(f.size))
	p, ok := g.mem.place(f.seq, size)
	if !ok {
		want := size
		if cur := g.mem.current; cur == nil || int64(len(cur.ring.Bytes())) < getFrames*size {
			want = getFrames * size
		}
		if _, err := g.mem.grow(want); err != nil {
			return err
		}
		p, _ = g.mem.place(f.seq, size)
	}
	f.place = p
	return nil
}

func (g *getter) release(seqs []int64) error {
	for _, seq := range seqs {
		if seq < 0 || seq >= g.sent.Load() {
			return fmt.Errorf("%w: release of frame %d, which was not sent", errProtocol, seq)
		}
		g.mem.free(seq)
	}
	return nil
}

func (g *getter) close(punch bool) { g.mem.close(punch) }
