package expr_test

import (
	"fmt"

	"github.com/loaderd/loaderd/mapped/expr"
)

func ExampleParse() {
	n, err := expr.Parse(`n_counts > 500 and cell_type in ["B", "T"]`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range expr.Columns(n) {
		fmt.Println(c.Name)
	}
	_, err = expr.Parse(`n_counts > 500 and cell_type = "B"`)
	fmt.Println(err)
	// Output:
	// n_counts
	// cell_type
	// at character 30: `=` has no meaning here
	//   n_counts > 500 and cell_type = "B"
	//                                ^
}
