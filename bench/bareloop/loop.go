package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// loop fills the slots of a ring with rows at random.
type loop struct {
	rows   *store
	kernel *rowstore.Kernel
	csr    bool
	batch  int

	slot, indices, values int64 // see welcome
	free                  chan byte
}

func newLoop(rows *store, csr bool, batch, slots int) *loop {
	l := &loop{rows: rows, csr: csr, batch: batch, free: make(chan byte, slots)}
	l.kernel = rowstore.NewKernel(rowstore.KernelOptions{
		Stored: rowstore.Float32, Cols: rows.columns, OutSize: 4, IntoFloat32: true, Width: rows.columns,
	})
	if csr {
		most := int64(batch * rows.longest)
		l.indices = aligned(4 * int64(batch+1))
		l.values = l.indices + aligned(4*most)
		l.slot = l.values + aligned(4*most)
	} else {
		l.slot = aligned(4 * int64(batch) * int64(rows.columns))
	}
	for i := range slots {
		l.free <- byte(i)
	}
	return l
}

// aligned is n rounded up to whole lines of the cache.
func aligned(n int64) int64 { return (n + 63) &^ 63 }

// run fills slots of mem until the peer hangs up.
func (l *loop) run(ctx context.Context, peer *net.UnixConn, mem []byte, workers int, seed uint64) error {
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		group.Go(func() error { return l.fill(ctx, peer, mem, rand.New(rand.NewPCG(seed, uint64(w)))) })
	}
	group.Go(func() error { // what comes back
		var released [64]byte
		for {
			n, err := peer.Read(released[:])
			if err != nil {
				return err
			}
			for _, slot := range released[:n] {
				l.free <- slot
			}
		}
	})
	group.Go(func() error { // a worker may be writing to a peer that does not read
		<-ctx.Done()
		return peer.Close()
	})
	return group.Wait()
}

// fill is one worker: a free slot, a batch into it, a byte to say so.
func (l *loop) fill(ctx context.Context, peer *net.UnixConn, mem []byte, random *rand.Rand) error {
	scratch := new(rowstore.Scratch)
	batch := make([]rowstore.Row, l.batch)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case slot := <-l.free:
			for i := range batch {
				batch[i] = l.rows.rows[random.IntN(len(l.rows.rows))]
			}
			frame := mem[int64(slot)*l.slot:][:l.slot]
			if l.csr {
				l.sparse(frame, batch, scratch)
			} else {
				l.dense(frame, batch, scratch)
			}
			if _, err := peer.Write([]byte{slot}); err != nil {
				return err
			}
		}
	}
}

func (l *loop) dense(frame []byte, batch []rowstore.Row, scratch *rowstore.Scratch) {
	width := 4 * l.rows.columns
	for i, row := range batch {
		ahead(batch, i)
		l.kernel.Dense(frame[i*width:][:width], row, scratch)
	}
}

func (l *loop) sparse(frame []byte, batch []rowstore.Row, scratch *rowstore.Scratch) {
	pointers, values := frame[:l.indices], frame[l.values:]
	indices := arrow.Int32Traits.CastFromBytes(frame[l.indices:l.values])
	binary.LittleEndian.PutUint32(pointers, 0)
	at := 0
	for i, row := range batch {
		ahead(batch, i)
		n := l.kernel.CSR(indices[at:], values[4*at:], row, scratch)
		at += n
		binary.LittleEndian.PutUint32(pointers[4*(i+1):], uint32(at))
	}
}

// ahead asks for the row after the next one.
func ahead(batch []rowstore.Row, i int) {
	if i+1 < len(batch) {
		batch[i+1].Prefetch()
	}
}
