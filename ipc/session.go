package ipc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// StartOptions say which batches a [Session] brings. The zero value of each field but BatchSize is a default.
type StartOptions struct {
	BatchSize int    // rows of a batch, on this rank
	Order     string // "sequential" (default) or "shuffle"
	Seed      uint64
	Epoch     int64
	Position  int64 // in the epoch's order, where the stream begins
	DropLast  bool  // leave out a last batch that is not full
	Rank      int
	WorldSize int    // default 1
	Format    string // of the layers: "dense" (default) or "csr"
	DType     string // of the layers; default: the files' own
	Prefetch  int    // batches to have ready beside the one in hand; default: the daemon's choice
	Follow    bool   // go on with the next epoch, and the next, until the session is closed
}

// Session is one stream of batches: one epoch's order, or the rest of it. It ends with its client, or when the client starts
// another.
type Session struct {
	client *Client
	gen    int64
	began  chan error    // holds one: the answer to start
	news   chan struct{} // holds one: something below has changed

	// Set by the reader before began is answered, and constant then.
	arena *arena
	info  Started

	mu     sync.Mutex // guards what follows
	queue  []*Batch   // ready and not handed out
	err    error      // what Next says when the queue is empty; io.EOF after the last batch
	closed bool
}

// Start starts a stream, in place of the one before, and returns once its memory is mapped. Open comes first.
func (c *Client) Start(ctx context.Context, o StartOptions) (*Session, error) {
	s := &Session{client: c, gen: c.nextGen.Add(1) - 1, began: make(chan error, 1), news: make(chan struct{}, 1)}
	c.supersede(s)
	err := c.send(&Start{
		Gen: s.gen, Order: Order{Kind: cmp.Or(o.Order, "sequential"), Seed: o.Seed}, Epoch: o.Epoch, Position: o.Position,
		BatchSize: o.BatchSize, DropLast: o.DropLast, Rank: o.Rank, WorldSize: cmp.Or(o.WorldSize, 1),
		Format: cmp.Or(o.Format, "dense"), DType: o.DType, Prefetch: o.Prefetch, Follow: o.Follow,
	})
	if err == nil {
		select {
		case err = <-s.began:
		case <-ctx.Done():
			err = fmt.Errorf("wait for the stream to start: %w", context.Cause(ctx))
		case <-c.done:
			err = c.failure()
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// supersede makes s the client's session; the one before ends, and its memory goes with the last batch held.
func (c *Client) supersede(s *Session) {
	c.mu.Lock()
	old := c.session
	c.session = s
	c.mu.Unlock()
	if old != nil {
		old.finish(&Error{Code: CodeClosed, Stage: "session", Message: "the client has ended this stream, or begun another"})
		old.drop()
		if a := old.memory(); a != nil {
			a.end()
		}
	}
}

// Schema is the list of fields of each batch.
func (s *Session) Schema() Schema { return s.info.Schema }

// Steps is the number of batches of the epoch in which the stream begins, from where it does.
func (s *Session) Steps() int64 { return s.info.Steps }

// NextSteps is the number of batches of each epoch after it; 0 where the stream does not follow on.
func (s *Session) NextSteps() int64 { return s.info.Next }

// Frames is how many batches the daemon keeps ready or in the client's hands.
func (s *Session) Frames() int { return s.info.Frames }

// RingSize is the size of the stream's shared memory in bytes.
func (s *Session) RingSize() int64 { return s.info.SegSize }

// Next returns the next batch, which the caller has to release; io.EOF after the last. After any other error the stream has
// ended, unless the error is the context's.
func (s *Session) Next(ctx context.Context) (*Batch, error) {
	for {
		b, err := s.poll()
		if b != nil || err != nil {
			return b, err
		}
		select {
		case <-s.news:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for a batch: %w", context.Cause(ctx))
		case <-s.client.done:
			s.finish(s.client.failure())
		}
	}
}

// poll takes a batch that is there, or the reason why none comes.
func (s *Session) poll() (*Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &Error{Code: CodeClosed, Stage: "session", Message: "the session is closed"}
	}
	if len(s.queue) == 0 {
		return nil, s.err
	}
	b := s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	if len(s.queue) > 0 || s.err != nil {
		s.tell() // another goroutine may be waiting, too
	}
	return b, nil
}

// Close ends the stream early, and gives back what was not handed out. Batches in the caller's hands stay
// theirs. A second Close does nothing.
func (s *Session) Close() error {
	s.mu.Lock()
	was := s.closed || s.err != nil
	s.closed = true
	s.mu.Unlock()
	s.drop()
	s.tell()
	if !was {
		s.client.send(&Stop{Gen: s.gen}) // an error means that the connection has ended, and the stream with it
	}
	return nil
}

// drop gives back what was not handed out.
func (s *Session) drop() {
	s.mu.Lock()
	queue := s.queue
	s.queue = nil
	s.mu.Unlock()
	for _, b := range queue {
		b.Release()
	}
}

// finish notes why no more batches come; the first reason stays.
func (s *Session) finish(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	select {
	case s.began <- err: // it had not begun
	default:
	}
	s.tell()
}

// tell wakes a waiting Next.
func (s *Session) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *Session) memory() *arena {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.arena
}

// stream handles a message of stream gen. What is left of an earlier stream is dropped.
func (c *Client) stream(op string, gen int64, body []byte) error {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s == nil || s.gen != gen {
		return c.dropFD(op, body)
	}
	switch op {
	case OpStarted:
		return s.start(body)
	case OpReady:
		return s.ready(body)
	case OpEnd:
		s.end(io.EOF)
		return nil
	case OpError:
		e := new(Error)
		if err := Decode(body, e); err != nil {
			return err
		}
		s.end(e)
		return nil
	}
	return protocolErrorf("the daemon sends %q within a stream", op)
}

// start maps the ring.
func (s *Session) start(body []byte) error {
	var m Started
	if err := Decode(body, &m); err != nil {
		return err
	}
	if err := m.Schema.Validate(); err != nil {
		return err
	}
	a := newArena(s.gen, m.Schema)
	if err := s.client.segment(a, m.Seg, m.SegSize, m.FDs); err != nil {
		return err
	}
	s.client.mu.Lock()
	s.info, s.arena = m, a
	superseded := s.client.session != s
	s.client.mu.Unlock()
	if superseded {
		a.end()
	}
	select {
	case s.began <- nil:
	default:
	}
	return nil
}

// ready queues a batch, or gives it back when nobody wants it any more.
func (s *Session) ready(body []byte) error {
	a := s.memory()
	if a == nil {
		return protocolErrorf("ready before started, in gen %d", s.gen)
	}
	b, err := s.client.batch(body, a)
	if errors.Is(err, errEnded) {
		return nil
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	wanted := !s.closed && s.err == nil
	if wanted {
		s.queue = append(s.queue, b)
	}
	s.mu.Unlock()
	if !wanted {
		b.Release()
	}
	s.tell()
	return nil
}

// end is the daemon's last word on the stream.
func (s *Session) end(err error) {
	s.finish(err)
	if a := s.memory(); a != nil {
		a.end()
	}
}
