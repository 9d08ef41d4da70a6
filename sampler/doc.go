// Package sampler says which rows come in which order, and how they are dealt to batches and ranks.
//
// # What it is
//
// The order of an epoch is a pure function: row(seed, epoch, position), with random access and no state. An
// [Order] holds the seed, an [Epoch] one epoch of it, and a [Plan] cuts an epoch into batches. Nothing here does
// input or output, starts a goroutine or reads a clock, so a stream can be resumed, repeated, moved to another
// machine or dealt to another number of ranks by saying a position.
//
// # Orders
//
// [Sequential] is row = position. [Shuffle] is an exact uniform shuffle of all rows, a new one for every epoch:
//
//   - up to 65,536 rows, a Fisher–Yates table drawn with Philox4x64-10 and Lemire's unbiased bounded integers: every
//     permutation is as likely as every other, but that 128 bits of seed and epoch cannot name all of them once there
//     are more than 34 rows;
//   - above, a keyed bijection on [0, n): a Feistel network of ten rounds on a domain of a × b ≥ n numbers, a and b
//     being next to √n, walked until it lands in [0, n). Philox gives the round keys, SplitMix64 is the round function.
//
// The tests hold single rows, pairs at neighbouring positions, pairs across epochs and across seeds, batches over
// files and over neighbouring rows against what a true shuffle would give, and show that a network of three or four
// rounds, which looks right row by row, fails them. None of it is meant to keep a secret.
//
// # Invariants
//
//   - For every seed and epoch, At is a permutation of [0, N).
//   - An order never changes: golden files freeze it, and [Version] names it in saved states.
//   - The union over ranks of the rows that are not padding is the epoch's rows, each once (without those that
//     DropLast leaves out); every rank takes the same number of steps of the same sizes.
//   - A stream cut after any global batch and resumed at [Batch].End gives what the whole stream would have given.
//   - Memory: at most 128 KiB an Epoch up to 65,536 rows, some 150 bytes above, whatever n.
//   - All arithmetic is right up to n = 2⁶³−1.
//
// # Caveats
//
// The order depends on n: a collection with one row more is shuffled anew. At, Fill and Plan.Batch panic on a
// position or batch that is out of range, as indexing a slice does; Validate is for what users type.
package sampler
