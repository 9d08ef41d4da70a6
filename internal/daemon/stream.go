package daemon

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// stream is one start…end. The planner goroutine decides what comes next and where it lies, the pool fills it,
// the announcer goroutine tells the client, in order. Releases come from the connection's reader.
type stream struct {
	gen   int64
	req   ipc.Start
	conn  *ipc.Conn
	pool  *pool
	stats *counters
	data  *dataset
	*course
	*encoding

	depth int   // frames agreed on
	most  int64 // bytes of the largest frame there can be
	mem   *segments
	lane  lane
	burst burst       // the announcer's
	ahead int         // the most frames that are planned and not announced
	queue chan *frame // planned, in order

	cancel context.CancelFunc
	ctx    context.Context
	group  *errgroup.Group

	mu       sync.Mutex // guards what follows
	room     *sync.Cond // signalled when a frame is released or announced
	inFlight int        // frames placed and not announced
	spare    []*frame   // frames whose message is out, for reuse

	sent     atomic.Int64 // the next seq to be announced
	released atomic.Int64
	oneOff   atomic.Int64
	waits    atomic.Int64 // times the planner found no room: the client is the slow one
}

// newStream checks the request, reserves the ring, and starts nothing yet.
func newStream(ctx context.Context, conn *ipc.Conn, pool *pool, total *counters, d *dataset, req ipc.Start) (*stream, error) {
	course, err := newCourse(d.coll.NObs(), &req)
	if err != nil {
		return nil, err
	}
	if req.Gen < 0 {
		return nil, negative("gen", req.Gen)
	}
	if req.Prefetch < 0 || req.Prefetch > maxFrames {
		return nil, invalid("start", "prefetch", fmt.Errorf("must be 0 (automatic) to %d, got %d", maxFrames, req.Prefetch))
	}
	enc, err := newEncoding(ctx, d.coll, req.Format, req.DType, mapped.EncoderOptions{MayPad: course.mayPad()})
	if err != nil {
		return nil, err
	}
	s := &stream{
		gen: req.Gen, req: req, course: course,
		conn: conn, pool: pool, stats: total, data: d, encoding: enc, mem: newSegments(),
	}
	s.room = sync.NewCond(&s.mu)
	s.most = ipc.FrameSize(enc.bound(s.rowsPerBatch()))
	s.depth = depthFor(req.Prefetch, s.most)
	if int64(s.depth)*s.most > largeRing {
		enc.enc = enc.enc.Streamed() // a third faster, for dense batches of 10 MB
	}
	if _, err := s.mem.grow(int64(s.depth) * s.most); err != nil {
		return nil, err
	}
	s.ahead = min(roamFactor*s.depth, max(ownFrames, aheadFactor*pool.workers))
	s.queue = make(chan *frame, s.ahead)
	return s, nil
}

// rowsPerBatch is the rows of a full batch, or of all there is.
func (s *stream) rowsPerBatch() int { return int(min(int64(s.first.BatchSize), s.first.N)) }

// started is the answer to start, and the ring that goes with it.
func (s *stream) started() (*ipc.Started, *ipc.Ring) {
	ring := s.mem.current.ring
	return &ipc.Started{
		Gen: s.gen, Schema: s.schema, Seg: s.mem.current.id, SegSize: int64(len(ring.Bytes())), FDs: 1,
		Frames: s.depth, Steps: s.first.Steps(), Next: s.next(), N: s.first.BatchSize,
	}, ring
}

// run starts the planner and the announcer. They end with the last batch, the first error, stop or ctx.
func (s *stream) run(ctx context.Context) {
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.group = new(errgroup.Group)
	s.group.Go(func() error { defer close(s.queue); return s.planner() })
	s.group.Go(s.announcer)
}

// halt ends the stream and returns when no goroutine touches its memory any more.
func (s *stream) halt() {
	s.cancel()
	s.group.Wait()
}

func (s *stream) planner() error {
	stop := context.AfterFunc(s.ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.room.Broadcast()
	})
	defer stop()
	for b := int64(0); ; b++ {
		f := s.newFrame(b)
		if f == nil {
			return nil
		}
		if err := s.place(f); err != nil {
			if s.ctx.Err() != nil {
				return nil
			}
			f.err.Store(&err)
			f.done = closedChan
			s.queue <- f
			return nil
		}
		s.begin(s.ctx, f, s.pool, &s.lane)
		s.queue <- f // has room for as many frames as can be out
	}
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// newFrame makes the frame of step b: its rows and its layout; nil after the last.
func (s *stream) newFrame(b int64) *frame {
	batch, order, ok := s.batch(b)
	if !ok {
		return nil
	}
	s.mu.Lock()
	var f *frame
	if k := len(s.spare); k > 0 {
		f, s.spare = s.spare[k-1], s.spare[:k-1]
	} else {
		f = new(frame)
	}
	s.mu.Unlock()
	f.seq, f.pad, f.end = b, batch.Pad, batch.End
	if cap(f.rows) < batch.N {
		f.rows = make([]int64, batch.N)
	}
	f.rows = f.rows[:batch.N]
	own := batch.N - batch.Pad
	order.Fill(f.rows[:own], batch.Pos, batch.Stride)
	for i := own; i < batch.N; i++ {
		f.rows[i] = order.At(batch.First)
	}
	s.measure(f)
	return f
}

// place finds room for f, waiting for the client as long as it holds what was agreed. When fewer frames
// are out than agreed, nothing is being filled, and f still does not fit, then the ring is in pieces: a segment
// for this one frame keeps the stream going.
func (s *stream) place(f *frame) error {
	size := roomFor(int64(f.size), s.most)
	s.mu.Lock()
	defer s.mu.Unlock()
	waited := false
	for s.ctx.Err() == nil {
		if s.inFlight >= s.ahead {
			s.room.Wait()
			continue
		}
		out, _ := s.mem.usage()
		if out < roamFactor*s.depth {
			if p, ok := s.mem.place(f.seq, size); ok {
				f.place = p
				s.inFlight++
				return nil
			}
		}
		if out < s.depth && s.inFlight == 0 {
			p, err := s.mem.placeAlone(f.seq, size)
			if err != nil {
				return err
			}
			f.place = p
			s.inFlight++
			s.oneOff.Add(1)
			s.stats.oneOff.Add(1)
			return nil
		}
		if !waited {
			waited = true
			s.waits.Add(1)
		}
		s.room.Wait()
	}
	return s.ctx.Err()
}

// announcer sends the frames in order as they are done, several in one write when several are.
func (s *stream) announcer() error {
	defer s.drain()
	for {
		f, err := s.nextDone()
		if err != nil {
			s.cancel()
			return err
		}
		if f == nil || s.ctx.Err() != nil {
			break
		}
		if err := f.outcome(); err != nil {
			s.cancel()
			s.stats.errors.Add(1)
			return s.conn.WriteMsg(atSeq(err, s.gen, f.seq))
		}
		if err := s.announce(f); err != nil {
			s.cancel()
			return err
		}
	}
	if s.ctx.Err() != nil {
		return nil
	}
	return s.conn.WriteMsg(&ipc.End{Gen: s.gen, Seq: s.sent.Load()})
}

// nextDone is the next frame in order, when it is done; nil after the last. Before it waits it lets the client have
// what is queued.
func (s *stream) nextDone() (*frame, error) {
	var f *frame
	select {
	case f = <-s.queue:
	default:
		if err := s.flush(); err != nil {
			return nil, err
		}
		f = <-s.queue
	}
	if f == nil {
		return nil, nil
	}
	select {
	case <-f.done:
	default:
		if s.burst.wait(f) {
			return f, nil
		}
		err := s.flush()
		<-f.done
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// flush lets the client have what is queued.
func (s *stream) flush() error {
	s.burst.held = 0
	return s.conn.Flush()
}

func (s *stream) announce(f *frame) (err error) {
	msg := f.message(s.gen)
	s.sent.Store(f.seq + 1) // before the client can answer
	if f.place.fresh {
		msg.SegSize, msg.FDs = int64(len(f.place.seg.ring.Bytes())), 1
		err = s.conn.WriteMsg(msg, f.place.seg.ring.File())
	} else {
		err = s.conn.Queue(msg)
		s.burst.add()
	}
	s.stats.batches.Add(1)
	s.stats.rows.Add(int64(f.n))
	s.stats.bytes.Add(int64(f.size))
	s.mu.Lock()
	s.inFlight--
	s.spare = append(s.spare, f)
	s.mu.Unlock()
	s.room.Signal()
	return err
}

// drain waits for the workers to leave every frame that was planned, announced or not.
func (s *stream) drain() {
	for f := range s.queue {
		<-f.done
	}
}

// release frees frames the client is done with. A seq that was never announced breaks the protocol; one that was
// released before is ignored.
func (s *stream) release(seqs []int64) error {
	for _, seq := range seqs {
		if seq < 0 || seq >= s.sent.Load() {
			return fmt.Errorf("%w: release of batch %d, which was not sent", errProtocol, seq)
		}
		if s.mem.free(seq) {
			s.released.Add(1)
		}
	}
	s.mu.Lock()
	s.room.Signal()
	s.mu.Unlock()
	return nil
}

// close frees the memory; the stream must be halted.
func (s *stream) close(punch bool) { s.mem.close(punch) }
