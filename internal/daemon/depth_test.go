package daemon

import "testing"

func TestTheDepthIsWhatIsAskedForOrWhatFitsTheRing(t *testing.T) {
	for _, tt := range []struct {
		name     string
		prefetch int
		bound    int64
		want     int
	}{
		{"dense batches of 10 MB", 0, 10 << 20, 6},
		{"sparse batches of 2 MB", 0, 2 << 20, 32},
		{"small batches", 0, 4096, 32},
		{"batches larger than a ring should be", 0, 300 << 20, 4},
		{"one batch ahead is asked for", 1, 300 << 20, 3},
		{"fifty are asked for", 50, 10 << 20, 52},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := depthFor(tt.prefetch, tt.bound); got != tt.want {
				t.Errorf("%d frames, want %d", got, tt.want)
			}
		})
	}
}
