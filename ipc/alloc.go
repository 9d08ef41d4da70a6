package ipc

import (
	"fmt"
	"slices"
)

// FrameAlign is what an [Allocator] places frames at: a page, so that no two frames share one. A page of a frame can then be
// given back, pinned or protected without touching another. It is a multiple of [Align].
const FrameAlign = 4096

// FrameSize is the room a frame of n bytes takes in an [Allocator]: a ring for k such frames has k·FrameSize(n) bytes.
func FrameSize(n int64) int64 { return max(1, (n+FrameAlign-1)/FrameAlign) * FrameAlign }

// Allocator cuts a range of bytes into frames: the lowest gap that fits. That keeps the touched memory as small as the
// frames in use, so that it stays in the last-level cache. It is not safe for concurrent use.
type Allocator struct {
	size  int64
	used  int64
	gaps  []span          // sorted by offset, not empty, no two adjacent
	taken map[int64]int64 // offset to length
}

// span is [at, end).
type span struct{ at, end int64 }

// NewAllocator manages size bytes, rounded down to [FrameAlign].
func NewAllocator(size int64) *Allocator {
	a := &Allocator{size: max(0, size) / FrameAlign * FrameAlign, taken: make(map[int64]int64)}
	if a.size > 0 {
		a.gaps = []span{{0, a.size}}
	}
	return a
}

// Alloc takes n bytes at the lowest offset where they fit. The offset is a multiple of [FrameAlign]; no bytes take the room of
// one. False: no gap is large enough.
func (a *Allocator) Alloc(n int64) (off int64, ok bool) {
	if n < 0 || n > a.size {
		return 0, false
	}
	n = FrameSize(n)
	for i, g := range a.gaps {
		if g.end-g.at < n {
			continue
		}
		if g.end-g.at == n {
			a.gaps = slices.Delete(a.gaps, i, i+1)
		} else {
			a.gaps[i].at += n
		}
		a.taken[g.at] = n
		a.used += n
		return g.at, true
	}
	return 0, false
}

// Gaps calls fn with the offset and length of every gap, in order.
func (a *Allocator) Gaps(fn func(off, n int64)) {
	for _, g := range a.gaps {
		fn(g.at, g.end-g.at)
	}
}

// Free gives back what Alloc returned at off. False: nothing is taken there.
func (a *Allocator) Free(off int64) bool {
	n, ok := a.taken[off]
	if !ok {
		return false
	}
	delete(a.taken, off)
	a.used -= n
	i, _ := slices.BinarySearchFunc(a.gaps, off, func(g span, off int64) int { return int(min(1, max(-1, g.at-off))) })
	joinsLeft := i > 0 && a.gaps[i-1].end == off
	joinsRight := i < len(a.gaps) && a.gaps[i].at == off+n
	switch {
	case joinsLeft && joinsRight:
		a.gaps[i-1].end = a.gaps[i].end
		a.gaps = slices.Delete(a.gaps, i, i+1)
	case joinsLeft:
		a.gaps[i-1].end = off + n
	case joinsRight:
		a.gaps[i].at = off
	default:
		a.gaps = slices.Insert(a.gaps, i, span{off, off + n})
	}
	return true
}

// InUse is the number of bytes taken, rounded up as [FrameSize] does.
func (a *Allocator) InUse() int64 { return a.used }

// Size is the number of bytes managed.
func (a *Allocator) Size() int64 { return a.size }

// Frames is the number of frames taken.
func (a *Allocator) Frames() int { return len(a.taken) }

// String is for messages and tests: what is taken and where the gaps are.
func (a *Allocator) String() string {
	return fmt.Sprintf("%d of %d bytes in %d frames, gaps %v", a.used, a.size, len(a.taken), a.gaps)
}
