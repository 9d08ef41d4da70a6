package mapped_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/loaderd/loaderd/mapped"
)

// Rows of two files with different genes, as one dense batch.
func Example() {
	ctx := context.Background()
	c, err := mapped.Open(ctx, []string{"../testdata/mapped/a.h5ad", "../testdata/mapped/b.h5ad"}, mapped.Options{
		ObsKeys: []string{"cell_type"},
		Encode:  []string{"cell_type"},
		Join:    mapped.JoinInner,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.NObs(), "cells,", c.Var())
	fmt.Println("labels", c.Columns()[0].Categories)

	e, err := c.NewEncoder(mapped.EncoderOptions{DType: "float32"})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range e.Fields() {
		fmt.Printf("%s: %s %s × %d\n", f.Name, f.Kind, f.DType, f.Width)
	}

	// The caller owns the memory: one buffer per field here, since none is csr.
	rows := []int64{12, 0, 5}
	sizes := map[string]int{"float32": 4, "int64": 8, "bool": 1}
	var bufs [][]byte
	for _, f := range e.Fields() {
		bufs = append(bufs, make([]byte, (len(rows)*f.Width*sizes[f.DType]+7)/8*8))
	}
	b, s := e.NewBatch(), mapped.NewScratch()
	if err := b.Begin(rows, 0, bufs, nil); err != nil {
		log.Fatal(err)
	}
	if err := b.Fill(ctx, s, 0, len(rows)); err != nil { // or ranges of rows, on several goroutines
		log.Fatal(err)
	}
	if _, err := b.Finish(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("stores", bufs[0][0], bufs[0][8], bufs[0][16])
	// Output:
	// 13 cells, [gene_z gene_b gene_r gene_s gene_h]
	// labels [B NK T mono never]
	// _store_idx: column int64 × 1
	// X: dense float32 × 5
	// cell_type: column int64 × 1
	// _idx: column int64 × 1
	// mask:cell_type: mask bool × 1
	// stores 1 0 0
}

// Errors say what is wrong with which object, and what helps.
func ExampleError() {
	_, err := mapped.Open(context.Background(), []string{"../testdata/mapped/a.h5ad"}, mapped.Options{ObsKeys: []string{"cel_type"}})
	var e *mapped.Error
	if errors.As(err, &e) && errors.Is(err, mapped.ErrUnknownKey) {
		fmt.Println(e.Object)
		fmt.Println(e.Message())
		fmt.Println(e.Hint)
	}
	// Output:
	// obs/cel_type
	// unknown key: no store has "cel_type" in obs
	// did you mean `cell_type`?
}
