package h5

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	fast "github.com/klauspost/compress/zlib"
)

// deflated compresses with the standard library (whose blocks differ from those of the other writer).
func deflated(t testing.TB, p []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	return closed(t, &b, w, p)
}

func closed(t testing.TB, b *bytes.Buffer, w io.WriteCloser, p []byte) []byte {
	t.Helper()
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// texts are inputs of the kinds that chunks hold, and the kinds that decoders get wrong.
func texts() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	fill := func(n int, next func(i int) byte) []byte {
		p := make([]byte, n)
		for i := range p {
			p[i] = next(i)
		}
		return p
	}
	out := map[string][]byte{
		"one byte":      {7},
		"zeros":         make([]byte, 100_000),
		"noise":         fill(70_000, func(int) byte { return byte(r.Uint32()) }),
		"few symbols":   fill(50_000, func(int) byte { return byte(r.IntN(3)) }),
		"skewed":        fill(80_000, func(int) byte { return byte(r.ExpFloat64() * 9) }),
		"int32 ascents": fill(84_000, func(i int) byte { return [4]byte{byte(i * 5), byte(i >> 8), byte(r.IntN(2)), 0}[i%4] }),
		"float32":       fill(84_000, func(i int) byte { return [4]byte{0, 0, byte(r.IntN(8) << 4), 0x40}[i%4] }),
	}
	// Back references at every distance below 20, with every length.
	var p []byte
	for d := 1; d < 20; d++ {
		p = append(p, fill(d, func(int) byte { return byte(r.Uint32()) })...)
		for n := 3; n < 300; n += 7 {
			for range n {
				p = append(p, p[len(p)-d])
			}
			p = append(p, byte(r.Uint32()))
		}
	}
	out["near references"] = p
	// Code lengths that grow one by one need subtables.
	p = nil
	for b := range 20 {
		for range 1 << min(b, 16) {
			p = append(p, byte(b*11))
		}
	}
	r.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
	out["long codes"] = p
	return out
}

func TestInflateGivesWhatWasDeflated(t *testing.T) {
	s := new(Scratch)
	for name, p := range texts() {
		for level := -2; level <= 9; level++ {
			for _, n := range []int{len(p), len(p) / 2, min(len(p), 300), min(len(p), 17)} {
				src := deflated(t, p[:n], level)
				dst := bytes.Repeat([]byte{0xA5}, n)
				if err := inflate(dst, src, nil, s); err != nil || !bytes.Equal(dst, p[:n]) {
					t.Fatalf("%s, %d bytes, level %d: %v", name, n, level, err)
				}
				if n > 0 && inflate(dst[:n-1], src, nil, s) == nil || inflate(make([]byte, n+1), src, nil, s) == nil {
					t.Fatalf("%s, %d bytes, level %d: decodes to another length too", name, n, level)
				}
			}
		}
		var b bytes.Buffer
		src := closed(t, &b, fast.NewWriter(&b), p)
		dst := make([]byte, len(p))
		if err := inflate(dst, src, nil, s); err != nil || !bytes.Equal(dst, p) {
			t.Fatalf("%s by another writer: %v", name, err)
		}
	}
}

func TestInflateRejectsEveryCutAndEveryFlippedBit(t *testing.T) {
	s := new(Scratch)
	for _, level := range []int{0, 1, 6} {
		p := texts()["skewed"][:700]
		src := deflated(t, p, level)
		dst := make([]byte, len(p))
		for n := range src {
			if err := inflate(dst, src[:n], nil, s); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("level %d cut to %d of %d: %v", level, n, len(src), err)
			}
		}
		for bit := range 8 * len(src) {
			src[bit/8] ^= 1 << (bit % 8)
			err := inflate(dst, src, nil, s)
			src[bit/8] ^= 1 << (bit % 8)
			if err == nil && !bytes.Equal(dst, p) {
				t.Fatalf("level %d, bit %d: wrong bytes and no error", level, bit)
			}
		}
	}
}

// FuzzInflate holds our decoder to the standard library's: the same streams, the same bytes.
func FuzzInflate(f *testing.F) {
	f.Add(deflated(f, []byte("a quick brown fox, a quick brown dog, a quick brown cat"), 6), uint16(0))
	f.Add(deflated(f, bytes.Repeat([]byte{1, 2, 3, 4}, 300), 1), uint16(0))
	f.Add(deflated(f, []byte("stored"), 0), uint16(0))
	f.Fuzz(func(t *testing.T, src []byte, more uint16) {
		var want []byte
		r, err := zlib.NewReader(bytes.NewReader(src))
		if err == nil {
			want, err = io.ReadAll(io.LimitReader(r, 1<<20))
		}
		if len(want) == 1<<20 {
			return
		}
		s := new(Scratch)
		dst := make([]byte, len(want)+int(more))
		ours := inflate(dst, src, nil, s)
		switch {
		case more > 0 && err == nil:
			if ours == nil {
				t.Errorf("%d bytes decoded as %d", len(want), len(dst))
			}
		case (ours == nil) != (err == nil):
			t.Errorf("ours: %v, the standard library's: %v", ours, err)
		case ours == nil && !bytes.Equal(dst, want):
			t.Error("other bytes")
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	for _, name := range []string{"float32", "int32 ascents", "skewed"} {
		p := texts()[name]
		src := deflated(b, p, 4)
		dst := make([]byte, len(p))
		b.Run(fmt.Sprintf("%s ratio %.1f", name, float64(len(p))/float64(len(src))), func(b *testing.B) {
			s := new(Scratch)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if err := inflate(dst, src, nil, s); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" by klauspost", func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			r, err := fast.NewReader(bytes.NewReader(src))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := r.(fast.Resetter).Reset(bytes.NewReader(src), nil); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(r, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
