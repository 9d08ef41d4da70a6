package daemon

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/mapped"
)

// A task is a range of rows of one frame. It must not block on anything but I/O.
type task struct {
	frame  *frame
	lo, hi int
}

// A lane is one session's queue in the pool. Its fields are guarded by pool.mu.
type lane struct {
	tasks []task // FIFO, from head on
	head  int
	ready bool // in pool.turn
}

// pool runs the worker goroutines of the daemon. Lanes with work are served in turn, one task at a time,
// so that a session with many frames in flight takes no more of the machine than one with few.
type pool struct {
	workers int

	mu     sync.Mutex // guards what follows
	cond   *sync.Cond
	turn   []*lane // lanes with work, the next to be served first
	closed bool
}

func newPool(workers int) *pool {
	p := &pool{workers: workers}
	p.cond = sync.NewCond(&p.mu)
	return p
}

// run starts the workers in g. They leave when ctx ends, after the tasks that are queued by then: a queued
// task always runs (it finds its frame cancelled), so whoever waits for a frame never waits in vain.
func (p *pool) run(ctx context.Context, g *errgroup.Group) {
	for range p.workers {
		g.Go(func() error {
			p.work()
			return nil
		})
	}
	g.Go(func() error {
		<-ctx.Done()
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.cond.Broadcast()
		return nil
	})
}

func (p *pool) work() {
	scratch := mapped.NewScratch()
	for {
		t, ok := p.next()
		if !ok {
			return
		}
		t.frame.fill(scratch, t.lo, t.hi)
		// Those who plan, announce and read releases have their turn between tasks. Without it they would wait until no task is
		// left: Go takes a processor from who does not block after 10 ms only, in which a whole ring is filled.
		runtime.Gosched()
	}
}

// submit queues the row ranges of f, each at most rows long, in l.
func (p *pool) submit(l *lane, f *frame, rows int) {
	p.mu.Lock()
	if l.head > len(l.tasks)/2 { // a lane that never runs dry would grow for ever
		n := copy(l.tasks, l.tasks[l.head:])
		clear(l.tasks[n:])
		l.tasks, l.head = l.tasks[:n], 0
	}
	woken := 0
	for lo := 0; lo < f.n; lo += rows {
		l.tasks = append(l.tasks, task{f, lo, min(lo+rows, f.n)})
		woken++
	}
	if !l.ready && woken > 0 {
		l.ready = true
		p.turn = append(p.turn, l)
	}
	p.mu.Unlock()
	if woken == 1 {
		p.cond.Signal()
	} else if woken > 1 {
		p.cond.Broadcast()
	}
}

func (p *pool) next() (task, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.turn) == 0 {
		if p.closed {
			return task{}, false
		}
		p.cond.Wait()
	}
	l := p.turn[0]
	copy(p.turn, p.turn[1:])
	p.turn = p.turn[:len(p.turn)-1]
	t := l.tasks[l.head]
	l.tasks[l.head] = task{}
	l.head++
	if l.head == len(l.tasks) {
		l.tasks, l.head, l.ready = l.tasks[:0], 0, false
	} else {
		p.turn = append(p.turn, l)
	}
	return t, true
}
