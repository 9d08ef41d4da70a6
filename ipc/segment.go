package ipc

import (
	"errors"
	"sync"

	"github.com/edsrzf/mmap-go"
)

// arena is the shared memory of one gen, and the schema by which it is read. The reader adds to it; batches hold it.
type arena struct {
	gen    int64
	schema Schema

	mu       sync.Mutex // guards what follows
	segments map[int64]*segment
	latest   *segment // where the daemon places a get's next frame
	ended    bool     // no more frames come
}

// errEnded is for a frame of a stream that the client has given up while the frame was on its way.
var errEnded = errors.New("the stream has ended")

// segment is one mapped file.
type segment struct {
	number int64
	mem    mmap.MMap
	held   int // batches that look into it
}

func newArena(gen int64, schema Schema) *arena {
	return &arena{gen: gen, schema: schema, segments: make(map[int64]*segment)}
}

// add takes a segment that has come.
func (m *arena) add(number int64, mem mmap.MMap) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return mem.Unmap()
	}
	if m.segments[number] != nil {
		mem.Unmap()
		return protocolErrorf("segment %d of gen %d comes twice", number, m.gen)
	}
	s := &segment{number: number, mem: mem}
	m.segments[number] = s
	old := m.latest
	m.latest = s
	if old != nil {
		m.tidy(old)
	}
	return nil
}

// hold takes the bytes of a frame, for one batch.
func (m *arena) hold(number, base, size int64) (*segment, []byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return nil, nil, errEnded
	}
	s := m.segments[number]
	if s == nil {
		return nil, nil, protocolErrorf("a frame in segment %d of gen %d, which is not there", number, m.gen)
	}
	if base < 0 || size < 0 || base%Align != 0 || base > int64(len(s.mem)) || size > int64(len(s.mem))-base {
		return nil, nil, protocolErrorf("a frame of %d bytes at %d in a segment of %d", size, base, len(s.mem))
	}
	s.held++
	return s, s.mem[base : base+size : base+size], nil
}

// release ends what hold began.
func (m *arena) release(s *segment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.held--
	m.tidy(s)
}

// end says that no more frames come.
func (m *arena) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	for _, s := range m.segments {
		m.tidy(s)
	}
}

// tidy unmaps s when nobody looks into it and nothing more comes there: always so at the end, else for all but
// a stream's ring and the latest segment of gets.
func (m *arena) tidy(s *segment) {
	inUse := m.gen >= 0 && s.number == 0 || m.gen < 0 && s == m.latest
	if s.held > 0 || inUse && !m.ended || s.mem == nil {
		return
	}
	s.mem.Unmap()
	delete(m.segments, s.number)
}
