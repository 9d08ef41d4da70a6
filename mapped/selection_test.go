package mapped

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestASelectionFindsTheRowsThatAPlainListHas(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	densities := []float64{0, 0.0005, 0.01, 0.3, 0.97, 1}
	for _, n := range []int64{0, 1, 63, 64, 65, 511, 512, 513, 5000, 100_000} {
		for _, density := range densities {
			t.Run(fmt.Sprintf("%d rows of which %g", n, density), func(t *testing.T) {
				keep, want := newBitset(n), []int64{}
				for row := range n {
					if r.Float64() < density {
						keep.set(row)
						want = append(want, row)
					}
				}
				checkSelection(t, newSelection(keep, n), n, want)
			})
		}
	}
}

func TestASelectionOfClusteredRowsFindsThem(t *testing.T) {
	const n = 300_000
	keep, want := newBitset(n), []int64{}
	for _, run := range [][2]int64{{3, 4}, {70_000, 72_100}, {299_000, n}} {
		for row := run[0]; row < run[1]; row++ {
			keep.set(row)
			want = append(want, row)
		}
	}
	checkSelection(t, newSelection(keep, n), n, want)
}

func checkSelection(t *testing.T, s *selection, n int64, want []int64) {
	t.Helper()
	if set := (rowSet{n, s}); set.kept() != int64(len(want)) {
		t.Fatalf("keeps %d rows, want %d", set.kept(), len(want))
	}
	if int64(len(want)) == n {
		if s != nil {
			t.Fatal("a selection of all rows is not nil")
		}
		return
	}
	for k, row := range want {
		if got := s.row(int64(k)); got != row {
			t.Fatalf("kept row %d is row %d, want %d", k, got, row)
		}
	}
	var got []int64
	for k, row := range (rowSet{n, s}).all() {
		if k != int64(len(got)) {
			t.Fatalf("row %d is the %dth, want %d", row, k, len(got))
		}
		got = append(got, row)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("rows are %v, want %v", got, want)
	}
}

func TestASelectionTakesAFifthOfAByteARow(t *testing.T) {
	const n = 1 << 20
	keep := newBitset(n)
	for row := int64(0); row < n-1; row++ {
		keep.set(row)
	}
	s := newSelection(keep, n)
	if bytes := 8*len(s.keep) + 8*len(s.ranks) + 4*len(s.hints); bytes > n/5 {
		t.Errorf("%d bytes for %d rows", bytes, n)
	}
}

func TestBitsetsFollowBooleanAlgebra(t *testing.T) {
	r := seeded(3)
	for _, n := range []int64{0, 1, 64, 100, 128} {
		a, b := make([]bool, n), make([]bool, n)
		x, y := newBitset(n), newBitset(n)
		for i := range n {
			a[i], b[i] = r.IntN(2) == 0, r.IntN(2) == 0
			if a[i] {
				x.set(i)
			}
			if b[i] {
				y.set(i)
			}
		}
		both, either, none := newBitset(n), newBitset(n), newBitset(n)
		both.or(x)
		both.and(y)
		either.or(x)
		either.or(y)
		none.or(either)
		none.not(n)
		for i := range n {
			if both.has(i) != (a[i] && b[i]) || either.has(i) != (a[i] || b[i]) || none.has(i) == either.has(i) {
				t.Fatalf("%d rows: row %d is wrong", n, i)
			}
		}
		if s := newSelection(none, n); s != nil && s.kept > n {
			t.Fatalf("%d rows are kept of %d", s.kept, n)
		}
	}
}

func BenchmarkSelectRow(b *testing.B) {
	for _, density := range []float64{0.01, 0.5} {
		b.Run(fmt.Sprint(density), func(b *testing.B) {
			const n = 50_000_000
			r, keep := seeded(1), newBitset(n)
			for row := int64(0); row < n; row++ {
				if r.Float64() < density {
					keep.set(row)
				}
			}
			s := newSelection(keep, n)
			at := make([]int64, 4096)
			for i := range at {
				at[i] = r.Int64N(s.kept)
			}
			b.ResetTimer()
			for i := range b.N {
				s.row(at[i%len(at)])
			}
		})
	}
}
