package sampler

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
)

func mustNew(t testing.TB, s Spec) *Order {
	t.Helper()
	o, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestEveryEpochIsAPermutation(t *testing.T) {
	ns := []int64{0, 1, 2, 3, 4, 5, 7, 16, 100, 700, tableMax - 1, tableMax, tableMax + 1, 1<<17 + 3, 1<<20 - 1, 1 << 20, 1<<20 + 1}
	for _, kind := range []Kind{Sequential, Shuffle} {
		for _, n := range ns {
			o := mustNew(t, Spec{N: n, Kind: kind, Seed: 42})
			for _, epoch := range []uint64{0, 1, math.MaxUint64} {
				rows := make([]int64, n)
				o.Epoch(epoch).Fill(rows, 0, 1)
				seen := make([]bool, n)
				for pos, row := range rows {
					if row < 0 || row >= n || seen[row] {
						t.Fatalf("%v of %d, epoch %d: row %d at position %d is outside or comes twice", kind, n, epoch, row, pos)
					}
					seen[row] = true
				}
			}
		}
	}
}

func TestSequentialIsThePosition(t *testing.T) {
	e := mustNew(t, Spec{N: math.MaxInt64, Kind: Sequential, Seed: 1}).Epoch(3)
	for _, pos := range []int64{0, 1, 12345, math.MaxInt64 - 1} {
		if got := e.At(pos); got != pos {
			t.Errorf("row %d at position %d", got, pos)
		}
	}
}

func TestFillIsAtForAnyPositionAndStride(t *testing.T) {
	for _, n := range []int64{1, 2, 100, tableMax, tableMax + 1, 1<<20 + 1, 1<<40 + 9, math.MaxInt64} {
		for _, kind := range []Kind{Sequential, Shuffle} {
			e := mustNew(t, Spec{N: n, Kind: kind, Seed: 9}).Epoch(2)
			for _, count := range []int64{0, 1, 3, 4, 5, 11} {
				for _, stride := range []int64{1, 2, 7, 1 << 33, math.MaxInt64} {
					if count > 1 && stride > (n-1)/(count-1) {
						continue
					}
					last := n - 1 - max(count-1, 0)*stride
					if count <= 1 {
						last = n - 1
					}
					for _, pos := range []int64{0, last / 2, last} {
						dst := make([]int64, count)
						e.Fill(dst, pos, stride)
						for i, got := range dst {
							if want := e.At(pos + int64(i)*stride); got != want {
								t.Fatalf("%v of %d: Fill(%d, %d)[%d] = %d, At = %d", kind, n, pos, stride, i, got, want)
							}
						}
					}
				}
			}
		}
	}
}

func TestTheNetworkIsWhatThePlainWritingSays(t *testing.T) {
	for _, n := range []int64{tableMax + 1, 1<<20 - 1, 1<<20 + 1, 1<<40 + 12345, math.MaxInt64} {
		plain := network(n, feistelRounds).epoch(77, 5)
		e := mustNew(t, Spec{N: n, Kind: Shuffle, Seed: 77}).Epoch(5)
		for i := range int64(2000) {
			for _, pos := range []int64{i, n - 1 - i, n / 2000 * i} {
				if got, want := e.At(pos), plain(pos); got != want {
					t.Fatalf("n = %d: row %d at position %d, the plain network says %d", n, got, pos, want)
				}
			}
		}
	}
}

func TestHalvesHoldTheDomainWithLittleToSpare(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 4, 5, 6, 7, 99, 100, 101, 1 << 16, 1<<16 + 1, 1<<20 + 1, 1<<52 + 1, 3037000499 * 3037000499, 3037000499*3037000499 + 1, math.MaxInt64} {
		a, b := halves(n)
		if a*b < n || a*b >= n+a || b > a || a > 1 && (a-1)*(a-1) >= n {
			t.Errorf("halves(%d) = %d × %d = %d", n, a, b, a*b)
		}
	}
}

func TestLargeOrdersStayDistinctAndInRange(t *testing.T) {
	for _, n := range []int64{1<<32 + 1, 1 << 53, math.MaxInt64} {
		e := mustNew(t, Spec{N: n, Kind: Shuffle, Seed: 3}).Epoch(0)
		seen := map[int64]bool{}
		for i := range int64(20_000) {
			for _, pos := range []int64{i, n - 1 - i} {
				row := e.At(pos)
				if row < 0 || row >= n || seen[row] {
					t.Fatalf("n = %d: row %d at position %d", n, row, pos)
				}
				seen[row] = true
			}
		}
	}
}

func TestSeedEpochAndSizeEachChangeTheOrder(t *testing.T) {
	for _, n := range []int64{1000, 100_000} {
		orders := map[string]string{}
		for _, c := range []struct {
			n           int64
			seed, epoch uint64
		}{{n, 0, 0}, {n, 0, 1}, {n, 1, 0}, {n, 1, 1}, {n, 1 << 63, 0}, {n, 0, 1 << 63}, {n + 1, 0, 0}} {
			name := fmt.Sprint(c)
			rows := make([]int64, 20)
			mustNew(t, Spec{N: c.n, Kind: Shuffle, Seed: c.seed}).Epoch(c.epoch).Fill(rows, 0, 1)
			if other, same := orders[fmt.Sprint(rows)]; same {
				t.Errorf("%s and %s start alike", name, other)
			}
			orders[fmt.Sprint(rows)] = name
		}
	}
}

func TestAnEpochMayBeReadByManyAtOnce(t *testing.T) {
	for _, n := range []int64{700, 1 << 20} {
		o := mustNew(t, Spec{N: n, Kind: Shuffle, Seed: 4})
		e := o.Epoch(1)
		want := make([]int64, 200)
		e.Fill(want, 0, 3)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				again := o.Epoch(1)
				for i, w := range want {
					if got := e.At(int64(i) * 3); got != w || again.At(int64(i)*3) != w {
						t.Errorf("n = %d: row %d at position %d, want %d", n, got, 3*i, w)
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestMemoryDoesNotGrowWithTheRows(t *testing.T) {
	for _, n := range []int64{tableMax + 1, 1 << 40, math.MaxInt64} {
		o := mustNew(t, Spec{N: n, Kind: Shuffle})
		if got := testing.AllocsPerRun(10, func() { o.Epoch(1) }); got > 2 {
			t.Errorf("n = %d: an epoch takes %v allocations", n, got)
		}
		if e := o.Epoch(1); e.table != nil {
			t.Errorf("n = %d: an epoch holds a table of %d", n, len(e.table))
		}
	}
	if e := mustNew(t, Spec{N: tableMax, Kind: Shuffle}).Epoch(0); cap(e.table)*2 > 256<<10 {
		t.Errorf("a table of %d bytes", cap(e.table)*2)
	}
}

func TestWhatIsOutOfRangePanics(t *testing.T) {
	for _, n := range []int64{0, 1, 700, 1 << 20} {
		for _, kind := range []Kind{Sequential, Shuffle} {
			e := mustNew(t, Spec{N: n, Kind: kind}).Epoch(0)
			for name, f := range map[string]func(){
				"position −1":               func() { e.At(-1) },
				"position n":                func() { e.At(n) },
				"Fill from −1":              func() { e.Fill(make([]int64, 1), -1, 1) },
				"Fill over the end":         func() { e.Fill(make([]int64, 2), n-1, 1) },
				"Fill by 0":                 func() { e.Fill(make([]int64, 1), 0, 0) },
				"Fill with a stride of 2⁶³": func() { e.Fill(make([]int64, 3), 0, math.MaxInt64) },
			} {
				if !panics(f) {
					t.Errorf("%v of %d: %s passes", kind, n, name)
				}
			}
			e.Fill(nil, -5, -5)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestBadSpecsAreRefusedByName(t *testing.T) {
	for want, s := range map[string]Spec{
		"sampler: invalid argument: -1 rows; the number of rows must be 0 or more":      {N: -1},
		"sampler: invalid argument: Kind(7) is not an order; use Sequential or Shuffle": {N: 1, Kind: 7},
	} {
		if _, err := New(s); !errors.Is(err, ErrInvalid) || err.Error() != want {
			t.Errorf("New(%+v): %v, want %s", s, err, want)
		}
	}
}

func TestKindsAreReadAsTheyAreWritten(t *testing.T) {
	for _, k := range []Kind{Sequential, Shuffle} {
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("ParseKind(%q) = %v, %v", k, got, err)
		}
	}
	for _, bad := range []string{"", "Shuffle", "random"} {
		if _, err := ParseKind(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseKind(%q): %v", bad, err)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	for _, n := range []int64{tableMax, 1 << 20, 1<<20 + 1, 100_000_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			e := mustNew(b, Spec{N: n, Kind: Shuffle}).Epoch(0)
			b.ReportAllocs()
			pos := int64(0)
			for b.Loop() {
				e.At(pos)
				if pos++; pos == n {
					pos = 0
				}
			}
		})
	}
}

func BenchmarkFill(b *testing.B) {
	for _, n := range []int64{tableMax, 1 << 20, 1<<20 + 1, 100_000_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			e := mustNew(b, Spec{N: n, Kind: Shuffle}).Epoch(0)
			rows := make([]int64, 128)
			b.ReportAllocs()
			for b.Loop() {
				e.Fill(rows, 1000, 2)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/row")
		})
	}
}

func BenchmarkEpoch(b *testing.B) {
	for _, n := range []int64{700, tableMax, tableMax + 1} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			o := mustNew(b, Spec{N: n, Kind: Shuffle})
			b.ReportAllocs()
			var epoch uint64
			for b.Loop() {
				o.Epoch(epoch)
				epoch++
			}
		})
	}
}
