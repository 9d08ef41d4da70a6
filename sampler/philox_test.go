package sampler

import (
	"fmt"
	"math"
	"testing"
)

func TestPhiloxGivesThePublishedAnswers(t *testing.T) {
	// From kat_vectors of Random123 1.14 ("philox4x64 10"): counter, key, output. The third is the digits of π.
	for _, c := range []struct {
		ctr  [4]uint64
		key  [2]uint64
		want [4]uint64
	}{
		{
			want: [4]uint64{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b},
		},
		{
			ctr:  [4]uint64{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64},
			key:  [2]uint64{math.MaxUint64, math.MaxUint64},
			want: [4]uint64{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0},
		},
		{
			ctr:  [4]uint64{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
			key:  [2]uint64{0x452821e638d01377, 0xbe5466cf34e90c6c},
			want: [4]uint64{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6},
		},
	} {
		if got := philox(c.ctr, c.key); got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.ctr, c.key, got, c.want)
		}
	}
}

func TestAStreamIsThePhiloxOutputsOfItsCounters(t *testing.T) {
	s := newStream(11, 22, 33, forFeistel)
	for block := range uint64(3) {
		for _, want := range philox([4]uint64{block, 33, uint64(forFeistel), 0}, [2]uint64{11, 22}) {
			if got := s.next(); got != want {
				t.Fatalf("block %d: %x, want %x", block, got, want)
			}
		}
	}
}

func TestBoundedNumbersAreUniformAlsoWhereMostWordsAreRejected(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 10, 97, 1 << 16, 1<<63 + 1, 3 << 62} {
		s := newStream(1, int64(n>>1), 0, forTable)
		cells := min(n, 97)
		counts := make([]int64, cells)
		for range 100_000 {
			v := s.below(n)
			if v >= n {
				t.Fatalf("below(%d) = %d", n, v)
			}
			counts[min(v/(n/cells), cells-1)]++
		}
		prob := make([]float64, cells)
		for i := range prob {
			prob[i] = float64(n/cells) / float64(n)
		}
		prob[cells-1] = 1 - float64(cells-1)*prob[0]
		fit(counts, prob).ok(t, fmt.Sprintf("below(%d)", n))
	}
}

func TestBoundedNumbersAreWhatLemiresMethodKeeps(t *testing.T) {
	// With n just over 2^63 nearly half of the words are rejected: a word w is kept when the low half of w·n is at
	// least 2^64 mod n = 2^63 − 1.
	const n = 1<<63 + 1
	words, s := newStream(5, 6, 7, forTable), newStream(5, 6, 7, forTable)
	for range 1000 {
		got := s.below(n)
		for {
			w := words.next()
			lo := w * n
			if lo >= (1<<63 - 1) {
				// hi of w·(2^63+1) = w/2 plus the carry of w + (w<<63).
				want := w >> 1
				if (w<<63)+w < w {
					want++
				}
				if got != want {
					t.Fatalf("below = %d, want %d", got, want)
				}
				break
			}
		}
	}
}
