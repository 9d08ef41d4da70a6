package daemon

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestMessagesAreHeldBackForAMomentWhereStreamsShareTheWorkers(t *testing.T) {
	for _, tc := range []struct {
		name          string
		lanes, queued int
		size          int
		done          time.Duration // when the next frame is, after the first message was queued
		want          bool
		took          time.Duration
	}{
		{"until the next frame is done", 2, 1, 1 << 20, time.Millisecond, true, time.Millisecond},
		{"but not for long", 2, 1, 1 << 20, time.Second, false, burstWait},
		{"not when nothing is queued", 2, 0, 1 << 20, time.Millisecond, false, 0},
		{"not when enough are queued", 2, burstFrames, 1 << 20, time.Millisecond, false, 0},
		{"not where frames are large", 2, 1, burstBytes + 1, time.Millisecond, false, 0},
		{"not for a stream that has the workers for itself", 1, 1, 1 << 20, time.Millisecond, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPool(1)
				for range tc.lanes {
					p.submit(new(lane), &frame{n: 2}, 1)
				}
				var b burst
				for range tc.queued {
					b.add()
				}
				start := time.Now()
				f := &frame{size: tc.size, done: make(chan struct{})}
				time.AfterFunc(tc.done, func() { close(f.done) })
				if got := b.wait(f, p); got != tc.want || time.Since(start) != tc.took {
					t.Errorf("%v after %v, want %v after %v", got, time.Since(start), tc.want, tc.took)
				}
				<-f.done
			})
		})
	}
}
