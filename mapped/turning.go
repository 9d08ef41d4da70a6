package mapped

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/errgroup"
)

// turning turns the CSC matrices of a collection into rows, one after another,
// in the background. The rows are in a file without a name that goes with the collection.
type turning struct {
	dir    string
	limits passLimits
	free   func(*os.File) (int64, bool)
	ctx    context.Context // ends with the collection
	end    context.CancelFunc
	group  errgroup.Group

	mu      sync.Mutex // guards what follows
	pending []*matrix
	working chan struct{} // closed at the end of the run in work; nil: none is
	err     error         // of the last run

	// Belong to the run in work, and to close when there is none.
	rows *tempFile
	used int64
}

func newTurning(dir string, l passLimits, pending []*matrix) *turning {
	t := &turning{dir: dir, limits: l, free: freeSpace, pending: pending}
	t.ctx, t.end = context.WithCancel(context.Background())
	return t
}

// start begins a run unless one is in work.
func (t *turning) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin()
}

// begin is start for who holds mu.
func (t *turning) begin() {
	if t.working != nil || len(t.pending) == 0 || t.ctx.Err() != nil {
		return
	}
	done, work := make(chan struct{}), t.pending
	t.working = done
	t.group.Go(func() error {
		n, err := t.run(work)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.pending, t.err, t.working = work[n:], err, nil
		close(done)
		return nil // wait reports it
	})
}

// wait returns when all matrices have their rows, or says why they will not. What
// the disk had no room for is tried again.
func (t *turning) wait(ctx context.Context) error {
	for retried := false; ; {
		t.mu.Lock()
		if t.working == nil && errors.Is(t.err, ErrNoSpace) && !retried {
			retried = true
			t.begin()
		}
		working, err, left := t.working, t.err, len(t.pending)
		t.mu.Unlock()
		switch {
		case t.ctx.Err() != nil:
			return errClosed()
		case working == nil && err != nil:
			return err
		case working == nil && left == 0:
			return nil
		}
		select {
		case <-working:
			retried = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run turns matrices until one fails, and says how many have their rows.
func (t *turning) run(work []*matrix) (n int, err error) {
	spilled, err := newTempFile(t.dir)
	if err != nil {
		return 0, err
	}
	defer spilled.close()
	if t.rows == nil {
		if t.rows, err = newTempFile(t.dir); err != nil {
			return 0, err
		}
	}
	for n, m := range work {
		if err := t.one(m, spilled); err != nil {
			return n, err
		}
	}
	return len(work), nil
}

func (t *turning) one(m *matrix, spilled *tempFile) error {
	if err := spilled.f.Truncate(0); err != nil {
		return tempError(t.dir, err)
	}
	if err := spilled.reserve(resultBytes(m)+spillBytes(m), t.free); err != nil {
		return err
	}
	bytes := resultBytes(m)
	if err := guarded(m, func() error { return newTransposer(m, t.limits, t.rows, t.used, spilled).run(t.ctx) }); err != nil {
		return err
	}
	t.used += bytes
	return nil
}

// close stops the work, waits for its end, and gives the file back.
func (t *turning) close() error {
	t.end()
	_ = t.group.Wait() // wait has reported it
	if t.rows == nil {
		return nil
	}
	return t.rows.close()
}

// guarded makes a panic of do an error: it costs this matrix and not the process.
func guarded(m *matrix, do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("panic while turning a matrix into rows", "object", m.object(), "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("%s: panic while turning a matrix into rows: %v", m.object(), r)
		}
	}()
	return do()
}

// Wait returns when the rows of CSC matrices can be read, with the reason when
// they cannot, or when ctx ends. Open begins to turn columns into rows in the
// background; making an encoder waits for it, without a context.
//
// It fails with ErrNoSpace when the disk has no room (another Wait tries again),
// ErrBadFile for values that contradict the matrix, ErrChanged, ErrClosed.
func (c *Collection) Wait(ctx context.Context) error {
	if c.turning == nil {
		return nil
	}
	return c.turning.wait(ctx)
}

// turn begins to turn the CSC matrices of the collection.
func (c *Collection) turn(l passLimits) {
	var pending []*matrix
	seen := make(map[*store]bool)
	for _, s := range c.stores {
		if seen[s] {
			continue
		}
		seen[s] = true
		for _, m := range append(append([]*matrix(nil), s.layers...), s.obsm...) {
			if m != nil && m.columns != nil {
				pending = append(pending, m)
			}
		}
	}
	if len(pending) > 0 {
		c.turning = newTurning(c.options.TempDir, l, pending)
		c.turning.start()
	}
}
