package main

import (
	"fmt"

	"github.com/loaderd/loaderd/mapped/h5"
	"github.com/loaderd/loaderd/mapped/zarr"
)

// array is what both formats have.
type array struct {
	rows, rowBytes     int64
	height             int64 // rows of a chunk
	chunks, chunkBytes int64
	// reader makes a function for one goroutine that reads count rows from first into dst.
	reader func() func(dst []byte, first, count int64) error
	// decoder makes a function for one goroutine that reads chunk i into dst, which has its size.
	decoder func() func(dst []byte, i int64) error
	// index parses the table of chunks, if there is one, and gives their number.
	index func() (int, error)
}

// open gives the arrays of a file, and what closes it.
func open(path string, names []string) ([]array, func() error, error) {
	if zarr.IsStore(path) {
		return openZarr(path, names)
	}
	return openH5(path, names)
}

func openH5(path string, names []string) ([]array, func() error, error) {
	f, err := h5.Open(path)
	if err != nil {
		return nil, nil, err
	}
	var out []array
	for _, name := range names {
		o, err := f.Lookup(name)
		if err != nil {
			return nil, nil, err
		}
		d, ok := o.(*h5.Dataset)
		if !ok {
			return nil, nil, fmt.Errorf("%s: %s is no dataset", path, name)
		}
		out = append(out, array{
			rows: d.Shape()[0], rowBytes: d.RowBytes(), height: height(d.ChunkShape()),
			chunks: number(d.Shape(), d.ChunkShape()), chunkBytes: int64(d.ChunkBytes()),
			reader: func() func([]byte, int64, int64) error {
				s := new(h5.Scratch)
				return func(dst []byte, first, count int64) error { return d.Rows(dst, first, count, s) }
			},
			decoder: func() func([]byte, int64) error {
				s := new(h5.Scratch)
				return func(dst []byte, i int64) error { return d.ReadChunk(dst, int(i), s) }
			},
			index: func() (int, error) {
				t, err := d.Chunks()
				if err != nil {
					return 0, err
				}
				return t.Len(), nil
			},
		})
	}
	return out, f.Close, nil
}

func openZarr(path string, names []string) ([]array, func() error, error) {
	f, err := zarr.Open(path)
	if err != nil {
		return nil, nil, err
	}
	var out []array
	for _, name := range names {
		o, err := f.Lookup(name)
		if err != nil {
			return nil, nil, err
		}
		a, ok := o.(*zarr.Array)
		if !ok {
			return nil, nil, fmt.Errorf("%s: %s is no array", path, name)
		}
		out = append(out, array{
			rows: a.Shape()[0], rowBytes: a.RowBytes(), height: height(a.ChunkShape()),
			chunks: number(a.Shape(), a.ChunkShape()), chunkBytes: a.ChunkBytes(),
			reader: func() func([]byte, int64, int64) error {
				s := new(zarr.Scratch)
				return func(dst []byte, first, count int64) error { return a.Rows(dst, first, count, s) }
			},
			decoder: func() func([]byte, int64) error {
				s := new(zarr.Scratch)
				return func(dst []byte, i int64) error { return a.ReadChunk(dst, i, s) }
			},
			index: func() (int, error) { return 0, fmt.Errorf("%s: zarr has no table of chunks", path) },
		})
	}
	return out, f.Close, nil
}

// height is how many rows to read at once: those of a chunk, or many where there are no chunks.
func height(chunk []int64) int64 {
	if len(chunk) == 0 {
		return 1 << 16
	}
	return chunk[0]
}

// number is how many chunks cover a shape; 0 where there are none.
func number(shape, chunk []int64) int64 {
	if len(chunk) == 0 {
		return 0
	}
	n := int64(1)
	for k, c := range chunk {
		n *= (shape[k] + c - 1) / c
	}
	return n
}
