package codec

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// vector is what numcodecs, or h5py, made of one input; testdata/make_codec_fixtures.py writes them.
type vector struct {
	Kind string `json:"kind"`
	How  string `json:"how"`
	Data []byte `json:"data"`
	name string
	raw  []byte
}

func (v vector) String() string { return fmt.Sprintf("%s of %s (%s)", v.Kind, v.name, v.How) }

var kinds = map[string]Kind{
	"zlib": Zlib, "gzip": Gzip, "deflate": Deflate, "zstd": Zstd, "lz4": LZ4, "lz4 sized": LZ4Sized, "blosc": Blosc,
	"lzf": LZF,
}

var allVectors = sync.OnceValues(func() ([]vector, error) {
	f, err := os.Open("../../testdata/codec/vectors.json.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	var file struct {
		Sets []struct {
			Name  string   `json:"name"`
			Raw   []byte   `json:"raw"`
			Cases []vector `json:"cases"`
		} `json:"sets"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, err
	}
	var out []vector
	for _, s := range file.Sets {
		for _, v := range s.Cases {
			v.name, v.raw = s.Name, s.Raw
			out = append(out, v)
		}
	}
	return out, nil
})

// vectors gives those whose kind begins with prefix.
func vectors(t testing.TB, prefix string) []vector {
	t.Helper()
	all, err := allVectors()
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	for _, v := range all {
		if strings.HasPrefix(v.Kind, prefix) {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no vectors of %q", prefix)
	}
	return out
}

func TestDecodeGivesWhatWasEncoded(t *testing.T) {
	var s Scratch // one for all: nothing of one stream may show in the next
	n := 0
	for _, v := range vectors(t, "") {
		k, ok := kinds[v.Kind]
		if !ok {
			continue
		}
		n++
		dst := bytes.Repeat([]byte{0xA5}, len(v.raw))
		if err := s.Decode(k, dst, v.Data); err != nil {
			t.Errorf("%v: %v", v, err)
		} else if !bytes.Equal(dst, v.raw) {
			t.Errorf("%v: other bytes", v)
		}
	}
	if n < 300 {
		t.Errorf("%d vectors only", n)
	}
}

func TestDecodeAllFindsTheLength(t *testing.T) {
	var s Scratch
	for _, v := range vectors(t, "") {
		k, ok := kinds[v.Kind]
		if !ok {
			continue
		}
		for _, room := range []int{0, 10, len(v.raw), len(v.raw) + 100} {
			buf := make([]byte, room)
			got, err := s.DecodeAll(k, buf, v.Data, max(len(v.raw), 1<<20))
			if err != nil || !bytes.Equal(got, v.raw) {
				t.Errorf("%v into %d bytes: %v", v, room, err)
			}
			if len(v.raw) > 0 && room >= len(v.raw) && &got[0] != &buf[0] {
				t.Errorf("%v into %d bytes: not into the caller's memory", v, room)
			}
		}
		if len(v.raw) == 0 {
			continue
		}
		if _, err := s.DecodeAll(k, nil, v.Data, len(v.raw)-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%v with a limit one byte too low: %v", v, err)
		}
	}
}

func TestDecodeToAnotherLengthIsCorrupt(t *testing.T) {
	var s Scratch
	for _, v := range vectors(t, "") {
		k, ok := kinds[v.Kind]
		if !ok {
			continue
		}
		if err := s.Decode(k, make([]byte, len(v.raw)+1), v.Data); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%v, a byte more: %v", v, err)
		}
		if len(v.raw) == 0 {
			continue
		}
		if err := s.Decode(k, make([]byte, len(v.raw)-1), v.Data); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%v, a byte less: %v", v, err)
		}
	}
}

// checked reports whether a stream carries a checksum over what it decodes to.
func (v vector) checked() bool {
	return v.Kind == "zlib" || v.Kind == "gzip" || v.Kind == "zstd" && strings.Contains(v.How, "checksum")
}

func TestEveryCutAndEveryFlippedByteIsAnErrorOrHarmless(t *testing.T) {
	var s Scratch
	for _, v := range vectors(t, "") {
		k, ok := kinds[v.Kind]
		if !ok || len(v.raw) > 20_000 {
			continue
		}
		dst := make([]byte, len(v.raw))
		// Long streams are visited in steps.
		for n := 0; n < len(v.Data); n += 1 + len(v.Data)/200 {
			err := s.Decode(k, dst, v.Data[:n])
			switch {
			case err == nil && k != LZ4 && !(len(v.raw) == 0 && k == Blosc) && v.How != "two members" && v.How != "two frames":
				t.Errorf("%v cut to %d of %d bytes: no error", v, n, len(v.Data))
			case err != nil && !errors.Is(err, ErrCorrupt):
				t.Errorf("%v cut to %d of %d bytes: %v", v, n, len(v.Data), err)
			}
		}
		src := bytes.Clone(v.Data)
		for i := 0; i < len(src); i += 1 + len(src)/150 {
			for _, flip := range []byte{0xff, 0x01, 0x80} {
				src[i] ^= flip
				err := s.Decode(k, dst, src)
				src[i] ^= flip
				if err == nil && v.checked() && !bytes.Equal(dst, v.raw) {
					t.Errorf("%v, byte %d ^ %#x: wrong bytes and no error", v, i, flip)
				}
				if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
					t.Errorf("%v, byte %d ^ %#x: %v", v, i, flip, err)
				}
			}
		}
	}
}

func TestFilters(t *testing.T) {
	for _, v := range vectors(t, "shuffle") {
		var size int
		if _, err := fmt.Sscanf(v.Kind, "shuffle %d", &size); err != nil {
			t.Fatal(err)
		}
		dst := make([]byte, len(v.raw))
		if err := Unshuffle(dst, v.Data, size); err != nil || !bytes.Equal(dst, v.raw) {
			t.Errorf("%v: %v", v, err)
		}
	}
	for kind, check := range map[string]func([]byte) ([]byte, error){"fletcher32": CheckFletcher32, "crc32c": CheckCRC32C} {
		for _, v := range vectors(t, kind) {
			if got, err := check(v.Data); err != nil || !bytes.Equal(got, v.raw) {
				t.Errorf("%v: %v", v, err)
			}
			for i := range v.Data {
				if i > 0 && i < len(v.Data)-4 && i%97 != 0 {
					continue
				}
				v.Data[i] ^= 0x10
				if _, err := check(v.Data); !errors.Is(err, ErrChecksum) || !errors.Is(err, ErrCorrupt) {
					t.Errorf("%v, byte %d damaged: %v", v, i, err)
				}
				v.Data[i] ^= 0x10
			}
		}
		if _, err := check([]byte{1, 2, 3}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s of three bytes: %v", kind, err)
		}
	}
}
