package mapped

import "testing"

func TestBytesAreSummedAsOneByOne(t *testing.T) {
	for n := range 3000 {
		r := seeded(uint64(n))
		b, want := make([]byte, n), uint64(0)
		for i := range b {
			b[i] = byte(255 - r.IntN(2)*r.IntN(256))
			want += uint64(b[i])
		}
		if got := sumBytes(b); got != want {
			t.Fatalf("%d bytes sum up to %d, want %d", n, got, want)
		}
	}
}
