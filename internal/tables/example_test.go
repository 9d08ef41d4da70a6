package tables_test

import (
	"fmt"

	"github.com/loaderd/loaderd/internal/tables"
)

func ExampleRead() {
	t, err := tables.Read("testdata/plain.parquet")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Rows, "rows")
	for _, c := range t.Columns[:2] {
		fmt.Println(c.Name, c.DType)
	}
	// Output:
	// 3 rows
	// cell_type cat
	// n_counts int
}
