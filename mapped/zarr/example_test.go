package zarr_test

import (
	"fmt"
	"log"

	"github.com/loaderd/loaderd/mapped/zarr"
)

// Rows of a sharded array: only the chunks that hold them are read and decoded.
func Example() {
	s, err := zarr.Open("../../testdata/zarr/small_v3.zarr.zip")
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			log.Fatal(err)
		}
	}()

	g, err := s.Root().Group("group")
	if err != nil {
		log.Fatal(err)
	}
	shape, _ := g.Attr("shape")
	numbers, _ := shape.Ints()
	a, err := g.Array("shards")
	if err != nil {
		log.Fatal(err)
	}
	rows := make([]byte, 2*a.RowBytes())
	if err := a.Rows(rows, 30, 2, new(zarr.Scratch)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Version(), numbers, a.Type(), a.Shape(), a.ChunkShape(), a.ShardShape())
	fmt.Printf("% x\n", rows)
	// Output:
	// 3 [3 4] float32 [40] [4] [16]
	// 00 00 30 c1 f2 2c 51 c3
}
