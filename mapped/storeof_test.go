package mapped

import (
	"math/rand/v2"
	"testing"
)

func TestEveryRowIsOfTheLastStoreThatBeginsBeforeIt(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for stores := 1; stores < 40; stores++ {
		c := &Collection{stores: make([]*store, stores), starts: []int64{0}}
		for range stores {
			c.starts = append(c.starts, c.starts[len(c.starts)-1]+r.Int64N(4)) // some are empty
		}
		for row := range c.starts[stores] {
			want := stores - 1
			for c.starts[want] > row {
				want--
			}
			if got := c.storeOf(row); got != want {
				t.Fatalf("row %d of stores that begin at %d: %d, want %d", row, c.starts, got, want)
			}
		}
	}
}
