package mapped

import (
	"testing"

	"github.com/loaderd/loaderd/mapped/expr"
)

func BenchmarkFilterExpression(b *testing.B) {
	const n = 1 << 20
	r := seeded(1)
	number := &column{n: n, dtype: float32Type, data: alignedBytes(4 * n)}
	codes := &column{n: n, coded: true, table: []value{ofText("B"), ofText("T"), ofText("NK")}, codes: newCodes(n, 3)}
	for i := range n {
		view[float32](number.data)[i] = r.Float32()
		codes.codes.set(i, int32(r.IntN(4)-1))
	}
	for _, text := range []string{"n > 0.5", "0.25 < n <= 0.5", "c in ['B', 'T']", "c matches '^N'", "n > 0.5 and c == 'B'"} {
		b.Run(text, func(b *testing.B) {
			test, err := expr.Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			e := &evaluation{text: text, rows: n, columns: map[string]*column{"n": number, "c": codes}}
			b.SetBytes(n) // cells
			for range b.N {
				if _, err := e.test(test); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
