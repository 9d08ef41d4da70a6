package daemon

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestMessagesOfSmallFramesAreHeldBackForAMoment(t *testing.T) {
	for _, tc := range []struct {
		name   string
		queued int
		size   int
		done   time.Duration // when the next frame is, after the first message was queued
		want   bool
		took   time.Duration
	}{
		{"until the next frame is done", 1, 1 << 20, time.Millisecond, true, time.Millisecond},
		{"but not for long", 1, 1 << 20, time.Second, false, burstWait},
		{"not when nothing is queued", 0, 1 << 20, time.Millisecond, false, 0},
		{"not when enough are queued", burstFrames, 1 << 20, time.Millisecond, false, 0},
		{"not where frames are large", 1, burstBytes + 1, time.Millisecond, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b burst
				for range tc.queued {
					b.add()
				}
				start := time.Now()
				f := &frame{size: tc.size, done: make(chan struct{})}
				time.AfterFunc(tc.done, func() { close(f.done) })
				if got := b.wait(f); got != tc.want || time.Since(start) != tc.took {
					t.Errorf("%v after %v, want %v after %v", got, time.Since(start), tc.want, tc.took)
				}
				<-f.done
			})
		})
	}
}
