package daemon

import "time"

const (
	burstFrames = 8
	burstBytes  = 4 << 20
	burstWait   = 3 * time.Millisecond
)

// burst holds messages of small frames back for a moment, so that several go at once, as long as a further frame is being filled.
// A client that has to wait would else wake up for every single batch, with caches that others have emptied, and for little work:
// that takes a tenth of the machine, and with several clients more. One that has batches left is not kept waiting by it.
type burst struct {
	held  int // messages that are queued and not sent
	since time.Time
	timer *time.Timer
}

// add notes a message that is queued.
func (b *burst) add() {
	if b.held++; b.held == 1 {
		b.since = time.Now()
	}
}

// wait waits a moment for f, the next frame, if what is held back may wait for it. False: send what there is, now.
func (b *burst) wait(f *frame) bool {
	left := burstWait - time.Since(b.since)
	if b.held == 0 || b.held >= burstFrames || f.size > burstBytes || left <= 0 {
		return false
	}
	if b.timer == nil {
		b.timer = time.NewTimer(left)
	} else {
		b.timer.Reset(left)
	}
	defer b.timer.Stop()
	select {
	case <-f.done:
		return true
	case <-b.timer.C:
		return false
	}
}
