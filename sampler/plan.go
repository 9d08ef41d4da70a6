package sampler

import (
	"fmt"
	"math"
)

// Plan cuts one epoch's positions into global batches, and each global batch among ranks.
//
// Global batch b holds the G = BatchSize × World positions [Start + b·G, Start + (b+1)·G); rank r takes every
// World-th of them from the r-th. The last global batch may hold m < G positions: DropLast leaves it out; else
// each rank takes ⌈m / World⌉ rows, and a rank whose share is one short repeats the global batch's first row.
// Every rank thus takes the same number of steps of the same sizes, and equal BatchSize × World gives equal
// global batches.
//
// A Plan is a value; its methods are pure and expect that Validate passed.
type Plan struct {
	N         int64 // positions of the epoch
	Start     int64 // first position, in [0, N]: where the stream begins or resumes
	BatchSize int   // rows of a full batch of one rank, ≥ 1
	World     int   // ranks, ≥ 1
	Rank      int   // in [0, World)
	DropLast  bool
}

// Batch is one rank's share of a global batch: N−Pad rows at positions Pos, Pos+Stride, …, then Pad rows that
// repeat position First.
type Batch struct {
	Pos    int64 // first position; First where the rank has no row of its own (N == Pad)
	Stride int64 // from one of its positions to the next: the number of ranks
	N      int   // rows, the pad row included
	Pad    int   // 0 or 1; the pad row is the last
	First  int64 // the global batch's first position
	End    int64 // the position after the global batch: what a state saved after this batch holds
}

// Validate reports the first thing wrong with the plan; the error wraps ErrInvalid.
func (p Plan) Validate() error {
	switch {
	case p.N < 0:
		return fmt.Errorf("%w: %d rows; the number of rows must be 0 or more", ErrInvalid, p.N)
	case p.BatchSize < 1:
		return fmt.Errorf("%w: batch_size %d; it must be 1 or more", ErrInvalid, p.BatchSize)
	case p.World < 1:
		return fmt.Errorf("%w: world_size %d; it must be 1 or more", ErrInvalid, p.World)
	case p.Rank < 0 || p.Rank >= p.World:
		return fmt.Errorf("%w: rank %d; with world_size %d it must be in [0, %d)", ErrInvalid, p.Rank, p.World, p.World)
	case p.Start < 0 || p.Start > p.N:
		return fmt.Errorf("%w: position %d; an epoch of %d rows has positions 0 to %d", ErrInvalid, p.Start, p.N, p.N)
	case int64(p.BatchSize) > math.MaxInt64/int64(p.World):
		return fmt.Errorf("%w: batch_size %d × world_size %d does not fit 63 bits; use a smaller batch_size",
			ErrInvalid, p.BatchSize, p.World)
	}
	return nil
}

// global returns the number of positions of a full global batch.
func (p Plan) global() int64 { return int64(p.BatchSize) * int64(p.World) }

// tail returns the positions left over after the last full global batch.
func (p Plan) tail() int64 { return (p.N - p.Start) % p.global() }

// Steps returns the number of batches, the same for every rank.
func (p Plan) Steps() int64 {
	full := (p.N - p.Start) / p.global()
	if p.tail() > 0 && !p.DropLast {
		full++
	}
	return full
}

// MayPad reports whether some rank's last batch has a pad row. It is the same for every rank, so that all see
// one schema.
func (p Plan) MayPad() bool {
	return !p.DropLast && p.tail()%int64(p.World) != 0
}

// Batch returns batch b of this rank. It panics unless 0 ≤ b < Steps.
func (p Plan) Batch(b int64) Batch {
	if b < 0 || b >= p.Steps() {
		panic(fmt.Sprintf("sampler: batch %d outside [0, %d)", b, p.Steps()))
	}
	first := p.Start + b*p.global()
	rows := min(p.global(), p.N-first)
	world, rank := int64(p.World), int64(p.Rank)
	batch := Batch{Pos: first, Stride: world, First: first, End: first + rows}
	batch.N = int((rows-1)/world + 1)
	if short := rows % world; short != 0 && rank >= short {
		batch.Pad = 1
	}
	if batch.N > batch.Pad {
		batch.Pos += rank
	}
	return batch
}
