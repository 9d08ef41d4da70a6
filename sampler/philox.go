package sampler

import "math/bits"

// philoxRounds is the round count that Salmon et al. recommend and that numpy's Philox uses. It passes
// BigCrush with a margin: seven rounds already do.
const philoxRounds = 10

// Multipliers and key increments of Philox4x64.
const (
	philoxM0 = 0xD2E7470EE14C6C93
	philoxM1 = 0xCA5A826395121157
	philoxW0 = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	philoxW1 = 0xBB67AE8584CAA73B // 2^64 (√3 − 1)
)

// philox is Philox4x64-10: a keyed bijection on 256-bit counters whose outputs for counters 0, 1, 2 … are a
// random stream. It has no state, so any number of the stream costs the same.
//
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC11.
func philox(ctr [4]uint64, key [2]uint64) [4]uint64 {
	for range philoxRounds {
		hi0, lo0 := bits.Mul64(philoxM0, ctr[0])
		hi1, lo1 := bits.Mul64(philoxM1, ctr[2])
		ctr = [4]uint64{hi1 ^ ctr[1] ^ key[0], lo1, hi0 ^ ctr[3] ^ key[1], lo0}
		key[0] += philoxW0
		key[1] += philoxW1
	}
	return ctr
}

// purpose keeps apart the random streams that one (seed, n, epoch) needs. The numbers are part of the frozen
// orders.
type purpose uint64

const (
	forTable   purpose = 1 // swaps of the Fisher–Yates table
	forFeistel purpose = 2 // round keys of the Feistel network
)

// stream reads the Philox outputs of one (seed, n, epoch, purpose) one word at a time. Seed and n are the key,
// epoch and purpose are high words of the counter: no two streams share a counter under one key.
type stream struct {
	key  [2]uint64
	ctr  [4]uint64
	out  [4]uint64
	used int
}

func newStream(seed uint64, n int64, epoch uint64, why purpose) *stream {
	return &stream{
		key:  [2]uint64{seed, uint64(n)},
		ctr:  [4]uint64{0, epoch, uint64(why), 0},
		used: 4,
	}
}

func (s *stream) next() uint64 {
	if s.used == len(s.out) {
		s.out = philox(s.ctr, s.key)
		s.ctr[0]++
		s.used = 0
	}
	v := s.out[s.used]
	s.used++
	return v
}

// below returns a number uniform on [0, n), n > 0, without bias: the words that would make some results likelier
// than others are drawn again.
//
// D. Lemire: "Fast random integer generation in an interval", ACM TOMACS 29 (2019), doi:10.1145/3230636.
func (s *stream) below(n uint64) uint64 {
	hi, lo := bits.Mul64(s.next(), n)
	if lo < n {
		for reject := -n % n; lo < reject; {
			hi, lo = bits.Mul64(s.next(), n)
		}
	}
	return hi
}
