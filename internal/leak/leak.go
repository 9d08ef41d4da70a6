package leak

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long what a test used may take to go: a goroutine that was told to end, a killed process.
const patience = 5 * time.Second

// Check fails the test if, at its end, something is there that was not there now.
func Check(t testing.TB) {
	t.Helper()
	before := take()
	t.Cleanup(func() {
		t.Helper()
		if t.Failed() {
			return // what it left behind is no news
		}
		for _, line := range settle(before, patience) {
			t.Error(line)
		}
	})
}

// settle waits until nothing is left, or for d, and returns what is left.
func settle(before census, d time.Duration) []string {
	deadline := time.After(d)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		left := take().since(before)
		if len(left) == 0 {
			return nil
		}
		select {
		case <-deadline:
			return left
		case <-tick.C:
		}
	}
}

// census is what there is of each kind: what to call it, by what identifies it.
type census map[string]map[string]string

func take() census {
	c := census{"goroutine": goroutines()}
	for kind, list := range system() {
		c[kind] = list
	}
	return c
}

// since lists what is in c and was not in before.
func (c census) since(before census) (left []string) {
	for kind, now := range c {
		for id, name := range now {
			if _, was := before[kind][id]; !was {
				left = append(left, fmt.Sprintf("left behind: %s %s", kind, name))
			}
		}
	}
	slices.Sort(left)
	return left
}

// goroutines lists all but the calling one and those that the runtime and package testing keep.
func goroutines() map[string]string {
	buf := make([]byte, 64<<10)
	n := runtime.Stack(buf, true)
	for n == len(buf) {
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	list := make(map[string]string)
	for i, stack := range strings.Split(string(buf[:n]), "\n\n") {
		if i == 0 || isRuntime(stack) {
			continue
		}
		head, _, _ := strings.Cut(stack, " [")
		list[head] = stack
	}
	return list
}

func isRuntime(stack string) bool {
	for _, own := range []string{
		"testing.(*M)", "testing.(*T).Run(", "testing.tRunner(", "testing.runFuzzing(", "testing.runTests(", "testing.(*F).Fuzz",
		"os/signal.signal_recv(", "os/signal.loop(", "runtime.ensureSigM(", "created by runtime", "created by testing.runFuzzing",
	} {
		if strings.Contains(stack, own) {
			return true
		}
	}
	return false
}
