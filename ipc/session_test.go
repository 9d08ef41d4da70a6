//go:build linux

package ipc

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
)

// next is the next batch of a stream, released at the end if not before.
func next(t *testing.T, s *Session) *Batch {
	t.Helper()
	b, err := s.Next(soon(t))
	check(t, err)
	t.Cleanup(b.Release)
	return b
}

func TestAStreamBringsEveryRowOnceAndEnds(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1001})
	for _, o := range []StartOptions{{BatchSize: 10}, {BatchSize: 7, Format: "csr"}, {BatchSize: 2000}, {BatchSize: 1, Position: 990}} {
		s, err := c.Start(soon(t), o)
		check(t, err)
		next, steps := o.Position, int64(0)
		for ; ; steps++ {
			b, err := s.Next(soon(t))
			if err == io.EOF {
				break
			}
			check(t, err)
			if b.Seq() != steps {
				t.Fatalf("seq %d, want %d", b.Seq(), steps)
			}
			var rows []int64
			for range b.N() {
				rows = append(rows, next)
				next++
			}
			wantRows(t, b, rows...)
			b.Release()
		}
		if next != 1001 || steps != s.Steps() || s.Frames() != 3 || s.RingSize() == 0 || len(s.Schema()) != 7 {
			t.Errorf("%+v: %d rows in %d of %d steps", o, next, steps, s.Steps())
		}
		if _, err := s.Next(soon(t)); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
		check(t, s.Close())
	}
}

func TestWhatIsHeldStaysAndTheStreamWaits(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1000})
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	var held []*Batch
	for range 3 {
		b := next(t, s)
		held = append(held, b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a fourth batch of three: %v", err)
	}
	for i, b := range held {
		wantRows(t, b, rowsFrom(int64(10*i), 10)...)
	}
	held[1].Release()
	held[1].Release() // nothing more
	b := next(t, s)
	wantRows(t, b, rowsFrom(30, 10)...)
	wantRows(t, held[0], rowsFrom(0, 10)...)
	wantRows(t, held[2], rowsFrom(20, 10)...)
}

func rowsFrom(first int64, n int) (rows []int64) {
	for i := range n {
		rows = append(rows, first+int64(i))
	}
	return rows
}

func TestABatchOutlivesItsStreamAndItsClient(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 100})
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	first, err := s.Next(soon(t))
	check(t, err)
	got, err := c.Get(soon(t), []int64{5, 6}, GetOptions{})
	check(t, err)
	other, err := c.Get(soon(t), []int64{7}, GetOptions{Format: "csr"}) // the dense segment is not in use any more
	check(t, err)
	wantRows(t, got, 5, 6)
	s2, err := c.Start(soon(t), StartOptions{BatchSize: 10, Position: 50})
	check(t, err)
	_, err = s.Next(soon(t))
	wantError(t, err, ErrClosed)
	second, err := s2.Next(soon(t))
	check(t, err)
	check(t, c.Close())
	wantRows(t, first, rowsFrom(0, 10)...)
	wantRows(t, second, rowsFrom(50, 10)...)
	wantRows(t, got, 5, 6)
	wantRows(t, other, 7)
	for _, b := range []*Batch{first, second, got, other} {
		b.Release()
	}
	_, err = first.Column("_idx")
	wantError(t, err, ErrClosed, "released")
	if first.Mask("cell_type") != nil {
		t.Error("a mask of a released batch")
	}
	_, err = s2.Next(soon(t))
	wantError(t, err, ErrClosed)
	_, err = c.Get(soon(t), nil, GetOptions{})
	wantError(t, err, ErrClosed)
}

func TestCloseOfASessionGivesBackWhatWasNotHandedOut(t *testing.T) {
	leak.Check(t)
	d := &FakeDaemon{Rows: 1000}
	var mu sync.Mutex
	released, ended := map[int64]bool{}, make(chan struct{})
	d.Answer = func(_ *Conn, op string, body []byte) bool {
		var m Release
		if Decode(body, &m) == nil && op == OpRelease {
			mu.Lock()
			for _, s := range m.Seqs {
				released[s] = true
			}
			mu.Unlock()
		}
		if op == OpStop {
			close(ended)
		}
		return false
	}
	c := opened(t, d)
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	b := next(t, s)
	waiting := make(chan error)
	check(t, s.Close())
	go func() { _, err := s.Next(soon(t)); waiting <- err }()
	wantError(t, <-waiting, ErrClosed)
	check(t, s.Close())
	<-ended
	wantRows(t, b, rowsFrom(0, 10)...)
	b.Release()
	s, err = c.Start(soon(t), StartOptions{BatchSize: 500})
	check(t, err)
	b = next(t, s)
	wantRows(t, b, rowsFrom(0, 500)...)
	mu.Lock()
	defer mu.Unlock()
	if !released[0] {
		t.Errorf("released %v", released)
	}
}

func TestAStreamThatFailsSaysSoInItsPlace(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1000, FailAt: 2})
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	for range 2 {
		b := next(t, s)
		b.Release()
	}
	for range 2 {
		_, err = s.Next(soon(t))
		wantError(t, err, ErrSourceChanged, "/a.h5ad")
	}
	if _, err := c.Status(soon(t)); err != nil {
		t.Errorf("the connection is gone, too: %v", err)
	}
}

func TestStartSaysWhatIsWrongWithIt(t *testing.T) {
	leak.Check(t)
	c := dialFake(t, &FakeDaemon{})
	_, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	wantError(t, err, ErrClosed, "before open")
	_, err = c.Get(soon(t), []int64{1}, GetOptions{})
	wantError(t, err, ErrClosed)
	if _, err := c.Open(soon(t), []string{"a"}, Spec{}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Start(soon(t), StartOptions{})
	wantError(t, err, ErrInvalidArgument, "batch_size")
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	b := next(t, s)
	wantRows(t, b, rowsFrom(0, 10)...)
}

func TestAStreamIsReplacedWhileItRuns(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1000})
	var last *Session
	for i := range int64(50) {
		s, err := c.Start(soon(t), StartOptions{BatchSize: 10, Position: i})
		check(t, err)
		if last != nil {
			_, err := last.Next(soon(t))
			wantError(t, err, ErrClosed)
		}
		last = s
		if i%2 == 0 {
			b := next(t, s)
			wantRows(t, b, rowsFrom(i, 10)...)
			if i%4 == 0 {
				b.Release()
			}
		}
	}
}

func TestAWriterOfABatchSpoilsNobodyElses(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1000})
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	for i := range int64(20) {
		b := next(t, s)
		wantRows(t, b, rowsFrom(10*i, 10)...)
		for k := range b.frame {
			b.frame[k] = 0xee
		}
		b.Release()
	}
}
