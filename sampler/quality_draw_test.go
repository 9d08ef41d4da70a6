package sampler

import (
	"fmt"
	"testing"
)

// at gives the row at a position of one epoch.
type at func(pos int64) int64

// shuffler is a family of shuffles of n rows: what the quality tests judge. The product is one, the weak networks
// of the teeth tests are others.
type shuffler struct {
	n     int64
	epoch func(seed, epoch uint64) at
}

// product is the shuffle that users get.
func product(t testing.TB, n int64) shuffler {
	return shuffler{n, func(seed, epoch uint64) at {
		o, err := New(Spec{N: n, Kind: Shuffle, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return o.Epoch(epoch).At
	}}
}

// network is the product's Feistel network with another number of rounds, at any n, and written once more in the
// plainest way: a list of round keys, halves that swap roles, % where the product avoids it.
func network(n int64, rounds int) shuffler {
	return shuffler{n, func(seed, epoch uint64) at {
		s := newStream(seed, n, epoch, forFeistel)
		keys := make([]uint64, rounds)
		for i := range keys {
			keys[i] = s.next()
		}
		a, b := halves(uint64(n))
		return func(pos int64) int64 {
			x := uint64(pos)
			for again := true; again; again = x >= uint64(n) {
				half := [2]uint64{x / b, x % b}
				size := [2]uint64{a, b}
				for i, k := range keys {
					to := i % 2
					half[to] = (half[to] + add(0, mix(k, half[1-to]), size[to])) % size[to]
				}
				x = half[0]*b + half[1]
			}
			return int64(x)
		}
	}}
}

// draw is one independent observation: three shuffles that nothing but their keys relates, and a position.
type draw struct {
	n         int64
	row       at // one epoch
	nextEpoch at // the epoch after it
	nextSeed  at // the same epoch of the next seed
	pos       int64
}

// lag returns the row that comes lag positions after the draw's, going round at the end of the epoch.
func (d draw) lag(lag int64) int64 { return d.row((d.pos + lag) % d.n) }

// tally counts, over many draws, which of its cells a draw falls into; prob are the cells' exact probabilities
// under a uniform shuffle. Draws are independent, so Pearson's χ² applies to each tally as it stands.
type tally struct {
	name   string
	prob   []float64
	cell   func(d draw) int64
	counts []int64
}

// judge makes count draws and returns the χ² of each tally. The first half goes over seeds 0, 2, 4 … as people choose
// seeds, the second over epochs 0, 2, 4 … of one seed, as training runs; positions owe nothing to the shuffles.
func (s shuffler) judge(count int, tallies ...*tally) map[string]chi2 {
	coin := newStream(0xC0FFEE, s.n, uint64(count), forTable)
	for _, t := range tallies {
		t.counts = make([]int64, len(t.prob))
	}
	for i := range uint64(count) {
		seed, epoch := 2*i, uint64(0)
		if i >= uint64(count)/2 {
			seed, epoch = 12345, 2*i
		}
		d := draw{
			n:         s.n,
			row:       s.epoch(seed, epoch),
			nextEpoch: s.epoch(seed, epoch+1),
			nextSeed:  s.epoch(seed+1, epoch),
			pos:       int64(coin.below(uint64(s.n))),
		}
		for _, t := range tallies {
			t.counts[t.cell(d)]++
		}
	}
	results := make(map[string]chi2, len(tallies))
	for _, t := range tallies {
		results[t.name] = fit(t.counts, t.prob)
	}
	return results
}

// bins groups n rows into k cells.
type bins struct {
	n, k   int64
	remain bool
}

// bands gives at most k bands of neighbouring rows.
func bands(n, k int64) bins { return bins{n: n, k: min(n, k)} }

// remainders groups rows by their remainder modulo k.
func remainders(n, k int64) bins { return bins{n: n, k: min(n, k), remain: true} }

func (b bins) String() string {
	if b.remain {
		return fmt.Sprintf("remainders mod %d", b.k)
	}
	return fmt.Sprintf("%d bands", b.k)
}

func (b bins) of(row int64) int64 {
	if b.remain {
		return row % b.k
	}
	return row * b.k / b.n // n is at most 2^21 in these tests
}

// sizes returns how many rows are in each cell.
func (b bins) sizes() []float64 {
	s := make([]float64, b.k)
	for row := range b.n {
		s[b.of(row)]++
	}
	return s
}

// independent gives the probabilities of pairs of cells, (i, j) at i·k + j, for two rows that know nothing of each
// other.
func (b bins) independent() []float64 {
	size, n := b.sizes(), float64(b.n)
	p := make([]float64, 0, b.k*b.k)
	for i := range size {
		for j := range size {
			p = append(p, size[i]*size[j]/(n*n))
		}
	}
	return p
}

// distinct gives the same for two different rows.
func (b bins) distinct() []float64 {
	size, n := b.sizes(), float64(b.n)
	p := make([]float64, 0, b.k*b.k)
	for i := range size {
		for j := range size {
			other := size[j]
			if i == j {
				other--
			}
			p = append(p, size[i]*other/(n*(n-1)))
		}
	}
	return p
}

// rowByPosition tallies (cell of the position, cell of the row).
func rowByPosition(b bins) *tally {
	return &tally{
		name: fmt.Sprintf("row by position, %v", b),
		prob: b.independent(),
		cell: func(d draw) int64 { return b.of(d.pos)*b.k + b.of(d.row(d.pos)) },
	}
}

// pairs tallies the cells of the rows at a position and lag after it.
func pairs(b bins, lag int64) *tally {
	return &tally{
		name: fmt.Sprintf("pairs at lag %d, %v", lag, b),
		prob: b.distinct(),
		cell: func(d draw) int64 { return b.of(d.row(d.pos))*b.k + b.of(d.lag(lag)) },
	}
}

// pairsAt tallies the cells of the rows at two fixed positions.
func pairsAt(b bins, first, second int64) *tally {
	return &tally{
		name: fmt.Sprintf("pairs at positions %d and %d, %v", first, second, b),
		prob: b.distinct(),
		cell: func(d draw) int64 { return b.of(d.row(first))*b.k + b.of(d.row(second)) },
	}
}

// differences tallies how many cells, modulo k, lie between the rows at a position and lag after it. With many
// cells it sees what a table of all pairs would need k times as many draws for.
func differences(b bins, lag int64) *tally {
	prob := make([]float64, b.k)
	for i, p := range b.distinct() {
		from, to := int64(i)/b.k, int64(i)%b.k
		prob[(to-from+b.k)%b.k] += p
	}
	return &tally{
		name: fmt.Sprintf("differences at lag %d, %v", lag, b),
		prob: prob,
		cell: func(d draw) int64 { return (b.of(d.lag(lag)) - b.of(d.row(d.pos)) + b.k) % b.k },
	}
}

// acrossEpochs tallies the cells of the rows at one position of an epoch and of the next.
func acrossEpochs(b bins) *tally {
	return &tally{
		name: fmt.Sprintf("pairs across epochs, %v", b),
		prob: b.independent(),
		cell: func(d draw) int64 { return b.of(d.row(d.pos))*b.k + b.of(d.nextEpoch(d.pos)) },
	}
}

// acrossSeeds does the same for a seed and the next.
func acrossSeeds(b bins) *tally {
	return &tally{
		name: fmt.Sprintf("pairs across seeds, %v", b),
		prob: b.independent(),
		cell: func(d draw) int64 { return b.of(d.row(d.pos))*b.k + b.of(d.nextSeed(d.pos)) },
	}
}
