package h5_test

import (
	"fmt"
	"log"

	"github.com/loaderd/loaderd/mapped/h5"
)

// A matrix of three cells, in compressed sparse rows as anndata writes them.
func Example() {
	f, err := h5.Open("../../testdata/h5/tiny_gzip.h5ad")
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			log.Fatal(err)
		}
	}()

	x, err := f.Root().Group("X")
	if err != nil {
		log.Fatal(err)
	}
	encoding, err := x.Attr("encoding-type")
	if err != nil {
		log.Fatal(err)
	}
	name, err := encoding.String()
	if err != nil {
		log.Fatal(err)
	}
	indptr, err := x.Dataset("indptr")
	if err != nil {
		log.Fatal(err)
	}
	bounds, err := indptr.Ints()
	if err != nil {
		log.Fatal(err)
	}
	data, err := x.Dataset("data")
	if err != nil {
		log.Fatal(err)
	}

	// The values of the last row, native little-endian, without reading the others.
	first, n := bounds[2], bounds[3]-bounds[2]
	row := make([]byte, n*data.RowBytes())
	if err := data.Rows(row, first, n, new(h5.Scratch)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(name, bounds, data.Type(), data.Filters()[0].Name)
	fmt.Printf("% x\n", row)
	// Output:
	// csr_matrix [0 2 3 5] float32 deflate
	// 00 00 80 40 00 00 a0 40
}

// Unfiltered chunks need no decoding: DirectAt says where an element lies, and how many follow it.
func ExampleDataset_DirectAt() {
	f, err := h5.Open("../../testdata/h5/tiny_none.h5ad")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	d, err := f.Root().Dataset("X/data")
	if err != nil {
		log.Fatal(err)
	}
	off, run, ok := d.DirectAt(3)
	if !ok {
		log.Fatal("not direct")
	}
	raw := make([]byte, run*int64(d.Type().Size))
	if _, err := f.ReadAt(raw, off); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d elements: % x\n", run, raw)
	// Output: 2 elements: 00 00 80 40 00 00 a0 40
}
