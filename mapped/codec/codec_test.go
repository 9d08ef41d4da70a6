package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
)

// changed is b with one byte set.
func changed(b []byte, at int, to byte) []byte {
	b = bytes.Clone(b)
	b[at] = to
	return b
}

func put32(b []byte, at int, v uint32) []byte {
	b = bytes.Clone(b)
	binary.LittleEndian.PutUint32(b[at:], v)
	return b
}

func TestErrorsNameTheCodecAndTheForm(t *testing.T) {
	p := csr()["values f32"][:4000]
	chunk := bloscChunk(p, 1024, 4, bloscLZ4, func(p []byte) []byte { return lz4Block(t, p) })
	starts := bloscHeaderLen
	for _, c := range []struct {
		name string
		kind Kind
		data []byte
		is   error
		text string
	}{
		{"no data as zlib", Zlib, nil, ErrCorrupt, "zlib: corrupt data"},
		{"no data as gzip", Gzip, nil, ErrCorrupt, "gzip: corrupt data"},
		{"no data as deflate", Deflate, nil, ErrCorrupt, "deflate: corrupt data"},
		{"no data as zstd", Zstd, nil, ErrCorrupt, "zstd: corrupt data: no data"},
		{"no data as lz4", LZ4, nil, ErrCorrupt, "lz4: corrupt data: no data"},
		{"no data as sized lz4", LZ4Sized, nil, ErrCorrupt, "lz4: corrupt data: too short for its length"},
		{"no data as blosc", Blosc, nil, ErrCorrupt, "blosc: corrupt data: too short for a header"},
		{"no data as lzf", LZF, nil, ErrCorrupt, "lzf: corrupt data: 0 bytes where 4000 belong"},
		{"a codec that is none", Kind(99), []byte{1}, ErrUnsupported, "Kind(99): unsupported form: no such codec"},
		{"lz4 of a negative length", LZ4Sized, []byte{0, 0, 0, 128, 0}, ErrCorrupt, "a length of 2147483648 bytes"},
		{"a zlib stream with a dictionary", Zlib, []byte{0x78, 0xbb, 0, 0, 0, 0, 3, 0}, ErrCorrupt, "zlib: corrupt data"},
		{"blosc of the future", Blosc, changed(chunk, 0, 3), ErrUnsupported, "format version 3"},
		{"blosc with an unknown compressor", Blosc, changed(chunk, 2, 5<<5), ErrUnsupported, "flags 0xa0"},
		{"blosc with a reserved flag", Blosc, changed(chunk, 2, bloscReserved), ErrUnsupported, "flags 0x08"},
		{"blosc elements of no bytes", Blosc, changed(chunk, 3, 0), ErrCorrupt, "impossible header"},
		{"blosc blocks of no bytes", Blosc, put32(chunk, 8, 0), ErrCorrupt, "impossible header"},
		{"blosc blocks larger than the chunk", Blosc, put32(chunk, 8, 4001), ErrCorrupt, "impossible header"},
		{"blosc blocks of a byte", Blosc, put32(chunk, 8, 1), ErrCorrupt, "more blocks than the chunk has room for"},
		{"blosc longer than the data", Blosc, put32(chunk, 12, uint32(len(chunk)+1)), ErrCorrupt, "bytes in"},
		{"blosc shorter than its header", Blosc, put32(chunk, 12, 15), ErrCorrupt, "a chunk of 15 bytes"},
		{"blosc stored with another length", Blosc, changed(chunk, 2, bloscStored), ErrCorrupt, "stored chunk"},
		{"a blosc block beyond the chunk", Blosc, put32(chunk, starts, uint32(len(chunk)-3)), ErrCorrupt, "a block beyond"},
		{"a blosc stream beyond the chunk", Blosc, put32(chunk, starts+16, uint32(len(chunk))), ErrCorrupt, "a stream beyond"},
		{"a blosc stream of no bytes", Blosc, put32(chunk, starts+16, 0), ErrCorrupt, "no data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Scratch
			err := s.Decode(c.kind, make([]byte, len(p)), c.data)
			mustBeTyped(t, err)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %v with %q", err, c.is, c.text)
			}
			if _, err := s.DecodeAll(c.kind, nil, c.data, 1<<20); c.name != "no data as lzf" && !errors.Is(err, c.is) {
				t.Errorf("DecodeAll: %v, want %v", err, c.is)
			}
		})
	}
}

// No encoder of ours and no vector has snappy inside Blosc; c-blosc 1.3 to 1.14 wrote it.
func TestBloscWithSnappyInside(t *testing.T) {
	p := csr()["indices i32"]
	chunk := bloscChunk(p, 20_000, 4, bloscSnappy, func(p []byte) []byte { return snappy.Encode(nil, p) })
	var s Scratch
	dst := make([]byte, len(p))
	if err := s.Decode(Blosc, dst, chunk); err != nil || !bytes.Equal(dst, p) {
		t.Error(err)
	}
}

func TestTheLengthThatDataClaimTakesNoMemoryBeyondWhatTheyCanHold(t *testing.T) {
	blosc := make([]byte, 40)
	blosc[0], blosc[3] = bloscVersion, 4
	binary.LittleEndian.PutUint32(blosc[4:], 1<<31-1)
	binary.LittleEndian.PutUint32(blosc[8:], 1<<31-1)
	binary.LittleEndian.PutUint32(blosc[12:], 40)
	for name, c := range map[string]struct {
		kind Kind
		data []byte
	}{
		"zstd":  {Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0}},
		"gzip":  {Gzip, append(make([]byte, 14), 0xff, 0xff, 0xff, 0xff)},
		"lz4":   {LZ4Sized, []byte{0xff, 0xff, 0xff, 0x7f, 0, 0}},
		"blosc": {Blosc, blosc},
	} {
		t.Run(name, func(t *testing.T) {
			var s Scratch
			_, _ = s.DecodeAll(c.kind, nil, c.data, 1<<31) // makes the decoders
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := s.DecodeAll(c.kind, nil, c.data, 1<<31)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v, want ErrCorrupt", err)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
				t.Errorf("%d bytes were allocated for %d of input", n, len(c.data))
			}
		})
	}
}

func TestPlausible(t *testing.T) {
	for _, c := range []struct {
		kind            Kind
		decoded, stored int64
		want            bool
	}{
		{Zlib, 4096, 0, true},
		{Zlib, 1 << 30, 1 << 20, true},
		{Zlib, 1 << 30, 1000, false},
		{LZ4, 1 << 20, 1000, false},
		{Zstd, 1 << 20, 40, true},
		{Blosc, 1<<63 - 1, 1 << 40, false},
	} {
		if got := c.kind.Plausible(c.decoded, c.stored); got != c.want {
			t.Errorf("%d bytes in %d of %v: %v", c.decoded, c.stored, c.kind, got)
		}
	}
	// What the libraries make of zeros keeps to the bound.
	p := make([]byte, 8<<20)
	for _, e := range []encoded{{"zlib", Zlib, deflated(t, p, 9)}, {"zstd", Zstd, zstdFrame(t, p)}, {"lz4", LZ4, lz4Block(t, p)}} {
		if !e.kind.Plausible(int64(len(p)), int64(len(e.data))) {
			t.Errorf("%s holds %d zeros in %d bytes", e.name, len(p), len(e.data))
		}
	}
}

func ExampleScratch_Decode() {
	stored := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0, 'c', 'e', 'l', 'l', 's'}
	var s Scratch // one for each goroutine
	chunk := make([]byte, 5)
	if err := s.Decode(Zstd, chunk, stored); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", chunk)
	fmt.Println(s.Decode(Zstd, make([]byte, 6), stored))
	// Output:
	// cells
	// zstd: corrupt data: 5 bytes where 6 belong
}
