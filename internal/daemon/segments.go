package daemon

import (
	"errors"
	"slices"
	"sync"

	"github.com/loaderd/loaderd/ipc"
)

// A segment is one shared memory file of a session, cut into frames.
type segment struct {
	id    int64
	ring  *ipc.Ring
	alloc *ipc.Allocator
	size  int64 // bytes that have pages
	held  int   // frames placed and not released
	last  bool  // no more frames are placed here; it goes with its last one
}

// A place is where a frame lies.
type place struct {
	seg  *segment
	base int64
	size int64
	// fresh is set for the first frame of a segment the client has not seen.
	fresh bool
}

func (p place) bytes() []byte { return p.seg.ring.Bytes()[p.base : p.base+p.size] }

// segments is the memory of one stream or getter: a current segment, and those that still hold frames.
type segments struct {
	mu      sync.Mutex // guards what follows
	next    int64
	current *segment
	all     map[*segment]struct{}
	placed  map[int64]place // by seq: what a release may name
	bytes   int64
	closed  bool
}

func newSegments() *segments {
	return &segments{all: make(map[*segment]struct{}), placed: make(map[int64]place)}
}

// grow makes a new segment of the given size and makes it the current one.
func (m *segments) grow(size int64) (*segment, error) {
	s, err := m.add(size)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.current; old != nil {
		old.last = true
		if old.held == 0 {
			m.drop(old)
		}
	}
	m.current = s
	return s, nil
}

// add makes a segment beside the current one.
func (m *segments) add(size int64) (*segment, error) {
	ring, err := ipc.NewRing(size)
	if err != nil {
		return nil, err
	}
	s := &segment{ring: ring, alloc: ipc.NewAllocator(size), size: size}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errors.Join(errGone, ring.Close())
	}
	s.id = m.next
	m.next++
	m.all[s] = struct{}{}
	m.bytes += size
	return s, nil
}

// place puts frame seq into the current segment, if there is room.
func (m *segments) place(seq, size int64) (place, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current == nil {
		return place{}, false
	}
	return m.placeIn(m.current, seq, size)
}

// placeAlone puts frame seq into a segment of its own.
func (m *segments) placeAlone(seq, size int64) (place, error) {
	s, err := m.add(size)
	if err != nil {
		return place{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p, _ := m.placeIn(s, seq, size)
	s.last, p.fresh = true, true
	return p, nil
}

func (m *segments) placeIn(s *segment, seq, size int64) (place, bool) {
	base, ok := s.alloc.Alloc(size)
	if !ok {
		return place{}, false
	}
	s.held++
	p := place{seg: s, base: base, size: size}
	m.placed[seq] = p
	return p, true
}

// free gives the frame's room back. It reports false for a seq that is not placed: released before, or never.
func (m *segments) free(seq int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.release(seq)
}

// release is free for who holds the lock.
func (m *segments) release(seq int64) bool {
	p, ok := m.placed[seq]
	if !ok {
		return false
	}
	delete(m.placed, seq)
	p.seg.alloc.Free(p.base)
	if p.seg.last && p.seg.size < p.seg.ring.Size() { // trimmed
		freed := ipc.FrameSize(p.size)
		p.seg.ring.PunchRange(p.base, freed)
		p.seg.size -= freed
		m.bytes -= freed
	}
	p.seg.held--
	if p.seg.last && p.seg.held == 0 {
		m.drop(p.seg)
	}
	return true
}

func (m *segments) drop(s *segment) {
	delete(m.all, s)
	m.bytes -= s.size
	if m.current == s {
		m.current = nil
	}
	s.ring.Close()
}

// keep releases all frames but those named, and gives back the pages that no frame takes: what a client holds of an ended
// stream then costs no more than itself.
func (m *segments) keep(seqs []int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for seq := range m.placed {
		if !slices.Contains(seqs, seq) {
			m.release(seq)
		}
	}
	for s := range m.all {
		s.last = true
		if s.held == 0 {
			m.drop(s)
			continue
		}
		m.bytes += s.alloc.InUse() - s.size
		s.size = s.alloc.InUse()
		s.alloc.Gaps(func(off, n int64) { s.ring.PunchRange(off, n) })
	}
}

// usage is the number of frames placed and the bytes of all segments.
func (m *segments) usage() (frames int, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.placed), m.bytes
}

// close unmaps everything. Call it when no worker writes any more. With punch the pages themselves are given
// back, whoever else still maps them: right when the client is dead and only its forgotten children are left.
func (m *segments) close(punch bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for s := range m.all {
		if punch {
			s.ring.Punch()
		}
		s.ring.Close()
		delete(m.all, s)
	}
	clear(m.placed)
	m.current, m.bytes = nil, 0
}
