package sampler

import (
	"fmt"
	"slices"
	"testing"
)

// battery returns the tallies for shuffles of n rows. k is the number of cells a row is put into for tables of
// pairs. The lags are neighbours (1, 2), and the width of the Feistel network's low half: rows of one rank of a
// world of that size, and the pairs which the first round of the network cannot tell apart.
func battery(n, k int64) []*tally {
	_, half := halves(uint64(n))
	width := int64(half)
	list := []*tally{
		rowByPosition(bands(n, k)),
		acrossEpochs(bands(n, k)),
		acrossEpochs(remainders(n, k)),
		acrossSeeds(bands(n, k)),
	}
	if n < 2 {
		return list
	}
	list = append(list, pairsAt(bands(n, k), 0, 1), pairsAt(bands(n, k), n-2, n-1))
	lags := []int64{1, 2, width}
	slices.Sort(lags)
	for _, lag := range slices.Compact(lags) {
		if lag%n == 0 {
			continue
		}
		list = append(list, pairs(bands(n, k), lag))
		if k < n {
			list = append(list, pairs(remainders(n, k), lag))
		}
		if width > 1 {
			list = append(list, differences(bands(n, width), lag), differences(remainders(n, width), lag))
		}
	}
	return list
}

// size is how much each n is tested: cells for tables of pairs, and draws, so that a cell expects ten hits or more.
type size struct {
	n, cells int64
	draws    int
}

func sizes() []size {
	var s []size
	for n := int64(1); n <= 16; n++ {
		s = append(s, size{n, n, 20_000})
	}
	return append(s,
		size{100, 100, 100_000},
		size{700, 35, 20_000},
		// Differences have 1,024 cells here and find an excess of one pair in a thousand, which is what a fourth round
		// would leave: a shift of draws/1024 against a standard deviation of 45.
		size{1<<20 - 1, 64, 500_000},
		size{1<<20 + 1, 64, 500_000})
}

func TestRowsPairsAndEpochsAreAsOfATrueShuffle(t *testing.T) {
	for _, s := range sizes() {
		t.Run(fmt.Sprintf("n = %d", s.n), func(t *testing.T) {
			t.Parallel()
			for name, c := range product(t, s.n).judge(s.draws, battery(s.n, s.cells)...) {
				c.ok(t, name)
			}
		})
	}
}

func TestEveryPermutationOfAFewRowsIsAsLikelyAsAnyOther(t *testing.T) {
	for n := int64(1); n <= 6; n++ {
		all := 1
		for i := int64(2); i <= n; i++ {
			all *= int(i)
		}
		shuffle := product(t, n)
		overSeeds, overEpochs := make([]int64, all), make([]int64, all)
		for i := range uint64(3000 + 20*all) {
			overSeeds[rank(n, shuffle.epoch(i, 0))]++
			overEpochs[rank(n, shuffle.epoch(0, i))]++
		}
		uniform(overSeeds).ok(t, fmt.Sprintf("permutations of %d over seeds", n))
		uniform(overEpochs).ok(t, fmt.Sprintf("permutations of %d over epochs", n))
	}
}

// rank numbers the permutations of n rows (Lehmer code).
func rank(n int64, row at) int64 {
	var r int64
	for i := range n {
		smaller := int64(0)
		for j := i + 1; j < n; j++ {
			if row(j) < row(i) {
				smaller++
			}
		}
		r = r*(n-i) + smaller
	}
	return r
}

func TestEveryRowComesToEveryPositionEquallyOften(t *testing.T) {
	const shuffles = 4000
	for n := int64(2); n <= 16; n++ {
		shuffle := product(t, n)
		counts := make([]int64, n*n)
		for i := range uint64(shuffles) {
			row := shuffle.epoch(i, i%3)
			for pos := range n {
				counts[pos*n+row(pos)]++
			}
		}
		c := uniform(counts)
		// Rows and columns of the table have fixed sums. The covariance of permutation matrices is
		// (I − J/n) ⊗ (I − J/n) / (n − 1), hence this factor and these degrees of freedom.
		c = chi2{c.x * float64(n-1) / float64(n), float64((n - 1) * (n - 1))}
		c.ok(t, fmt.Sprintf("n = %d", n))
	}
}

func TestABatchHoldsAsManyRowsOfAFileAsDrawingWithoutReplacementGives(t *testing.T) {
	const batch = 128
	for _, c := range []struct {
		n       int64
		batches int
		files   []int64 // first rows of the files; unequal, as collections are
	}{
		{700, 3000, []int64{0, 20, 100, 300}},
		{1<<20 + 1, 5000, []int64{0, 5000, 100_000, 524_288, 786_432}},
	} {
		counts := make([][]int64, len(c.files))
		for f := range counts {
			counts[f] = make([]int64, batch+1)
		}
		rows := make([]int64, batch)
		coin := newStream(1, c.n, 2, forTable)
		for i := range uint64(c.batches) {
			first := int64(coin.below(uint64(c.n-batch) + 1))
			shuffled(t, c.n, i).Fill(rows, first, 1)
			held := make([]int64, len(c.files))
			for _, row := range rows {
				held[fileOf(c.files, row)]++
			}
			for f, h := range held {
				counts[f][h]++
			}
		}
		for f, first := range c.files {
			end := c.n
			if f+1 < len(c.files) {
				end = c.files[f+1]
			}
			fit(counts[f], hypergeometric(c.n, end-first, batch)).ok(t, fmt.Sprintf("n = %d, file %d of %d rows", c.n, f, end-first))
		}
	}
}

// shuffled returns an epoch of its own for each i: seeds and epochs change in turn.
func shuffled(t *testing.T, n int64, i uint64) *Epoch {
	t.Helper()
	o, err := New(Spec{N: n, Kind: Shuffle, Seed: i / 2})
	if err != nil {
		t.Fatal(err)
	}
	return o.Epoch(i % 2)
}

func fileOf(firsts []int64, row int64) int {
	f, exact := slices.BinarySearch(firsts, row)
	if !exact {
		f--
	}
	return f
}

func TestABatchHoldsNoMoreNeighbouringRowsThanChanceGives(t *testing.T) {
	const batch = 128
	for _, c := range []struct {
		n, within int64 // rows that count as neighbours: as far apart as rows of one HDF5 chunk may be
		batches   int
	}{
		{700, 1, 3000},
		{700, 12, 3000},
		{1<<20 + 1, 1, 10_000},
		{1<<20 + 1, 12, 10_000},
		{1<<20 + 1, 1000, 10_000},
	} {
		sum, squares := 0.0, 0.0
		rows := make([]int64, batch)
		coin := newStream(3, c.n, 4, forTable)
		for i := range uint64(c.batches) {
			shuffled(t, c.n, i).Fill(rows, int64(coin.below(uint64(c.n-batch)+1)), 1)
			x := float64(neighbours(rows, c.within))
			sum += x
			squares += x * x
		}
		// Exact: a pair of distinct rows is within w with probability w(2n − w − 1) / n(n − 1). The mean over independent
		// batches is normal by the central limit theorem, its variance taken from the sample.
		n, w, count := float64(c.n), float64(c.within), float64(c.batches)
		mean := batch * (batch - 1) / 2 * w * (2*n - w - 1) / (n * (n - 1))
		variance := (squares/count - sum*sum/count/count) / count
		normalOK(t, fmt.Sprintf("n = %d, pairs within %d rows a batch", c.n, c.within), sum/count, mean, variance)
	}
}

// neighbours counts the pairs of rows that are at most within apart. It sorts rows.
func neighbours(rows []int64, within int64) int {
	slices.Sort(rows)
	pairs, from := 0, 0
	for i, row := range rows {
		for row-rows[from] > within {
			from++
		}
		pairs += i - from
	}
	return pairs
}

func TestNeighboursInAFileAreNeighboursInAnEpochAsOftenAsChanceGives(t *testing.T) {
	for _, c := range []struct {
		n      int64
		epochs int
	}{{3, 2000}, {16, 5000}, {100, 5000}, {700, 2000}, {1<<20 + 1, 10}} {
		sum := 0.0
		for i := range uint64(c.epochs) {
			e := shuffled(t, c.n, i)
			rows := make([]int64, c.n)
			e.Fill(rows, 0, 1)
			for p := range rows[1:] {
				if d := rows[p+1] - rows[p]; d == 1 || d == -1 {
					sum++
				}
			}
		}
		// n − 1 places, each with probability 2/n. Two places that share a position are both true for the 2(n − 2) runs of
		// three rows of n(n − 1)(n − 2); two that do not, for 4(n − 2)(n − 3) of n(n − 1)(n − 2)(n − 3). Sums over the n − 2
		// and the (n − 2)(n − 3)/2 such pairs of places give the variance.
		n, k := float64(c.n), float64(c.epochs)
		mean := 2 * (n - 1) / n
		variance := mean + 4*(n-2)*(n-2)/(n*(n-1)) - mean*mean
		normalOK(t, fmt.Sprintf("n = %d, adjacent neighbours an epoch", c.n), sum/k, mean, variance/k)
	}
}
