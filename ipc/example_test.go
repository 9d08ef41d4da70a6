//go:build linux

package ipc_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loaderd/loaderd/ipc"
)

// exampleDaemon stands for a daemon that serves a collection of ten cells and four genes. A program has none of this: it
// dials with Start, or a daemon runs already.
func exampleDaemon() (socket string, stop func()) {
	dir, err := os.MkdirTemp("", "loaderd-example")
	if err != nil {
		panic(err)
	}
	d := &ipc.FakeDaemon{Rows: 10}
	socket = filepath.Join(dir, "loaderd.sock")
	if err := d.Serve(socket); err != nil {
		panic(err)
	}
	return socket, func() { d.Stop(); os.RemoveAll(dir) }
}

func Example() {
	socket, stop := exampleDaemon()
	defer stop()
	ctx := context.Background()

	c, err := ipc.Dial(ctx, ipc.DialOptions{Socket: socket}) // most programs: DialOptions{Start: true}
	if err != nil {
		panic(err)
	}
	defer c.Close()
	opened, err := c.Open(ctx, []string{"pbmc_a.h5ad", "pbmc_b.h5ad"}, ipc.Spec{ObsKeys: []string{"cell_type"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(opened.NObs, "cells,", *opened.NVars, "genes")

	s, err := c.Start(ctx, ipc.StartOptions{BatchSize: 4, Order: "sequential"})
	if err != nil {
		panic(err)
	}
	for {
		b, err := s.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			panic(err)
		}
		x, err := b.Dense("X")
		if err != nil {
			panic(err)
		}
		values, err := ipc.As[float32](x.Array) // rows × columns, valid until Release
		if err != nil {
			panic(err)
		}
		sum := float32(0)
		for _, v := range values {
			sum += v
		}
		fmt.Println("batch", b.Seq(), "of", x.Rows, "×", x.Cols, "adds up to", sum)
		b.Release()
	}
	// Output:
	// 10 cells, 4 genes
	// batch 0 of 4 × 4 adds up to 132
	// batch 1 of 4 × 4 adds up to 452
	// batch 2 of 2 × 4 adds up to 346
}

// Rows in any order, as the sparse matrix that AnnData stores.
func ExampleClient_Get() {
	socket, stop := exampleDaemon()
	defer stop()
	ctx := context.Background()
	c, err := ipc.Dial(ctx, ipc.DialOptions{Socket: socket})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	if _, err := c.Open(ctx, []string{"pbmc.h5ad"}, ipc.Spec{ObsKeys: []string{"cell_type"}}); err != nil {
		panic(err)
	}
	b, err := c.Get(ctx, []int64{7, 4}, ipc.GetOptions{Format: "csr"})
	if err != nil {
		panic(err)
	}
	defer b.Release()
	x, err := b.CSR("X")
	if err != nil {
		panic(err)
	}
	label, err := b.Column("cell_type")
	if err != nil {
		panic(err)
	}
	values, err := ipc.As[float32](x.Values)
	if err != nil {
		panic(err)
	}
	for i := range b.N() {
		from, to := x.Indptr[i], x.Indptr[i+1]
		fmt.Println(label.Value(i), x.Indices[from:to], values[from:to])
	}
	// Output:
	// NK [1 3] [71 73]
	// <nil> [0 2] [40 42]
}

// A batch as an Arrow record, without a copy of the numbers.
func ExampleBatch_Record() {
	socket, stop := exampleDaemon()
	defer stop()
	ctx := context.Background()
	c, err := ipc.Dial(ctx, ipc.DialOptions{Socket: socket})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	if _, err := c.Open(ctx, []string{"pbmc.h5ad"}, ipc.Spec{}); err != nil {
		panic(err)
	}
	b, err := c.Get(ctx, []int64{0, 1, 2}, ipc.GetOptions{})
	if err != nil {
		panic(err)
	}
	defer b.Release() // and with it the record's memory
	r, err := b.Record()
	if err != nil {
		panic(err)
	}
	defer r.Release()
	for i, col := range r.Columns() {
		fmt.Println(r.ColumnName(i), col.DataType())
	}
	// Output:
	// _store_idx int64
	// X fixed_size_list<item: float32, nullable>[4]
	// cell_type dictionary<values=utf8, indices=int8, ordered=false>
	// n_counts float64
	// is_b bool
	// _idx int64
}

// A ring and an allocator are what the daemon's side is made of.
func ExampleAllocator() {
	a := ipc.NewAllocator(4 * ipc.FrameAlign)
	first, _ := a.Alloc(5000) // takes two pages
	second, _ := a.Alloc(100)
	a.Free(first)
	third, _ := a.Alloc(100) // the lowest place where it fits
	fmt.Println(first, second, third, a.InUse())
	// Output: 0 8192 0 8192
}
