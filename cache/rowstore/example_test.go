package rowstore_test

import (
	"encoding/binary"
	"fmt"
	"log"
	"math"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// A row of a matrix of counts is encoded once, and then expanded into a dense row of a panel of two genes.
func ExampleKernel() {
	var vals []byte
	for _, v := range []float32{1, 3, 2} {
		vals = binary.LittleEndian.AppendUint32(vals, math.Float32bits(v))
	}
	rec, err := rowstore.AppendSparse(nil, 17, rowstore.Float32, 6, []int32{0, 2, 5}, vals)
	if err != nil {
		log.Fatal(err)
	}
	row := rowstore.Row(rec)
	if err := row.Check(17, rowstore.Float32, 6); err != nil { // once, when the bytes come from a disk
		log.Fatal(err)
	}

	panel := rowstore.NewKernel(rowstore.KernelOptions{
		Stored: rowstore.Float32, Cols: 6, OutSize: 4,
		To: []int32{-1, 0, 1, -1, -1, -1}, Monotone: true, Width: 2,
	})
	var scratch rowstore.Scratch // of one goroutine
	dense := make([]byte, 2*4)
	panel.Dense(dense, row, &scratch)
	for i := range 2 {
		fmt.Println(math.Float32frombits(binary.LittleEndian.Uint32(dense[4*i:])))
	}

	columns, values := make([]int32, 2), make([]byte, 2*4)
	n := panel.CSR(columns, values, row, &scratch)
	fmt.Println(n, columns[:n])
	// Output:
	// 0
	// 3
	// 1 [1]
}
