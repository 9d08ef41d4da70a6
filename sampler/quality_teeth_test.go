package sampler

import (
	"fmt"
	"strings"
	"testing"
)

// least returns the tally with the smallest p.
func least(results map[string]chi2) (name string, c chi2) {
	p := 2.0
	for n, r := range results {
		if q := r.upper(); q < p {
			name, c, p = n, r, q
		}
	}
	return name, c
}

// A network of three or four rounds is what many implementations stop at. Row by row it looks perfect; pairs give it
// away. If these tests stop failing it, they have lost their teeth.
func TestAWeakNetworkPassesRowByRowAndFailsByPairs(t *testing.T) {
	const farBelow = 1e-12
	for _, s := range []size{{700, 35, 20_000}, {1<<20 - 1, 64, 400_000}, {1<<20 + 1, 64, 400_000}} {
		for _, rounds := range []int{3, 4} {
			t.Run(fmt.Sprintf("n = %d, %d rounds", s.n, rounds), func(t *testing.T) {
				t.Parallel()
				tallies := battery(s.n, s.cells)
				results := network(s.n, rounds).judge(s.draws, tallies...)
				results[tallies[0].name].ok(t, tallies[0].name)
				name, c := least(results)
				if c.upper() > farBelow {
					t.Errorf("the pair tests do not see the weakness; the worst is %s: %v", name, c)
				}
				if !strings.HasPrefix(name, "pairs") && !strings.HasPrefix(name, "differences") {
					t.Errorf("it failed %s, which is no test of pairs", name)
				}
				t.Logf("%s: %v", name, c)
			})
		}
	}
}

// The product's network passes where its halves have only ten and 27 values, a hundredth of what it is used for.
func TestTheNetworkHasAMarginFarBelowTheSizesItIsUsedFor(t *testing.T) {
	for _, s := range []size{{100, 100, 50_000}, {700, 35, 20_000}} {
		t.Run(fmt.Sprintf("n = %d", s.n), func(t *testing.T) {
			t.Parallel()
			for name, c := range network(s.n, feistelRounds).judge(s.draws, battery(s.n, s.cells)...) {
				c.ok(t, name)
			}
		})
	}
}

// A handful of rows is why there are tables: ten rounds on halves of two or three values reach permutations unevenly.
func TestTheNetworkIsNoShuffleOfAHandfulOfRows(t *testing.T) {
	if name, c := least(network(6, feistelRounds).judge(50_000, battery(6, 6)...)); c.upper() > 1e-12 {
		t.Errorf("it passes now (%s: %v): is the table still needed?", name, c)
	}
}
