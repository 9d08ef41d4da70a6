package registry

import (
	"context"
	"sync"
	"time"
)

// leaseTimes say how a lease is held.
type leaseTimes struct {
	beat  time.Duration // how often the holder says that it lives, and looks whether others wait
	stale time.Duration // how long a holder may be silent before it counts as dead
	keep  time.Duration // how long an unused lease is kept
	share time.Duration // how long a used one is kept while others wait
}

var defaultLeaseTimes = leaseTimes{beat: time.Second, stale: 30 * time.Second, keep: time.Second, share: 2 * time.Second}

// lease is the right to a database on a network file system, of which one process at a time has it. While it is not held, the file
// is closed: what another process wrote is then seen whatever the file system keeps in memory.
type lease struct {
	db    *DB
	kind  string // of the file system
	times leaseTimes
	files leaseFiles
	turn  chan struct{} // holds one: whoever has taken it may change the pools

	mu      sync.Mutex // guards what follows
	pools   *pools     // nil: not held
	users   int
	since   time.Time // when it was acquired
	used    time.Time // when the last user left
	beaten  time.Time // when the last sign of life was written
	waited  bool      // others wait: no user is let in any more
	closed  bool
	release chan struct{} // closed when it is given up
	timer   *time.Timer
}

func newLease(db *DB, kind string) *lease {
	l := &lease{db: db, kind: kind, times: db.opt.times, turn: make(chan struct{}, 1), files: newLeaseFiles(db.path)}
	if l.times == (leaseTimes{}) {
		l.times = defaultLeaseTimes
	}
	l.turn <- struct{}{}
	return l
}

// enter waits until the lease is ours, and gives the connections.
func (l *lease) enter(ctx context.Context) (*pools, func(), error) {
	for {
		p, wait, err := l.join()
		if p != nil || err != nil {
			return p, l.leave, err
		}
		if wait != nil { // given up for others, who are let before us
			select {
			case <-wait:
			case <-ctx.Done():
				return nil, nil, context.Cause(ctx)
			}
			if err := pause(ctx, 2*pollEvery); err != nil {
				return nil, nil, err
			}
		}
		if err := l.acquire(ctx); err != nil {
			return nil, nil, err
		}
	}
}

// join gives the connections, if the lease is held; or, if it is about to be given up, what to wait for.
func (l *lease) join() (*pools, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, nil, fail(ErrClosed, "registry", l.db.path, "", "it was closed")
	case l.pools == nil:
		return nil, nil, nil
	case l.waited:
		return nil, l.release, nil
	}
	if time.Since(l.beaten) > l.times.stale/2 && !l.files.mine() { // this process stood still, and counts as dead
		l.drop()
		return nil, nil, nil
	}
	l.users++
	return l.pools, nil, nil
}

// check is the error that the lease went to somebody else while the connections were used: this process stood still, and counts as dead.
// What it is about to commit was made of what the file held before.
func (l *lease) check(p *pools) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pools == p && (time.Since(l.beaten) <= l.times.stale/2 || l.files.mine()) {
		return nil
	}
	return fail(ErrHeld, "lease", l.db.path, "do it again", "this process stood still for so long that another one may write into the database by now")
}

func (l *lease) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users--
	l.used = time.Now()
	if l.users == 0 && l.waited {
		l.giveUp()
	}
}

// acquire takes the lease and opens the file, unless somebody of this process has done so.
func (l *lease) acquire(ctx context.Context) error {
	select {
	case <-l.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { l.turn <- struct{}{} }()
	l.mu.Lock()
	held, closed := l.pools != nil, l.closed
	l.mu.Unlock()
	if held || closed {
		return nil
	}
	if err := l.files.acquire(ctx, l.times.stale, l.db.opt.Patience, l.kind); err != nil {
		return err
	}
	p, err := l.db.connect(ctx)
	if err != nil {
		l.files.free()
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.pools, l.since, l.used, l.beaten, l.release = p, now, now, now, make(chan struct{})
	l.timer = time.AfterFunc(l.times.beat, l.tick)
	if l.closed {
		l.giveUp()
	}
	return nil
}

// tick says that we live, and gives up a lease that is not used, or that others have waited for.
func (l *lease) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pools == nil {
		return
	}
	now := time.Now()
	switch {
	case !l.files.beat():
		l.drop()
		return
	case l.users == 0 && now.Sub(l.used) >= l.times.keep:
		l.giveUp()
		return
	case now.Sub(l.since) >= l.times.share && l.files.wanted():
		if l.waited = true; l.users == 0 {
			l.giveUp()
			return
		}
	}
	l.beaten = now
	l.timer.Reset(l.times.beat)
}

// giveUp closes the file and lets others have it. The caller holds mu.
func (l *lease) giveUp() {
	l.drop()
	l.files.free()
}

// drop closes the file of a lease that is no more ours. The caller holds mu.
func (l *lease) drop() {
	if l.pools == nil {
		return
	}
	l.timer.Stop()
	_ = l.pools.close() // what was committed is on disk
	l.pools, l.waited = nil, false
	close(l.release)
}

// close gives the lease up for good, after the calls that run.
func (l *lease) close() error {
	<-l.turn
	defer func() { l.turn <- struct{}{} }()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.pools == nil {
		return nil
	}
	if l.users > 0 {
		l.waited = true // the last one to leave gives it up
		release := l.release
		l.mu.Unlock()
		<-release
		l.mu.Lock()
		return nil
	}
	l.giveUp()
	return nil
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
