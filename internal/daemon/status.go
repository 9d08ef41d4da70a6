package daemon

import (
	"cmp"
	"encoding/hex"
	"os"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"time"

	"github.com/loaderd/loaderd/internal/build"
	"github.com/loaderd/loaderd/ipc"
)

// counters run from the daemon's start.
type counters struct {
	batches, gets, rows, bytes, oneOff, errors atomic.Int64
}

func (c *conn) sendStats(m *ipc.StatsRequest) error {
	out := c.streamStats()
	if out == nil {
		out = &ipc.Stats{Gen: -1}
	}
	out.ID = m.ID
	return c.wire.WriteMsg(out)
}

func (c *conn) sendStatus(m *ipc.StatusRequest) error {
	out := c.server.status()
	out.ID = m.ID
	return c.wire.WriteMsg(out)
}

// streamStats is nil without a stream. Any goroutine may call it.
func (c *conn) streamStats() *ipc.Stats {
	c.mu.Lock()
	st := c.stream
	c.mu.Unlock()
	if st == nil {
		return nil
	}
	inUse, bytes := st.mem.usage()
	return &ipc.Stats{
		Gen: st.gen, Epoch: st.req.Epoch, Steps: st.first.Steps(), Sent: st.sent.Load(), Released: st.released.Load(),
		Frames: st.depth, InUse: inUse, RingBytes: bytes, OneOff: st.oneOff.Load(), Waits: st.waits.Load(),
	}
}

// session is the connection's line in the status, and the shared memory it has.
func (c *conn) session(now time.Time) (out ipc.SessionStatus, bytes int64) {
	c.mu.Lock()
	out = ipc.SessionStatus{Session: c.id, PID: c.pid, Client: c.client, Age: now.Sub(c.since).Seconds()}
	if c.data != nil {
		hash := c.data.coll.Hash()
		out.Hash = hex.EncodeToString(hash[:])
	}
	if c.getter != nil {
		_, bytes = c.getter.mem.usage()
	}
	c.mu.Unlock()
	if out.Stream = c.streamStats(); out.Stream != nil {
		bytes += out.Stream.RingBytes
	}
	return out, bytes
}

// status is what the daemon says of itself.
func (s *Server) status() *ipc.Status {
	now := time.Now()
	log, _ := ipc.LogPath(s.opt.Socket) // shown where known
	out := &ipc.Status{
		PID: os.Getpid(), Build: build.Version, Protocol: [2]int{ipc.Major, ipc.Minor},
		Socket: s.opt.Socket, Log: log, Uptime: now.Sub(s.started).Seconds(),
		IdleStop: s.opt.IdleTimeout.Seconds(), Workers: s.opt.Workers,
		Batches: s.total.batches.Load(), Gets: s.total.gets.Load(), Rows: s.total.rows.Load(), Bytes: s.total.bytes.Load(),
		OneOff: s.total.oneOff.Load(), Errors: s.total.errors.Load(), HeapBytes: heapBytes(), RowStore: s.rows.status(),
		Collections: []ipc.CollectionStatus{}, Sessions: []ipc.SessionStatus{},
	}
	for _, d := range s.data.list() {
		hash := d.coll.Hash()
		out.Collections = append(out.Collections, ipc.CollectionStatus{
			Hash: hex.EncodeToString(hash[:]), Paths: d.paths, NObs: d.coll.NObs(), Users: d.refs,
		})
	}
	slices.SortFunc(out.Collections, func(a, b ipc.CollectionStatus) int {
		return cmp.Or(cmp.Compare(a.Hash, b.Hash), slices.Compare(a.Paths, b.Paths))
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) == 0 {
		out.Idle = now.Sub(s.quiet).Seconds()
	}
	for c := range s.conns {
		line, bytes := c.session(now)
		out.Sessions = append(out.Sessions, line)
		out.RingBytes += bytes
	}
	slices.SortFunc(out.Sessions, func(a, b ipc.SessionStatus) int { return cmp.Compare(a.Session, b.Session) })
	return out
}

// heapBytes is the memory Go holds for objects, without stopping the world as runtime.ReadMemStats does.
func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
