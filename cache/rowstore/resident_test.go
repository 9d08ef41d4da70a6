package rowstore

import "testing"

// A table whose rows stay in memory is seldom looked at: a look is a call of the kernel. One that is not is asked for
// in whole, and looked at each time.
func TestRowsThatStayInMemoryAreSeldomLookedAt(t *testing.T) {
	var r residency
	turn := uint32(0)
	calls := func(n int, resident bool) (looks, asks int) {
		for range n {
			if turn++; !r.look(turn) {
				continue
			}
			looks++
			if r.found(resident) {
				asks++
			}
		}
		return looks, asks
	}
	for _, step := range []struct {
		name     string
		calls    int
		resident bool
		looks    int
		asks     int
	}{
		{"at first each call looks", warmCalls, true, warmCalls, 0},
		{"then one of some", 10 * warmTurns, true, 10, 0},
		{"the next that looks and does not find a row asks for all, and so do those after it", warmTurns + 4, false, 5, 5},
		{"as some do that find theirs", coldCalls, true, coldCalls, coldCalls},
		{"but not for ever", warmCalls - coldCalls, true, warmCalls - coldCalls, 0},
		{"and again it is enough to look now and then", 2 * warmTurns, true, 2, 0},
	} {
		if looks, asks := calls(step.calls, step.resident); looks != step.looks || asks != step.asks {
			t.Fatalf("%s: %d looks and %d asked, want %d and %d", step.name, looks, asks, step.looks, step.asks)
		}
	}
}
