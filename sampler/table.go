package sampler

// tableMax is the largest n whose order is a table. Below some thousands of rows a Feistel network with so few
// bits cannot reach most permutations; a table is exact, and at 2 bytes a row it stays at 128 KiB or less.
const tableMax = 1 << 16

// newTable draws a permutation of [0, n), n ≤ tableMax, each with the same probability: Durstenfeld's form of
// the Fisher–Yates shuffle (CACM 7 (1964) 420, Algorithm 235).
func newTable(n int64, s *stream) []uint16 {
	t := make([]uint16, n)
	for i := range t {
		t[i] = uint16(i)
	}
	for i := len(t) - 1; i > 0; i-- {
		j := s.below(uint64(i) + 1)
		t[i], t[j] = t[j], t[i]
	}
	return t
}
