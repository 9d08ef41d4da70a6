package codec

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"testing"
)

// mustBeTyped fails unless err is nil or of a kind that callers can test for.
func mustBeTyped(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Errorf("%v (%T) is not an *Error", err, err)
	}
	if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v is of no kind", err)
	}
}

// guarded is memory of n bytes between two marks that decoding must leave alone.
func guarded(n int) (dst []byte, intact func() bool) {
	const mark = 64
	all := bytes.Repeat([]byte{0xC3}, n+2*mark)
	return all[mark : mark+n : mark+n], func() bool {
		return bytes.Count(all[:mark], []byte{0xC3}) == mark && bytes.Count(all[mark+n:], []byte{0xC3}) == mark
	}
}

// fuzzDecode holds Decode and DecodeAll to each other, and to want where there is another decoder: whenever both know
// the answer it is the same.
func fuzzDecode(f *testing.F, k Kind, reference func(src []byte) ([]byte, error)) {
	for _, v := range vectors(f, "") {
		if kinds[v.Kind] == k && len(v.Data) < 600 {
			f.Add(v.Data, uint16(0))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, more uint16) {
		const limit = 1 << 18
		var s Scratch
		all, err := s.DecodeAll(k, nil, src, limit)
		mustBeTyped(t, err)
		if len(all) > limit {
			t.Fatalf("%d bytes beyond the limit", len(all)-limit)
		}
		dst, intact := guarded(len(all))
		exact := s.Decode(k, dst, src)
		mustBeTyped(t, exact)
		if err == nil && (exact != nil || !bytes.Equal(dst, all)) {
			t.Errorf("DecodeAll gives %d bytes, Decode %v", len(all), exact)
		}
		other, intactToo := guarded(len(all) + 1 + int(more))
		if e := s.Decode(k, other, src); err == nil && e == nil {
			t.Errorf("%d bytes decode to %d too", len(all), len(other))
		} else {
			mustBeTyped(t, e)
		}
		if !intact() || !intactToo() {
			t.Error("wrote outside the destination")
		}
		if reference == nil {
			return
		}
		want, e := reference(src)
		switch {
		case len(want) > limit:
		case e == nil && err == nil && !bytes.Equal(all, want):
			t.Errorf("the standard library gives %d bytes, this one %d others", len(want), len(all))
		case e == nil && err != nil && k != Gzip: // ours rejects gzip's reserved flags
			t.Errorf("the standard library gives %d bytes, this one %v", len(want), err)
		case e != nil && err == nil && InflateLibrary == "klauspost/compress":
			t.Errorf("the standard library says %v, this one gives %d bytes", e, len(all))
		}
	})
}

// read is a reference decoder made of a reader, up to just above what fuzzDecode asks for.
func read[R io.Reader](open func(io.Reader) (R, error)) func([]byte) ([]byte, error) {
	return func(src []byte) ([]byte, error) {
		r, err := open(bytes.NewReader(src))
		if err != nil {
			return nil, err
		}
		p, err := io.ReadAll(io.LimitReader(r, 1<<18+1))
		return p, err
	}
}

func FuzzZlib(f *testing.F) { fuzzDecode(f, Zlib, read(zlib.NewReader)) }
func FuzzGzip(f *testing.F) { fuzzDecode(f, Gzip, read(gzip.NewReader)) }
func FuzzDeflate(f *testing.F) {
	fuzzDecode(f, Deflate, read(func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }))
}
func FuzzZstd(f *testing.F)     { fuzzDecode(f, Zstd, nil) }
func FuzzLZ4(f *testing.F)      { fuzzDecode(f, LZ4, nil) }
func FuzzLZ4Sized(f *testing.F) { fuzzDecode(f, LZ4Sized, nil) }
func FuzzBlosc(f *testing.F)    { fuzzDecode(f, Blosc, nil) }
func FuzzLZF(f *testing.F)      { fuzzDecode(f, LZF, nil) }

// FuzzFilters holds the shuffles to their plain definitions.
func FuzzFilters(f *testing.F) {
	for i, v := range append(vectors(f, "fletcher32"), vectors(f, "crc32c")...) {
		if len(v.Data) < 600 {
			f.Add(v.Data, uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, size uint8) {
		dst, intact := guarded(len(src))
		if err := Unshuffle(dst, src, int(size)); err != nil || !bytes.Equal(dst, plainUnshuffle(src, int(size))) {
			t.Errorf("shuffle of %d bytes by %d: %v", len(src), size, err)
		}
		switch err := BitUnshuffle(dst, src, int(size)); {
		case size == 0:
			mustBeTyped(t, err)
		case err != nil || !bytes.Equal(dst, plainBitUnshuffle(src, int(size))):
			t.Errorf("bitshuffle of %d bytes by %d: %v", len(src), size, err)
		}
		if !intact() {
			t.Error("wrote outside the destination")
		}
		for _, check := range []func([]byte) ([]byte, error){CheckFletcher32, CheckCRC32C} {
			_, err := check(src)
			mustBeTyped(t, err)
		}
	})
}

func plainUnshuffle(src []byte, size int) []byte {
	dst := bytes.Clone(src)
	if size < 2 || size > len(src) {
		return dst
	}
	n := len(src) / size
	for i := range n {
		for k := range size {
			dst[i*size+k] = src[k*n+i]
		}
	}
	return dst
}

func plainBitUnshuffle(src []byte, size int) []byte {
	dst := bytes.Clone(src)
	n := len(src) / size / 8 * 8
	clear(dst[:n*size])
	for i := range n {
		for bit := range 8 * size {
			if src[(bit*n+i)/8]>>(i%8)&1 == 1 {
				dst[i*size+bit/8] |= 1 << (bit % 8)
			}
		}
	}
	return dst
}

func TestShufflesAreTheirPlainDefinitions(t *testing.T) {
	src := texts()["noise"]
	for size := 1; size <= 40; size++ {
		for _, n := range []int{0, 1, 7, 8, 9, 63, 64, 65, 72, 127, 128, 129, 500, 1023} {
			for _, rest := range []int{0, size / 2} {
				p := src[size : size+n*size+rest]
				dst, intact := guarded(len(p))
				if err := Unshuffle(dst, p, size); err != nil || !bytes.Equal(dst, plainUnshuffle(p, size)) {
					t.Errorf("shuffle of %d elements of %d bytes and %d: %v", n, size, rest, err)
				}
				if err := BitUnshuffle(dst, p, size); err != nil || !bytes.Equal(dst, plainBitUnshuffle(p, size)) {
					t.Errorf("bitshuffle of %d elements of %d bytes and %d: %v", n, size, rest, err)
				}
				if !intact() {
					t.Errorf("%d elements of %d bytes: wrote outside the destination", n, size)
				}
			}
		}
	}
	for _, err := range []error{Unshuffle(make([]byte, 3), src[:4], 2), BitUnshuffle(make([]byte, 5), src[:4], 2),
		BitUnshuffle(make([]byte, 4), src[:4], 0), Unshuffle(make([]byte, 4), src[:4], -1)} {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%v", err)
		}
	}
}
