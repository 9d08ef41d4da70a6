package daemon

import (
	"testing"
	"testing/fstest"
)

func TestTheDepthIsWhatTheCacheKeeps(t *testing.T) {
	for _, tt := range []struct {
		name         string
		prefetch     int
		bound, cache int64
		want         int
	}{
		{"dense batches of 10 MB", 0, 10 << 20, 32 << 20, 4},
		{"sparse batches of 2 MB", 0, 2 << 20, 32 << 20, 16},
		{"batches of 4 MB", 0, 4 << 20, 32 << 20, 8},
		{"a larger cache", 0, 10 << 20, 96 << 20, 9},
		{"batches larger than the cache", 0, 300 << 20, 32 << 20, 4},
		{"one batch ahead is asked for", 1, 300 << 20, 32 << 20, 3},
		{"twenty are asked for", 20, 10 << 20, 32 << 20, 22},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := depthFor(tt.prefetch, tt.bound, tt.cache); got != tt.want {
				t.Errorf("%d frames, want %d", got, tt.want)
			}
		})
	}
}

func TestTheLargestCacheIsFoundOrGuessed(t *testing.T) {
	size := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for _, tt := range []struct {
		name string
		dir  fstest.MapFS
		want int64
	}{
		{"three levels", fstest.MapFS{"index0/size": size("32K\n"), "index2/size": size("1024K\n"), "index3/size": size("98304K\n")}, 96 << 20},
		{"no cache is told", fstest.MapFS{}, commonCache},
		{"what is told is no size", fstest.MapFS{"index0/size": size("many\n"), "index1/size": size("12M\n"), "index2/size": size("-5K\n")}, commonCache},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := largestCache(tt.dir); got != tt.want {
				t.Errorf("%d bytes, want %d", got, tt.want)
			}
		})
	}
}
