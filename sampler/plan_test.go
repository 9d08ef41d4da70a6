package sampler

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
)

// model deals an epoch as docs/protocol.md words it, with lists: positions into global batches, each global batch
// like cards among the ranks. It returns, for every rank and step, the positions, and whether the last is padding.
type dealt struct {
	positions []int64
	pad       bool
}

func model(p Plan) [][]dealt {
	ranks := make([][]dealt, p.World)
	positions := []int64{}
	for pos := p.Start; pos < p.N; pos++ {
		positions = append(positions, pos)
	}
	for global := range slices.Chunk(positions, p.BatchSize*p.World) {
		if p.DropLast && len(global) < p.BatchSize*p.World {
			break
		}
		hands := make([][]int64, p.World)
		for i, pos := range global {
			hands[i%p.World] = append(hands[i%p.World], pos)
		}
		for r, hand := range hands {
			pad := len(hand) < len(hands[0])
			if pad {
				hand = append(hand, global[0])
			}
			ranks[r] = append(ranks[r], dealt{hand, pad})
		}
	}
	return ranks
}

// all returns what a plan gives every rank, in the model's form, read through a sequential epoch.
func all(t testing.TB, p Plan) [][]dealt {
	t.Helper()
	e := mustNew(t, Spec{N: p.N, Kind: Sequential}).Epoch(0)
	ranks := make([][]dealt, p.World)
	for r := range ranks {
		p.Rank = r
		if err := p.Validate(); err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		for b := range p.Steps() {
			batch := p.Batch(b)
			ranks[r] = append(ranks[r], dealt{e.Rows(nil, batch), batch.Pad == 1})
		}
	}
	return ranks
}

func sameDeal(a, b [][]dealt) bool {
	return slices.EqualFunc(a, b, func(a, b []dealt) bool {
		return slices.EqualFunc(a, b, func(a, b dealt) bool {
			return a.pad == b.pad && slices.Equal(a.positions, b.positions)
		})
	})
}

// plans calls f with every plan of a small world.
func plans(f func(Plan)) {
	for n := int64(0); n <= 26; n++ {
		for _, batch := range []int{1, 2, 3, 5, 30} {
			for _, world := range []int{1, 2, 3, 4, 7} {
				for _, start := range []int64{0, 1, n / 2, n} {
					for _, drop := range []bool{false, true} {
						if start <= n {
							f(Plan{N: n, Start: start, BatchSize: batch, World: world, DropLast: drop})
						}
					}
				}
			}
		}
	}
}

func TestAPlanDealsLikeTheModel(t *testing.T) {
	plans(func(p Plan) {
		if got, want := all(t, p), model(p); !sameDeal(got, want) {
			t.Fatalf("%+v:\n%v, the model deals\n%v", p, got, want)
		}
	})
}

func TestRanksTogetherGetEveryRowOnce(t *testing.T) {
	plans(func(p Plan) { checkUnion(t, p) })
}

// checkUnion holds the invariants that training relies on, for any order of the rows.
func checkUnion(t testing.TB, p Plan) {
	t.Helper()
	epoch := mustNew(t, Spec{N: p.N, Kind: Shuffle, Seed: 8}).Epoch(1)
	var got []int64
	padded := false
	for r := range p.World {
		p.Rank = r
		first := p
		first.Rank = 0
		if p.Steps() != first.Steps() || p.MayPad() != first.MayPad() {
			t.Fatalf("%+v: %d steps, rank 0 takes %d", p, p.Steps(), first.Steps())
		}
		for b := range p.Steps() {
			batch, zero := p.Batch(b), first.Batch(b)
			if batch.N != zero.N || batch.End != zero.End || batch.First != zero.First || batch.N < 1 || batch.N > p.BatchSize {
				t.Fatalf("%+v: batch %d is %+v, rank 0 has %+v", p, b, batch, zero)
			}
			if batch.N < p.BatchSize && (p.DropLast || b != p.Steps()-1) {
				t.Fatalf("%+v: batch %d of %d has %d rows", p, b, p.Steps(), batch.N)
			}
			rows := epoch.Rows(nil, batch)
			if batch.Pad == 1 && rows[batch.N-1] != epoch.At(batch.First) {
				t.Fatalf("%+v: batch %d pads with row %d", p, b, rows[batch.N-1])
			}
			padded = padded || batch.Pad == 1
			got = append(got, rows[:batch.N-batch.Pad]...)
		}
	}
	if padded != p.MayPad() {
		t.Fatalf("%+v: MayPad is %v", p, p.MayPad())
	}
	end := p.N
	if global := int64(p.BatchSize * p.World); p.DropLast {
		end -= (p.N - p.Start) % global
	}
	want := make([]int64, end-p.Start)
	epoch.Fill(want, p.Start, 1)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("%+v: ranks get rows %v, the epoch holds %v", p, got, want)
	}
}

func TestEqualProductsOfBatchAndWorldGiveEqualGlobalBatches(t *testing.T) {
	global := func(p Plan, b int64) []int64 {
		var rows []int64
		e := mustNew(t, Spec{N: p.N, Kind: Shuffle, Seed: 2}).Epoch(0)
		for r := range p.World {
			p.Rank = r
			batch := p.Batch(b)
			rows = append(rows, e.Rows(nil, batch)[:batch.N-batch.Pad]...)
		}
		slices.Sort(rows)
		return rows
	}
	for _, n := range []int64{0, 1, 11, 12, 13, 100, 1000} {
		for _, drop := range []bool{false, true} {
			one := Plan{N: n, BatchSize: 12, World: 1, DropLast: drop}
			for _, world := range []int{2, 3, 4, 6, 12} {
				many := Plan{N: n, BatchSize: 12 / world, World: world, DropLast: drop}
				if one.Steps() != many.Steps() {
					t.Fatalf("%+v takes %d steps, %+v %d", one, one.Steps(), many, many.Steps())
				}
				for b := range one.Steps() {
					if !slices.Equal(global(one, b), global(many, b)) || one.Batch(b).End != many.Batch(b).End {
						t.Fatalf("batch %d of %+v and %+v differ", b, one, many)
					}
				}
			}
		}
	}
}

func TestAResumedStreamGoesOnAsIfNeverCut(t *testing.T) {
	plans(func(p Plan) { checkResume(t, p) })
}

// checkResume cuts a stream after each batch and compares the rest.
func checkResume(t testing.TB, p Plan) {
	t.Helper()
	whole := all(t, p)
	for cut := range p.Steps() {
		rest := p
		rest.Start = p.Batch(cut).End
		if rest.Steps() > 0 && rest.MayPad() != p.MayPad() {
			t.Fatalf("%+v: cut after batch %d the schema changes", p, cut)
		}
		got := all(t, rest)
		for r := range got {
			got[r] = append(slices.Clone(whole[r][:cut+1]), got[r]...)
		}
		if !sameDeal(got, whole) {
			t.Fatalf("%+v: cut after batch %d:\n%v, uncut\n%v", p, cut, got, whole)
		}
	}
}

func TestAStreamMayGoOnWithAnotherNumberOfRanksFromAnyPosition(t *testing.T) {
	const n = 1000
	e := mustNew(t, Spec{N: n, Kind: Shuffle, Seed: 6}).Epoch(0)
	var got []int64
	take := func(p Plan, steps int64) int64 {
		end := p.Start
		for b := range steps {
			for r := range p.World {
				p.Rank = r
				batch := p.Batch(b)
				got = append(got, e.Rows(nil, batch)[:batch.N-batch.Pad]...)
				end = batch.End
			}
		}
		return end
	}
	pos := take(Plan{N: n, BatchSize: 32, World: 4}, 3)
	pos = take(Plan{N: n, Start: pos, BatchSize: 7, World: 3}, 5)
	last := Plan{N: n, Start: pos, BatchSize: 128, World: 1}
	take(last, last.Steps())
	want := make([]int64, n)
	for i := range want {
		want[i] = int64(i)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d rows, want each of %d once", len(got), n)
	}
}

func TestPlansNearTheLargestNumbersDoNotOverflow(t *testing.T) {
	const top = math.MaxInt64
	for _, c := range []struct {
		plan  Plan
		steps int64
		last  Batch
	}{
		{
			Plan{N: top, BatchSize: 128, World: 1},
			top/128 + 1,
			Batch{Pos: top - 127, Stride: 1, N: 127, First: top - 127, End: top},
		},
		{
			Plan{N: top, BatchSize: top, World: 1},
			1,
			Batch{Pos: 0, Stride: 1, N: top, First: 0, End: top},
		},
		{
			Plan{N: top, Start: top - 2, BatchSize: 1, World: top, Rank: top - 1},
			1,
			Batch{Pos: top - 2, Stride: top, N: 1, Pad: 1, First: top - 2, End: top},
		},
		{
			Plan{N: top, Start: top - 2, BatchSize: 1, World: top, Rank: 1},
			1,
			Batch{Pos: top - 1, Stride: top, N: 1, First: top - 2, End: top},
		},
		{
			Plan{N: top, BatchSize: 1 << 31, World: 1 << 31, Rank: 1<<31 - 1},
			2,
			Batch{Pos: 1<<62 + 1<<31 - 1, Stride: 1 << 31, N: 1 << 31, Pad: 1, First: 1 << 62, End: top},
		},
		{
			Plan{N: top, Start: 1, BatchSize: 1 << 31, World: 1 << 31, DropLast: true},
			1,
			Batch{Pos: 1, Stride: 1 << 31, N: 1 << 31, First: 1, End: 1<<62 + 1},
		},
	} {
		if err := c.plan.Validate(); err != nil {
			t.Errorf("%+v: %v", c.plan, err)
			continue
		}
		if got := c.plan.Steps(); got != c.steps {
			t.Errorf("%+v: %d steps, want %d", c.plan, got, c.steps)
			continue
		}
		if got := c.plan.Batch(c.steps - 1); got != c.last {
			t.Errorf("%+v: last batch %+v, want %+v", c.plan, got, c.last)
		}
	}
	e := mustNew(t, Spec{N: top, Kind: Shuffle}).Epoch(0)
	p := Plan{N: top, BatchSize: 128, World: 1}
	if rows := e.Rows(nil, p.Batch(p.Steps()-1)); len(rows) != 127 || rows[126] != e.At(top-1) {
		t.Errorf("the last batch of 2⁶³−1 rows holds %d", len(rows))
	}
}

func TestAPlanWithoutRowsHasNoSteps(t *testing.T) {
	for _, p := range []Plan{{BatchSize: 4, World: 2}, {N: 10, Start: 10, BatchSize: 4, World: 2}, {N: 3, BatchSize: 4, World: 1, DropLast: true}} {
		if p.Steps() != 0 || p.MayPad() {
			t.Errorf("%+v: %d steps, may pad %v", p, p.Steps(), p.MayPad())
		}
		if !panics(func() { p.Batch(0) }) || !panics(func() { p.Batch(-1) }) {
			t.Errorf("%+v gives a batch that it does not have", p)
		}
	}
}

func TestBadPlansAreRefusedByName(t *testing.T) {
	good := Plan{N: 10, Start: 10, BatchSize: 1, World: 2, Rank: 1}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, p := range map[string]Plan{
		"-1 rows; the number of rows must be 0 or more":                                                         {N: -1, BatchSize: 1, World: 1},
		"batch_size 0; it must be 1 or more":                                                                    {N: 1, World: 1},
		"batch_size -3; it must be 1 or more":                                                                   {N: 1, World: 1, BatchSize: -3},
		"world_size 0; it must be 1 or more":                                                                    {N: 1, BatchSize: 1},
		"rank 2; with world_size 2 it must be in [0, 2)":                                                        {N: 1, BatchSize: 1, World: 2, Rank: 2},
		"rank -1; with world_size 2 it must be in [0, 2)":                                                       {N: 1, BatchSize: 1, World: 2, Rank: -1},
		"position 11; an epoch of 10 rows has positions 0 to 10":                                                {N: 10, Start: 11, BatchSize: 1, World: 1},
		"position -1; an epoch of 10 rows has positions 0 to 10":                                                {N: 10, Start: -1, BatchSize: 1, World: 1},
		fmt.Sprintf("batch_size %d × world_size 2 does not fit 63 bits; use a smaller batch_size", math.MaxInt): {N: 10, BatchSize: math.MaxInt, World: 2},
	} {
		if err := p.Validate(); !errors.Is(err, ErrInvalid) || err.Error() != "sampler: invalid argument: "+want {
			t.Errorf("%+v: %v, want %s", p, err, want)
		}
	}
}

// FuzzPlan checks any plan against the model where it is small enough to deal out, and by its first and last batches
// where it is not.
func FuzzPlan(f *testing.F) {
	f.Add(int64(0), int64(0), 1, 1, 0, false)
	f.Add(int64(100), int64(37), 4, 3, 2, false)
	f.Add(int64(100), int64(0), 100, 1, 0, true)
	f.Add(int64(math.MaxInt64), int64(5), 1<<31, 1<<31, 1<<30, false)
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64-1), 1, math.MaxInt, math.MaxInt-1, false)
	f.Add(int64(-1), int64(-1), -1, -1, -1, true)
	f.Fuzz(func(t *testing.T, n, start int64, batch, world, rank int, drop bool) {
		p := Plan{N: n, Start: start, BatchSize: batch, World: world, Rank: rank, DropLast: drop}
		if err := p.Validate(); err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("%+v: %v", p, err)
			}
			return
		}
		if n <= 200 && world <= 20 && batch <= 1000 {
			if got, want := all(t, p), model(p); !sameDeal(got, want) {
				t.Fatalf("%+v:\n%v, the model deals\n%v", p, got, want)
			}
			checkUnion(t, p)
			checkResume(t, p)
		}
		checkEnds(t, p)
	})
}

// checkEnds holds a plan of any size to what can be said of single batches.
func checkEnds(t *testing.T, p Plan) {
	t.Helper()
	steps := p.Steps()
	if steps < 0 || steps > p.N {
		t.Fatalf("%+v: %d steps", p, steps)
	}
	ends := []int64{0, 1, steps - 2, steps - 1}
	slices.Sort(ends)
	at, next := p.Start, int64(0)
	for _, b := range slices.Compact(ends) {
		if b < 0 || b >= steps {
			continue
		}
		got := p.Batch(b)
		own := int64(got.N - got.Pad)
		if got.First < at || b == next && got.First != at || got.End <= got.First || got.End > p.N {
			t.Fatalf("%+v: batch %d is %+v", p, b, got)
		}
		if got.Pos < got.First || got.Pos >= got.End || got.N < 1 || got.N > p.BatchSize || got.Pad < 0 || got.Pad > 1 || own < 0 {
			t.Fatalf("%+v: batch %d is %+v", p, b, got)
		}
		// The rank's last own row lies inside the global batch, and one more would not.
		if own > 0 && (own-1 > (got.End-1-got.Pos)/got.Stride || own < (got.End-1-got.Pos)/got.Stride+1) {
			t.Fatalf("%+v: batch %d is %+v, which is not its share", p, b, got)
		}
		if got.Pad == 1 && !p.MayPad() {
			t.Fatalf("%+v: batch %d pads, MayPad says no", p, b)
		}
		at, next = got.End, b+1
	}
	if steps > 0 && !p.DropLast && at != p.N {
		t.Fatalf("%+v: the last batch ends at %d", p, at)
	}
}
