package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// block is how many rows are encoded into one piece of memory.
const block = 512

// store is a matrix in memory, a record for each row.
type store struct {
	rows    []rowstore.Row
	columns int
	longest int // elements of the longest row
}

// open reads the matrix of a folder and encodes it.
func open(folder string) (*store, error) {
	text, err := os.ReadFile(filepath.Join(folder, "columns"))
	if err != nil {
		return nil, err
	}
	s := new(store)
	if s.columns, err = strconv.Atoi(string(bytes.TrimSpace(text))); err != nil {
		return nil, fmt.Errorf("%s: columns: %w", folder, err)
	}
	var arrays [3]array
	for i, name := range []string{"indptr", "indices", "data"} {
		if arrays[i], err = openArray(filepath.Join(folder, name+".npy"), []string{"<i8", "<i4", "<f4"}[i]); err != nil {
			return nil, err
		}
		defer arrays[i].file.Close()
	}
	indptr := make([]int64, arrays[0].length)
	whole, err := arrays[0].read(0, arrays[0].length)
	if err != nil {
		return nil, err
	}
	if _, err := binary.Decode(whole, binary.LittleEndian, indptr); err != nil {
		return nil, err
	}
	s.rows = make([]rowstore.Row, len(indptr)-1)
	for i := range s.rows {
		s.longest = max(s.longest, int(indptr[i+1]-indptr[i]))
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for first := 0; first < len(s.rows); first += block {
		group.Go(func() error { return s.encode(indptr, arrays[1], arrays[2], first, min(first+block, len(s.rows))) })
	}
	return s, group.Wait()
}

// encode makes the records of the rows from first to end.
func (s *store) encode(indptr []int64, indices, data array, first, end int) error {
	start, n := indptr[first], indptr[end]-indptr[first]
	columns, err := indices.read(start, n)
	if err != nil {
		return err
	}
	values, err := data.read(start, n)
	if err != nil {
		return err
	}
	idx := make([]int32, n)
	if _, err := binary.Decode(columns, binary.LittleEndian, idx); err != nil {
		return err
	}
	records := make([]byte, 0, 3*n)
	ends := make([]int, 0, end-first)
	for row := first; row < end; row++ {
		a, b := indptr[row]-start, indptr[row+1]-start
		records, err = rowstore.AppendSparse(records, int64(row), rowstore.Float32, s.columns, idx[a:b], values[4*a:4*b])
		if err != nil {
			return err
		}
		ends = append(ends, len(records))
	}
	at := 0
	for i, end := range ends {
		s.rows[first+i], at = rowstore.Row(records[at:end]), end
	}
	return nil
}

// array is a one-dimensional array in a file as numpy.save writes it.
type array struct {
	file   *os.File
	offset int64
	length int64
	size   int64 // bytes of an element
}

func openArray(path, kind string) (a array, err error) {
	if a.file, err = os.Open(path); err != nil {
		return a, err
	}
	var head [10]byte // magic, version, length of the header
	if _, err = a.file.ReadAt(head[:], 0); err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	text := make([]byte, binary.LittleEndian.Uint16(head[8:]))
	if _, err = a.file.ReadAt(text, int64(len(head))); err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	if string(head[:8]) != "\x93NUMPY\x01\x00" || !bytes.Contains(text, []byte("'"+kind+"'")) {
		return a, fmt.Errorf("%s: wanted: a file of numpy.save with elements %s; got: %q", path, kind, text)
	}
	info, err := a.file.Stat()
	if err != nil {
		return a, err
	}
	a.offset = int64(len(head) + len(text))
	a.size = int64(kind[2] - '0')
	a.length = (info.Size() - a.offset) / a.size
	return a, nil
}

// read is n elements from first on, as bytes.
func (a array) read(first, n int64) ([]byte, error) {
	p := make([]byte, n*a.size)
	_, err := a.file.ReadAt(p, a.offset+first*a.size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.file.Name(), err)
	}
	return p, nil
}
