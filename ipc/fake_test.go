package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
)

// FakeDaemon answers clients as the protocol says, from a collection of Rows rows and 4 var that it makes up: X[r][c] is 10·r + c where r + c
// is even, and absent (0) else; the label of row r is r mod 3, and missing where r mod 5 is 4.
type FakeDaemon struct {
	Rows  int64
	Build string
	Ring  int64 // bytes of a ring; default: 3 full batches

	// Answer, when set, sees each message first, and handles it when it returns true.
	Answer func(c *Conn, op string, body []byte) bool
	// FailAt is the seq at which a stream fails; 0: never.
	FailAt int64

	l      *Listener
	wg     sync.WaitGroup
	mu     sync.Mutex // guards what follows
	conns  map[*Conn]struct{}
	served int
	left   bool // no welcome any more
	leave  chan struct{}
}

// Serve listens at socket and answers until Stop.
func (d *FakeDaemon) Serve(socket string) error {
	l, err := Listen(socket)
	if err != nil {
		return err
	}
	d.l, d.conns, d.leave = l, make(map[*Conn]struct{}), make(chan struct{})
	d.wg.Go(func() {
		for {
			sock, err := l.AcceptUnix()
			if err != nil {
				return
			}
			c := NewConn(sock, ServerLimits)
			d.mu.Lock()
			if d.left {
				c.Close()
			}
			d.conns[c] = struct{}{}
			d.served++
			d.mu.Unlock()
			d.wg.Go(func() { d.serve(c) })
		}
	})
	return nil
}

// Stop ends all as a daemon that leaves does.
func (d *FakeDaemon) Stop() {
	d.mu.Lock()
	d.left = true
	d.mu.Unlock()
	d.l.Close()
	d.HangUp()
	d.wg.Wait()
}

// HangUp closes every connection without a word.
func (d *FakeDaemon) HangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		c.Close()
	}
}

func (d *FakeDaemon) serve(c *Conn) {
	s := &fakeSession{d: d, c: c}
	defer func() {
		s.end()
		s.endGets()
		c.Close()
		d.mu.Lock()
		delete(d.conns, c)
		d.mu.Unlock()
	}()
	for {
		op, body, err := c.ReadMsg()
		if err != nil {
			if errors.Is(err, ErrProtocol) {
				c.WriteMsg(&Error{Code: CodeProtocol, Message: err.Error()})
			}
			return
		}
		if d.Answer != nil && d.Answer(c, op, body) {
			continue
		}
		if err := s.handle(op, body); err != nil {
			return
		}
	}
}

// fakeSession is one connection of a fake daemon.
type fakeSession struct {
	d      *FakeDaemon
	c      *Conn
	opened bool
	stream *fakeStream
	gets   *fakeMemory
	getGen int64
	format string
}

// fakeMemory is a ring cut into frames.
type fakeMemory struct {
	ring  *Ring
	alloc *Allocator

	mu   sync.Mutex // guards what follows
	room *sync.Cond
	at   map[int64]int64
	over bool
}

func newFakeMemory(size int64) (*fakeMemory, error) {
	r, err := NewRing(size)
	if err != nil {
		return nil, err
	}
	m := &fakeMemory{ring: r, alloc: NewAllocator(r.Size()), at: make(map[int64]int64)}
	m.room = sync.NewCond(&m.mu)
	return m, nil
}

func (m *fakeMemory) free(seqs []int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range seqs {
		if at, ok := m.at[s]; ok {
			m.alloc.Free(at)
			delete(m.at, s)
		}
	}
	m.room.Broadcast()
}

func (m *fakeMemory) place(seq, size int64) (at int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for !m.over {
		if at, ok := m.alloc.Alloc(size); ok {
			m.at[seq] = at
			return at, true
		}
		m.room.Wait()
	}
	return 0, false
}

// fakeStream is one start…end.
type fakeStream struct {
	gen  int64
	mem  *fakeMemory
	done sync.WaitGroup
	sent int64
}

func (s *fakeSession) end() {
	if s.stream == nil {
		return
	}
	s.halt()
	s.stream.mem.ring.Close()
	s.stream = nil
}

func (s *fakeSession) halt() {
	m := s.stream.mem
	m.mu.Lock()
	m.over = true
	m.room.Broadcast()
	m.mu.Unlock()
	s.stream.done.Wait()
}

func (s *fakeSession) endGets() {
	if s.gets != nil {
		s.gets.ring.Close()
		s.gets = nil
	}
}

func (s *fakeSession) handle(op string, body []byte) error {
	switch op {
	case OpHello:
		return s.c.WriteMsg(&Welcome{Protocol: [2]int{Major, Minor}, Build: s.d.Build, PID: os.Getpid()})
	case OpOpen:
		return fakeHandle(body, s.open)
	case OpGet:
		return fakeHandle(body, s.get)
	case OpStart:
		return fakeHandle(body, s.start)
	case OpRelease:
		return fakeHandle(body, s.release)
	case OpStop:
		if s.stream == nil {
			return nil
		}
		s.halt()
		return s.c.WriteMsg(&End{Gen: s.stream.gen, Seq: s.stream.sent})
	case OpStatus:
		return fakeHandle(body, func(m *StatusRequest) error {
			return s.c.WriteMsg(&Status{ID: m.ID, PID: os.Getpid(), Build: s.d.Build})
		})
	case OpStats:
		return fakeHandle(body, func(m *StatsRequest) error { return s.c.WriteMsg(&Stats{ID: m.ID, Gen: -1}) })
	case OpShutdown:
		return fakeHandle(body, s.shutdown)
	}
	return s.c.WriteMsg(protocolErrorf("unknown op %q", op))
}

func fakeHandle[M any](body []byte, fn func(*M) error) error {
	var m M
	if err := Decode(body, &m); err != nil {
		return err
	}
	return fn(&m)
}

func (s *fakeSession) shutdown(m *Shutdown) error {
	s.d.mu.Lock()
	others := len(s.d.conns) - 1
	s.d.mu.Unlock()
	if m.IfIdle && others > 0 {
		return s.c.WriteMsg(&Error{Code: CodeBusy, Stage: "shutdown", Message: fmt.Sprintf("%d other clients", others)})
	}
	if err := s.c.WriteMsg(&Bye{}); err != nil {
		return err
	}
	s.d.l.Close()
	close(s.d.leave)
	return errors.New("leaving")
}

func (s *fakeSession) open(m *Open) error {
	s.end()
	s.endGets()
	if strings.Contains(m.Paths[0], "missing") {
		return s.c.WriteMsg(&Error{Code: CodeNotFound, Stage: "open", Object: m.Paths[0], Message: "no such file", ID: &m.ID})
	}
	s.opened = true
	return s.c.WriteMsg(&Opened{
		ID: m.ID, Hash: strings.Repeat("ab", 32), NObs: s.d.Rows, NVars: ptr(int64(4)), NObsList: []int64{s.d.Rows}, NVarsList: []int64{4},
		Shapes: []Shape{{s.d.Rows, 4}}, Var: []string{"CD3D", "CD8A", "MS4A1", "NKG7"},
		Columns: Columns{{Key: "cell_type", DType: "int8", Categories: fakeLabels, Source: "categorical", Missing: true}},
	})
}

var fakeLabels = Values{"B", "NK", "T"}

// fakeSchema has a field of each kind.
func fakeSchema(format string) Schema {
	x := Field{Name: "X", Kind: KindDense, DType: "float32", Width: 4, Buffers: 1}
	if format == "csr" {
		x.Kind, x.Buffers = KindCSR, 3
	}
	column := func(name, dtype string) Field {
		return Field{Name: name, Kind: KindColumn, DType: dtype, Width: 1, Buffers: 1}
	}
	label := column("cell_type", "int8")
	label.Categories = fakeLabels
	return Schema{
		column("_store_idx", "int64"), x, label, column("n_counts", "float64"), column("is_b", "bool"), column("_idx", "int64"),
		{Name: MaskPrefix + "cell_type", Kind: KindMask, DType: "bool", Width: 1, Buffers: 1, Of: "cell_type"},
	}
}

// fakeFill writes the frame of some rows.
func fakeFill(s Schema, rows []int64, frame []byte) (at, nnz []int) {
	caps := make([]int, s.NumVar())
	for i := range caps {
		caps[i] = 4 * len(rows)
	}
	at, _, _ = s.Layout(len(rows), caps)
	k := 0
	for _, f := range s {
		for i, r := range rows {
			put(f, frame[at[k]:], i, r)
		}
		if f.Kind == KindCSR {
			nnz = append(nnz, putCSR(rows, frame, at[k:k+3]))
		}
		k += f.Kind.Buffers()
	}
	return at, nnz
}

func fakeX(r int64, c int) float32 {
	if (r+int64(c))%2 != 0 {
		return 0
	}
	return float32(10*r + int64(c))
}

func put(f Field, buf []byte, i int, r int64) {
	switch f.Name {
	case "_store_idx":
		binary.LittleEndian.PutUint64(buf[8*i:], 0)
	case "_idx":
		binary.LittleEndian.PutUint64(buf[8*i:], uint64(r))
	case "n_counts":
		binary.LittleEndian.PutUint64(buf[8*i:], math.Float64bits(float64(r)/2))
	case "is_b":
		buf[i] = 0
		if r%3 == 0 {
			buf[i] = 1
		}
	case "cell_type":
		if buf[i] = byte(r % 3); r%5 == 4 {
			buf[i] = 0xff
		}
	case MaskPrefix + "cell_type":
		if buf[i] = 1; r%5 == 4 {
			buf[i] = 0
		}
	case "X":
		for c := 0; f.Kind == KindDense && c < 4; c++ {
			binary.LittleEndian.PutUint32(buf[4*(4*i+c):], math.Float32bits(fakeX(r, c)))
		}
	}
}

func putCSR(rows []int64, frame []byte, at []int) (nnz int) {
	binary.LittleEndian.PutUint32(frame[at[0]:], 0)
	for i, r := range rows {
		for c := range 4 {
			if v := fakeX(r, c); v != 0 {
				binary.LittleEndian.PutUint32(frame[at[1]+4*nnz:], uint32(c))
				binary.LittleEndian.PutUint32(frame[at[2]+4*nnz:], math.Float32bits(v))
				nnz++
			}
		}
		binary.LittleEndian.PutUint32(frame[at[0]+4*(i+1):], uint32(nnz))
	}
	return nnz
}

func fakeSize(s Schema, n int) int64 {
	caps := make([]int, s.NumVar())
	for i := range caps {
		caps[i] = 4 * n
	}
	_, _, size := s.Layout(n, caps)
	return int64(size)
}

func (s *fakeSession) get(m *Get) error {
	fail := func(code Code, message string) error {
		return s.c.WriteMsg(&Error{Code: code, Stage: "get", Message: message, ID: &m.ID})
	}
	if !s.opened {
		return fail(CodeClosed, "get before open")
	}
	rows, err := DecodeRows(nil, m.Rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r < 0 || r >= s.d.Rows {
			return fail(CodeIndex, fmt.Sprintf("row %d", r))
		}
	}
	schema := fakeSchema(m.Format)
	size := fakeSize(schema, len(rows))
	ready := &Ready{N: len(rows), Size: size, ID: &m.ID}
	var file []*os.File
	if s.gets == nil || s.format != m.Format {
		s.endGets()
		if s.gets, err = newFakeMemory(16 * FrameSize(size)); err != nil {
			return err
		}
		s.getGen--
		s.format = m.Format
		ready.Schema, ready.SegSize, ready.FDs = schema, s.gets.ring.Size(), 1
		file = []*os.File{s.gets.ring.File()}
	}
	ready.Gen, ready.Seq = s.getGen, m.ID
	ready.Base, _ = s.gets.place(m.ID, size)
	at, nnz := fakeFill(schema, rows, s.gets.ring.Bytes()[ready.Base:ready.Base+size])
	ready.At, ready.Var = at, nnz
	return s.c.WriteMsg(ready, file...)
}

func (s *fakeSession) release(m *Release) error {
	switch {
	case s.stream != nil && s.stream.gen == m.Gen:
		s.stream.mem.free(m.Seqs)
	case s.gets != nil && m.Gen == s.getGen:
		s.gets.free(m.Seqs)
	}
	return nil
}

func (s *fakeSession) start(m *Start) error {
	s.end()
	fail := func(code Code, message string) error {
		return s.c.WriteMsg(&Error{Code: code, Stage: "start", Message: message, Gen: &m.Gen, Seq: ptr(int64(0))})
	}
	if !s.opened {
		return fail(CodeClosed, "start before open")
	}
	if m.BatchSize < 1 {
		return fail(CodeInvalidArgument, fmt.Sprintf("batch_size: must be at least 1, got %d", m.BatchSize))
	}
	schema := fakeSchema(m.Format)
	size := fakeSize(schema, m.BatchSize)
	mem, err := newFakeMemory(max(s.d.Ring, 3*FrameSize(size)))
	if err != nil {
		return err
	}
	steps := (s.d.Rows - m.Position + int64(m.BatchSize) - 1) / int64(m.BatchSize)
	st := &fakeStream{gen: m.Gen, mem: mem}
	s.stream = st
	started := &Started{Gen: m.Gen, Schema: schema, SegSize: mem.ring.Size(), FDs: 1, Frames: 3, Steps: steps, N: m.BatchSize}
	if err := s.c.WriteMsg(started, mem.ring.File()); err != nil {
		return err
	}
	st.done.Go(func() { s.run(st, m, schema, size, steps) })
	return nil
}

func (s *fakeSession) run(st *fakeStream, m *Start, schema Schema, size, steps int64) {
	for seq := range steps {
		if s.d.FailAt != 0 && seq == s.d.FailAt {
			s.c.WriteMsg(&Error{Code: CodeSourceChanged, Stage: "read", Object: "/a.h5ad", Gen: &m.Gen, Seq: &seq})
			return
		}
		base, ok := st.mem.place(seq, size)
		if !ok {
			return
		}
		var rows []int64
		for r := m.Position + seq*int64(m.BatchSize); r < s.d.Rows && len(rows) < m.BatchSize; r++ {
			rows = append(rows, r)
		}
		at, nnz := fakeFill(schema, rows, st.mem.ring.Bytes()[base:base+size])
		if s.c.WriteMsg(&Ready{Gen: m.Gen, Seq: seq, N: len(rows), Base: base, Size: size, At: at, Var: nnz}) != nil {
			return
		}
		st.sent = seq + 1
	}
	s.c.WriteMsg(&End{Gen: m.Gen, Seq: steps})
}
