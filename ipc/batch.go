package ipc

import (
	"fmt"
	"math"
	"sync/atomic"
)

// Batch is one batch in memory shared with the daemon. What its methods return looks into that memory: it is valid until
// Release, and may be written to until then.
type Batch struct {
	client *Client
	arena  *arena
	seg    *segment
	seq    int64
	n      int
	frame  []byte
	at     []int
	nnz    []int

	released atomic.Bool
}

// batch reads a ready message of a stream with memory a, or with a nil one that answers get, with the schema and the segment
// it may bring.
func (c *Client) batch(body []byte, a *arena) (*Batch, error) {
	var m Ready
	err := Decode(body, &m)
	if err != nil {
		return nil, err
	}
	if a == nil {
		if a, err = c.getArena(&m); err != nil {
			return nil, err
		}
	}
	if m.FDs > 0 {
		if err := c.segment(a, m.Seg, m.SegSize, m.FDs); err != nil {
			return nil, err
		}
	}
	if err := a.schema.fits(&m); err != nil {
		return nil, err
	}
	seg, frame, err := a.hold(m.Seg, m.Base, m.Size)
	if err != nil {
		return nil, err
	}
	return &Batch{client: c, arena: a, seg: seg, seq: m.Seq, n: m.N, frame: frame, at: m.At, nnz: m.Var}, nil
}

// getArena is the memory of m's gen: a new one when m brings a schema, and no more frames of the one before come then.
func (c *Client) getArena(m *Ready) (*arena, error) {
	if m.Schema == nil {
		if c.gets == nil || c.gets.gen != m.Gen {
			return nil, protocolErrorf("a frame of gen %d, which has no schema yet", m.Gen)
		}
		return c.gets, nil
	}
	if err := m.Schema.Validate(); err != nil {
		return nil, err
	}
	if m.Gen >= 0 || c.gets != nil && c.gets.gen == m.Gen {
		return nil, protocolErrorf("a second schema for gen %d", m.Gen)
	}
	if c.gets != nil {
		c.gets.end()
	}
	c.gets = newArena(m.Gen, m.Schema)
	return c.gets, nil
}

// segment maps the descriptor that came with a message. Of several, the others are closed.
func (c *Client) segment(a *arena, number, size int64, fds int) error {
	f, err := c.conn.TakeFD()
	if err != nil {
		return err
	}
	mem, err := mapSegment(f, size)
	if err != nil {
		return err
	}
	if err := a.add(number, mem); err != nil {
		return err
	}
	return c.closeFDs(fds - 1)
}

func (c *Client) closeFDs(n int) error {
	for range n {
		f, err := c.conn.TakeFD()
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// dropFD closes what a message brings that nobody waits for.
func (c *Client) dropFD(_ string, body []byte) error {
	var m struct {
		FDs int `msgpack:"fds"`
	}
	if err := Decode(body, &m); err != nil {
		return err
	}
	return c.closeFDs(m.FDs)
}

// fits checks that a frame has every buffer of the schema, each within it.
func (s Schema) fits(m *Ready) error {
	if m.N < 0 || len(m.At) != s.NumBuffers() || len(m.Var) != s.NumVar() {
		return protocolErrorf("a frame of %d rows with %d buffers and %d csr fields, by a schema of %d and %d",
			m.N, len(m.At), len(m.Var), s.NumBuffers(), s.NumVar())
	}
	for _, nnz := range m.Var {
		if nnz < 0 || nnz > math.MaxInt32 {
			return protocolErrorf("a csr field of %d values", nnz)
		}
	}
	_, lens, _ := s.AppendLayout(nil, nil, m.N, m.Var)
	for i, at := range m.At {
		if at < 0 || at%Align != 0 || int64(at) > m.Size || int64(lens[i]) > m.Size-int64(at) {
			return protocolErrorf("buffer %d of %d bytes at %d in a frame of %d", i, lens[i], at, m.Size)
		}
	}
	return nil
}

// N is the number of rows.
func (b *Batch) N() int { return b.n }

// Seq is the number of the batch in its stream, from 0.
func (b *Batch) Seq() int64 { return b.seq }

// Schema is the list of fields, in the order of docs/protocol.md: _store_idx, layers, obsm, obs columns, _idx, masks.
func (b *Batch) Schema() Schema { return b.arena.schema }

// Release gives the batch back to the daemon. Whatever was got from it must not be used any more. A second Release
// does nothing.
func (b *Batch) Release() {
	if b.released.Swap(true) {
		return
	}
	b.arena.release(b.seg)
	b.client.send(&Release{Gen: b.arena.gen, Seqs: Int64s{b.seq}}) // an error means that the daemon has everything back
}

// find is the field of that name, with its buffers and, for csr, its number of values.
func (b *Batch) find(name string, kinds ...Kind) (f *Field, bufs [3][]byte, nnz int, err error) {
	if b.released.Load() {
		return nil, bufs, 0, &Error{
			Code: CodeClosed, Stage: "batch", Object: name, Message: fmt.Sprintf("batch %d was released", b.seq),
			Hint: "read a batch before its Release",
		}
	}
	at, csr := 0, 0
	for i := range b.arena.schema {
		f := &b.arena.schema[i]
		k := f.Kind.Buffers()
		if f.Kind == KindCSR {
			nnz = b.nnz[csr]
			csr++
		}
		if f.Name == name && f.Kind != KindMask {
			return b.open(f, at, nnz, name, kinds)
		}
		at += k
	}
	return nil, bufs, 0, &Error{
		Code: CodeUnknownKey, Stage: "batch", Object: name, Message: fmt.Sprintf("the batch has no field %q; it has %q", name, b.names()),
	}
}

func (b *Batch) open(f *Field, at, nnz int, name string, kinds []Kind) (*Field, [3][]byte, int, error) {
	var bufs [3][]byte
	ok := false
	for _, k := range kinds {
		ok = ok || k == f.Kind
	}
	if !ok {
		return nil, bufs, 0, &Error{
			Code: CodeInvalidArgument, Stage: "batch", Object: name, Message: fmt.Sprintf("field %q is %s, not %v", name, f.Kind, kinds),
		}
	}
	var lens [3]int
	size := DTypeSize(f.DType)
	switch f.Kind {
	case KindCSR:
		lens = [3]int{4 * (b.n + 1), 4 * nnz, size * nnz}
	case KindDense:
		lens[0] = b.n * f.Width * size
	default:
		lens[0] = b.n * size
	}
	for i := range f.Kind.Buffers() {
		from := b.at[at+i]
		bufs[i] = b.frame[from : from+lens[i] : from+lens[i]]
	}
	return f, bufs, nnz, nil
}

func (b *Batch) names() (names []string) {
	for _, f := range b.arena.schema {
		if f.Kind != KindMask {
			names = append(names, f.Name)
		}
	}
	return names
}
