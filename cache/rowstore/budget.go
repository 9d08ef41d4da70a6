package rowstore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"sync"
	"time"
)

const (
	keepFree     = 10 // the part of the file system that stays free where nobody asked for a number of bytes: one tenth
	defaultShare = 25 // per cent of the free space
	unknownShare = 8 << 30

	countEvery = 10 * time.Second
	usageEvery = time.Second // where a person may be looking
)

// budget knows how much the folder holds. Other processes write there too, so it counts what is on disk, now and then, and adds in
// between what this one reserves.
type budget struct {
	asked int64 // 0: a share of what is free
	share int64 // in per cent; 0: the default

	mu      sync.Mutex // guards what follows
	held    int64
	ceiling int64 // what the folder held when a quota was used up, which the disk does not tell of; 0: none was
	counted time.Time
	took    time.Duration // to count
}

// allowed is how many bytes the folder may hold when it holds that many. What it holds is counted as free: the
// result does not change as the folder grows.
func (b *budget) allowed(sp diskSpace, held int64) int64 {
	allowed := cmp.Or(b.asked, unknownShare)
	if there := sp.free + held; sp.size > 0 && b.asked > 0 {
		allowed = min(allowed, there)
	} else if sp.size > 0 {
		allowed = min(there-sp.size/keepFree, there*cmp.Or(b.share, defaultShare)/100)
	}
	return max(0, min(allowed, cmp.Or(b.ceiling, math.MaxInt64)))
}

// stop ends the growth of the folder: what it holds is all that a quota leaves it.
func (b *budget) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ceiling = max(1, b.held)
}

// give takes back bytes that were reserved and are not used.
func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = max(0, b.held-n)
}

// count looks how much the folder holds, if that was not done for so long. Counting a large folder takes time, so that it is done
// less often. b.mu is held.
func (s *Store) count(every time.Duration) {
	b, now := &s.budget, s.sys.now()
	if every > 0 && !b.counted.IsZero() && now.Sub(b.counted) < max(every, 50*b.took) {
		return
	}
	b.held = diskUsage(s.root)
	b.counted, b.took = now, s.sys.now().Sub(now)
}

// reserve takes n bytes of the budget, and removes tables that nobody uses where that makes room. The error wraps ErrFull.
func (s *Store) reserve(n int64) error {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.count(countEvery)
	sp, err := s.sys.space(s.root)
	if isGone(err) { // somebody has removed the folder
		if err = s.makeRoot(); err == nil {
			sp, err = s.sys.space(s.root)
		}
	}
	if err != nil {
		return fmt.Errorf("space of %s: %w", s.root, err)
	}
	lacks := func() int64 { return s.budget.held + n - s.budget.allowed(sp, s.budget.held) }
	if lacks() <= 0 {
		s.budget.held += n
		return nil
	}
	if s.evict(lacks()) {
		s.count(0)
		if sp, err = s.sys.space(s.root); err != nil {
			return fmt.Errorf("space of %s: %w", s.root, err)
		}
	}
	if lacks() <= 0 {
		s.budget.held += n
		return nil
	}
	return fmt.Errorf("%w: it holds %d MB of the %d MB it may hold; %d MB of %d are free on its disk", ErrFull,
		s.budget.held/1e6, s.budget.allowed(sp, s.budget.held)/1e6, sp.free/1e6, sp.size/1e6)
}

// diskUsage is how many bytes the files of a folder take. Files that go meanwhile do not count.
func diskUsage(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if fi, err := e.Info(); err == nil && fi.Mode().IsRegular() {
			bytes += blocksOf(fi)
		}
		return nil
	})
	return bytes
}

// StoreUsage is what a store takes of its disk, in bytes.
type StoreUsage struct {
	Dir     string
	Bytes   int64 // all that the folder holds, also of other processes
	Allowed int64 // what it may hold, as things are now
	Free    int64 // on its disk
}

// Usage is what the store holds, counted a second ago at most, or less often where that takes long.
func (s *Store) Usage() StoreUsage {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.count(usageEvery)
	u := StoreUsage{Dir: s.dir, Bytes: s.budget.held}
	sp, err := s.sys.space(s.root)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return u
	}
	u.Allowed, u.Free = s.budget.allowed(sp, u.Bytes), sp.free
	return u
}
