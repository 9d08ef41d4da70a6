package daemon

import "github.com/loaderd/loaderd/ipc"

const (
	// minFrames is what a `for` loop needs: the batch in its hands, the next one, and one being filled.
	minFrames = 3
	// maxFrames bounds what a client may ask for; more read-ahead than this hides no latency.
	maxFrames = 1024
	// ownFrames and ownMost are the fewest and the most frames that we choose, and ringTarget the ring's size where that
	// leaves a choice: with less, the workers have filled all there is before the client's releases are read, and wait.
	ownFrames, ownMost = 4, 32
	ringTarget         = 64 << 20
	// largeRing is what a ring has from which it is written past the caches: they would not keep it until it is read.
	largeRing = 16 << 20
	// roamFactor is how many times the agreed number of frames may be out when they turn out small enough
	// to fit: sparse batches are mostly well below their bound.
	roamFactor = 4
	// aheadFactor is how many frames for each worker are planned and not yet announced: each takes memory besides its room in
	// the ring, and more would bring nothing.
	aheadFactor = 2
)

// depthFor is the number of frames of a ring: what the client asks to have ready beside the two it holds, or our choice
// for frames of at most bound bytes.
func depthFor(prefetch int, bound int64) int {
	if prefetch > 0 {
		return max(minFrames, prefetch+2)
	}
	return int(min(ownMost, max(ownFrames, ringTarget/bound)))
}

// roomFor is the room that a frame of size bytes takes in a ring, where the largest there can be takes most. Sizes are few,
// so that what one sparse batch leaves fits the next, which is a little larger or smaller.
func roomFor(size, most int64) int64 {
	step := ipc.FrameSize(most / 16)
	return min(most, (ipc.FrameSize(size)+step-1)/step*step)
}
