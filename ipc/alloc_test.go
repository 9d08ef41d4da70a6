package ipc

import (
	"math/rand/v2"
	"testing"
)

// pages is the model: which pages are taken.
type pages []bool

// place is the lowest run of k free pages.
func (p pages) place(k int) (int, bool) {
	run := 0
	for i, taken := range p {
		if run++; taken {
			run = 0
		}
		if run == k {
			return i - k + 1, true
		}
	}
	return 0, false
}

func (p pages) set(at, k int, taken bool) {
	for i := range k {
		p[at+i] = taken
	}
}

func TestAllocatorDoesWhatABitmapDoes(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 1 + rng.IntN(200)
		a, model := NewAllocator(int64(n)*FrameAlign+int64(rng.IntN(FrameAlign))), make(pages, n)
		held := map[int64]int{}
		for range 2000 {
			if rng.IntN(2) == 0 {
				bytes := int64(rng.IntN(n * FrameAlign * 3 / 4))
				k := int(FrameSize(bytes) / FrameAlign)
				off, ok := a.Alloc(bytes)
				at, fits := model.place(k)
				if ok != fits || ok && off != int64(at)*FrameAlign {
					t.Fatalf("seed %d: Alloc(%d) = %d, %v; the bitmap has %d, %v; %s", seed, bytes, off, ok, at*FrameAlign, fits, a)
				}
				if ok {
					model.set(at, k, true)
					held[off] = k
				}
			} else {
				off := int64(rng.IntN(n)) * FrameAlign
				if rng.IntN(20) == 0 {
					off++
				}
				k, ok := held[off]
				if got := a.Free(off); got != ok {
					t.Fatalf("seed %d: Free(%d) = %v, want %v", seed, off, got, ok)
				}
				if ok {
					model.set(int(off/FrameAlign), k, false)
					delete(held, off)
				}
			}
			inUse := int64(0)
			for _, taken := range model {
				if taken {
					inUse += FrameAlign
				}
			}
			if a.InUse() != inUse || a.Frames() != len(held) {
				t.Fatalf("seed %d: %s; the bitmap has %d bytes in %d frames", seed, a, inUse, len(held))
			}
		}
		for off := range held {
			a.Free(off)
		}
		if off, ok := a.Alloc(a.Size()); !ok || off != 0 {
			t.Fatalf("seed %d: all was given back, and the whole does not fit: %s", seed, a)
		}
	}
}

func TestAllocatorRefusesWhatCanNotBe(t *testing.T) {
	a := NewAllocator(3 * FrameAlign)
	for _, n := range []int64{-1, 3*FrameAlign + 1, 1 << 62} {
		if off, ok := a.Alloc(n); ok {
			t.Errorf("Alloc(%d) = %d", n, off)
		}
	}
	for _, size := range []int64{-5, 0, FrameAlign - 1} {
		if _, ok := NewAllocator(size).Alloc(0); ok {
			t.Errorf("a frame in %d bytes", size)
		}
	}
	if off, ok := a.Alloc(0); !ok || off != 0 || a.InUse() != FrameAlign {
		t.Errorf("an empty frame: %d, %v, %s", off, ok, a)
	}
}

func TestAFrameTakesWholePages(t *testing.T) {
	for n, want := range map[int64]int64{0: 4096, 1: 4096, 4096: 4096, 4097: 8192, 1 << 40: 1 << 40} {
		if got := FrameSize(n); got != want {
			t.Errorf("FrameSize(%d) = %d, want %d", n, got, want)
		}
	}
}

func BenchmarkAllocator(b *testing.B) {
	a := NewAllocator(64 * FrameSize(1<<20))
	var held [16]int64
	for i := range held {
		held[i], _ = a.Alloc(1 << 20)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		k := i % len(held)
		a.Free(held[k])
		held[k], _ = a.Alloc(1<<20 - int64(i%7)*FrameAlign)
	}
}
