package codec

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/gzip"
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

// by compresses with any writer at its defaults.
func by[W io.WriteCloser](t testing.TB, p []byte, open func(io.Writer) W) []byte {
	t.Helper()
	var b bytes.Buffer
	return closed(t, &b, open(&b), p)
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
	var s Scratch
	for name, p := range texts() {
		for level := -2; level <= 9; level++ {
			for _, n := range []int{len(p), len(p) / 2, min(len(p), 300), min(len(p), 17)} {
				src := deflated(t, p[:n], level)
				dst := bytes.Repeat([]byte{0xA5}, n)
				if err := s.Decode(Zlib, dst, src); err != nil || !bytes.Equal(dst, p[:n]) {
					t.Fatalf("%s, %d bytes, level %d: %v", name, n, level, err)
				}
				if n > 0 && s.Decode(Zlib, dst[:n-1], src) == nil || s.Decode(Zlib, make([]byte, n+1), src) == nil {
					t.Fatalf("%s, %d bytes, level %d: decodes to another length too", name, n, level)
				}
			}
		}
		for k, src := range map[Kind][]byte{Zlib: by(t, p, fast.NewWriter), Gzip: by(t, p, gzip.NewWriter)} {
			dst := make([]byte, len(p))
			if err := s.Decode(k, dst, src); err != nil || !bytes.Equal(dst, p) {
				t.Fatalf("%s as %v by another writer: %v", name, k, err)
			}
		}
	}
}

func TestInflateRejectsEveryCutAndEveryFlippedBit(t *testing.T) {
	var s Scratch
	for _, level := range []int{0, 1, 6} {
		p := texts()["skewed"][:700]
		src := deflated(t, p, level)
		dst := make([]byte, len(p))
		for n := range src {
			if err := s.Decode(Zlib, dst, src[:n]); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("level %d cut to %d of %d: %v", level, n, len(src), err)
			}
		}
		for bit := range 8 * len(src) {
			src[bit/8] ^= 1 << (bit % 8)
			err := s.Decode(Zlib, dst, src)
			src[bit/8] ^= 1 << (bit % 8)
			if err == nil && !bytes.Equal(dst, p) {
				t.Fatalf("level %d, bit %d: wrong bytes and no error", level, bit)
			}
		}
	}
}
