package rowstore_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/loaderd/loaderd/cache/rowstore"
)

func ExampleStore() {
	dir, err := os.MkdirTemp("", "rows")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s, err := rowstore.Open(rowstore.Options{Dir: dir, Budget: 1 << 30})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	t, err := s.Table(rowstore.Spec{
		Source: "/data/pbmc.h5ad", Identity: "size 1, time 2", Matrix: "X", Rows: 3, Cols: 100, DType: rowstore.Float32,
	})
	if err != nil {
		panic(err)
	}
	defer t.Close()

	vals := binary.LittleEndian.AppendUint32(nil, math.Float32bits(1.5))
	record, err := rowstore.AppendSparse(nil, 2, rowstore.Float32, 100, []int32{17}, vals)
	if err != nil {
		panic(err)
	}
	if err := t.Append([]int64{2}, record); err != nil {
		panic(err)
	}

	err = s.Guard(func() error {
		for row := range int64(3) {
			r, ok := t.Row(row)
			if !ok {
				fmt.Println("row", row, "has to be made from the source")
				continue
			}
			idx, vals := make([]int32, r.NNZ()), make([]byte, 4*r.NNZ())
			r.Decode(idx, vals)
			fmt.Println("row", row, "has", math.Float32frombits(binary.LittleEndian.Uint32(vals)), "in column", idx[0])
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// row 0 has to be made from the source
	// row 1 has to be made from the source
	// row 2 has 1.5 in column 17
}
