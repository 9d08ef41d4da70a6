package codec

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// streamed gives p in the forms that are decoded piece by piece.
func streamed(t testing.TB, p []byte) map[Kind][]byte {
	open := func(w io.Writer) *zstd.Encoder {
		e, err := zstd.NewWriter(w, zstd.WithWindowSize(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	return map[Kind][]byte{Zlib: deflated(t, p, 4), Gzip: by(t, p, gzip.NewWriter), Zstd: by(t, p, open)}
}

func TestPieceByPieceGivesWhatDecodeGives(t *testing.T) {
	for name, p := range texts() {
		for _, width := range []int{0, 1, 2, 4, 7, 1 << 20} {
			stored := p
			if width > 1 && width <= len(p) {
				stored = append(shuffled(p, width)[:len(p)/width*width], p[len(p)/width*width:]...)
			}
			for k, src := range streamed(t, stored) {
				if !Streams(k, src[:min(len(src), StreamHead)]) {
					t.Fatalf("%v of %s is not decoded piece by piece", k, name)
				}
				dst, intact := guarded(len(p))
				err := DecodeFrom(k, dst, iotest.HalfReader(bytes.NewReader(src)), width)
				if err != nil || !bytes.Equal(dst, p) || !intact() {
					t.Fatalf("%v of %s, elements of %d bytes: %v", k, name, width, err)
				}
				for _, n := range []int{0, len(p) - 1, len(p) + 1} {
					if err := DecodeFrom(k, make([]byte, n), bytes.NewReader(src), 0); !errors.Is(err, ErrCorrupt) {
						t.Errorf("%v of %s into %d bytes instead of %d: %v", k, name, n, len(p), err)
					}
				}
			}
		}
	}
}

func TestPieceByPieceRejectsEveryCutAndEveryFlippedBit(t *testing.T) {
	p := texts()["skewed"][:300]
	for k, src := range streamed(t, p) {
		dst := make([]byte, len(p))
		for n := range src {
			if err := DecodeFrom(k, dst, bytes.NewReader(src[:n]), 4); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v cut to %d of %d: %v", k, n, len(src), err)
			}
		}
		for bit := range 8 * len(src) {
			src[bit/8] ^= 1 << (bit % 8)
			err := DecodeFrom(k, dst, bytes.NewReader(src), 0)
			src[bit/8] ^= 1 << (bit % 8)
			mustBeTyped(t, err)
			if err == nil && !bytes.Equal(dst, p) {
				t.Fatalf("%v, bit %d: wrong bytes and no error", k, bit)
			}
		}
	}
}

func TestPieceByPieceReturnsTheReadersError(t *testing.T) {
	broken := errors.New("the disk is gone")
	for k, src := range streamed(t, texts()["noise"]) {
		r := io.MultiReader(bytes.NewReader(src[:len(src)/2]), iotest.ErrReader(broken))
		if err := DecodeFrom(k, make([]byte, 70_000), r, 0); !errors.Is(err, broken) {
			t.Errorf("%v: %v", k, err)
		}
	}
}

func TestWhatNeedsLargeMemoryIsNotDecodedPieceByPiece(t *testing.T) {
	wide := by(t, make([]byte, 40<<20), func(w io.Writer) *zstd.Encoder {
		e, err := zstd.NewWriter(w, zstd.WithWindowSize(32<<20))
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
	if Streams(Zstd, wide[:StreamHead]) {
		t.Error("a window of 32 MiB is accepted")
	}
	if err := DecodeFrom(Zstd, make([]byte, 40<<20), bytes.NewReader(wide), 0); !errors.Is(err, ErrCorrupt) {
		t.Error("decoded all the same: ", err)
	}
	for _, k := range []Kind{Blosc, LZ4, LZ4Sized, LZF, Deflate} {
		if err := DecodeFrom(k, make([]byte, 9), bytes.NewReader(nil), 0); Streams(k, nil) || !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v: %v", k, err)
		}
	}
}
