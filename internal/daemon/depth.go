package daemon

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/loaderd/loaderd/ipc"
)

const (
	// minFrames is what a `for` loop needs: the batch in its hands, the next one, and one being filled.
	minFrames = 3
	// maxFrames bounds what a client may ask for; more read-ahead than this hides no latency.
	maxFrames = 1024
	// ownFrames is the least and the most that we choose: with fewer than four the workers wait for the client as often as
	// it waits for them, and what sixteen do not hide is no latency.
	ownFrames, ownMost = 4, 16
	// roamFactor is how many times the agreed number of frames may be out when they turn out small enough
	// to fit: sparse batches are mostly well below their bound.
	roamFactor = 4
	// largeRing is what a ring has from which it is written past the caches. A cache that others share keeps less than it
	// could, so that this measures better than its size.
	largeRing = 16 << 20
	// commonCache is the last-level cache of a machine that does not tell.
	commonCache = 32 << 20
)

// depthFor is the number of frames of a ring: what the client asks to have ready beside the two it holds, or
// as many as a cache of that size keeps, within bounds.
func depthFor(prefetch int, bound, cache int64) int {
	if prefetch > 0 {
		return max(minFrames, prefetch+2)
	}
	return int(min(ownMost, max(ownFrames, cache/bound)))
}

// roomFor is the room that a frame of size bytes takes in a ring, where the largest there can be takes most. Sizes are few,
// so that what one sparse batch leaves fits the next, which is a little larger or smaller.
func roomFor(size, most int64) int64 {
	step := ipc.FrameSize(most / 16)
	return min(most, (ipc.FrameSize(size)+step-1)/step*step)
}

// lastLevelCache is the size in bytes of the largest cache of the first processor.
var lastLevelCache = sync.OnceValue(func() int64 {
	return largestCache(os.DirFS("/sys/devices/system/cpu/cpu0/cache"))
})

// largestCache reads the sizes that Linux gives for a processor's caches (Documentation/ABI/testing/sysfs-devices-system-cpu).
func largestCache(dir fs.FS) int64 {
	largest := int64(0)
	names, err := fs.Glob(dir, "index*/size")
	if err != nil {
		return commonCache
	}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			continue
		}
		kib, ok := strings.CutSuffix(strings.TrimSpace(string(text)), "K")
		n, err := strconv.ParseInt(kib, 10, 32)
		if ok && err == nil {
			largest = max(largest, n<<10)
		}
	}
	if largest == 0 {
		return commonCache
	}
	return largest
}
