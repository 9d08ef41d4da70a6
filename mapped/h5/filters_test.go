package h5

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
)

// header12 is what the filters lz4 and bitshuffle put before their blocks.
func header12(decoded uint64, block uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, decoded), block)
}

// sized is a block after its length.
func sized(body ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestDamagedBlocksAreCorrupt(t *testing.T) {
	join := func(parts ...[]byte) []byte {
		var out []byte
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	literals := []byte{0x80, 1, 2, 3, 4, 5, 6, 7, 8} // eight bytes as lz4
	lz4Filter := Filter{ID: filterLZ4}
	bits := func(params ...uint32) Filter { return Filter{ID: filterBitshuffle, Params: params} }
	for _, c := range []struct {
		name   string
		filter Filter
		data   []byte
		want   string // "" where the data are right
	}{
		{"lz4 in two blocks, one stored", lz4Filter, join(header12(16, 8), sized(literals...), sized(1, 2, 3, 4, 5, 6, 7, 8)), ""},
		{"lz4 in a block larger than the chunk", lz4Filter, join(header12(16, math.MaxUint32), sized(make([]byte, 16)...)), ""},
		{"lz4 without a header", lz4Filter, make([]byte, 11), "too short"},
		{"lz4 of another length", lz4Filter, join(header12(17, 8), sized(literals...)), "17 bytes where 16 belong"},
		{"lz4 of a vast length", lz4Filter, join(header12(math.MaxUint64, 8), sized(literals...)), "where 16 belong"},
		{"lz4 in blocks of no bytes", lz4Filter, header12(16, 0), "blocks of no bytes"},
		{"lz4 with a block missing", lz4Filter, join(header12(16, 8), sized(literals...)), "fewer blocks"},
		{"lz4 with a block cut", lz4Filter, join(header12(16, 8), sized(literals...), sized(literals...)[:9]), "a block beyond"},
		{"lz4 with a block of another length", lz4Filter, join(header12(16, 8), sized(literals...), sized(0x70, 1, 2, 3, 4, 5, 6, 7)[:11]), "a block beyond"},
		{"lz4 with a block that decodes to less", lz4Filter, join(header12(16, 8), sized(literals...), sized(0x10, 1)), "1 bytes where 8 belong"},

		{"bits in blocks", bits(0, 4, 2, 8), make([]byte, 16), ""},
		{"bits in blocks of the default", bits(0, 4, 2), make([]byte, 16), ""},
		{"bits of another length", bits(0, 4, 2), make([]byte, 15), "15 bytes where 16 belong"},
		{"bits of elements without a size", bits(), make([]byte, 16), "of 0 bytes"},
		{"bits of elements that do not fill the chunk", bits(0, 4, 3), make([]byte, 16), "of 3 bytes"},
		{"bits of elements beyond all bounds", bits(0, 4, math.MaxUint32), make([]byte, 16), "of 4294967295 bytes"},
		{"bits in blocks of odd elements", bits(0, 4, 2, 9), make([]byte, 16), "blocks of 9 elements"},
		{"bits in lz4", bits(0, 4, 1, 0, 2), join(header12(16, 8), sized(literals...), sized(literals...)), ""},
		{"bits in lz4 that cut elements", bits(0, 4, 3, 0, 2), join(header12(16, 8), sized(literals...)), "elements of 3"},
		{"bits in lz4 in blocks too small", bits(0, 4, 2, 0, 2), join(header12(16, 8), sized(literals...)), "blocks of 4 elements"},
		{"bits in lz4 with a block cut", bits(0, 4, 1, 0, 2), join(header12(16, 8), sized(literals...))[:20], "a block beyond"},
		{"bits in lz4 with bytes to spare", bits(0, 4, 1, 0, 2), join(header12(16, 16), sized(join([]byte{0xf0, 1}, make([]byte, 16))...), []byte{9}), "1 bytes where 0 belong"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pipeline{{c.filter, decoderOf(c.filter)}}
			err := p.decode(make([]byte, 16), c.data, 0, new(Scratch))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (!errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want ErrCorrupt with %q", err, c.want)
			}
		})
	}
}

func TestBitshuffleWithACompressorOfTheFutureIsUnknown(t *testing.T) {
	f := Filter{ID: filterBitshuffle, Params: []uint32{0, 4, 4, 0, 7}}
	if err := (pipeline{{f, decoderOf(f)}}).unknown(); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v, want ErrUnsupported", err)
	}
}

func TestRefusedFiltersNameThemselvesAndACure(t *testing.T) {
	f := openFixture(t, "plugins.h5.gz")
	for name, form := range map[string]string{
		"blosc2": "filter 32026 (blosc2)", "bzip2": "filter 307 (bzip2)", "zfp": "filter 32013 (zfp)", "szip": "filter 4 (szip)",
	} {
		_, err := dataset(t, f, "/refused/"+name).Read()
		var e *Error
		if !errors.Is(err, ErrUnsupported) || !errors.As(err, &e) || e.Form != form || e.Hint == "" || e.Object != "/refused/"+name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Damage in a chunk is an error, or gives other values of the right number where the filter keeps no checksum.
func TestChunksOfPluginsDamagedByteByByte(t *testing.T) {
	f := openFixture(t, "plugins.h5.gz")
	names, err := f.Root().Names()
	if err != nil {
		t.Fatal(err)
	}
	s := new(Scratch)
	for _, name := range names {
		if name == "refused" {
			continue
		}
		for _, path := range []string{"/" + name + "/few", "/" + name + "/shuffled"} {
			d := dataset(t, f, path)
			table, err := d.Chunks()
			if err != nil {
				t.Fatal(err)
			}
			k := table.At(0)
			stored := make([]byte, k.Bytes)
			if _, err := f.ReadAt(stored, k.Offset); err != nil {
				t.Fatal(err)
			}
			dst := make([]byte, d.ChunkBytes())
			summed := strings.HasSuffix(path, "shuffled")
			for i := range stored {
				for _, flip := range []byte{0xff, 1, 0x80} {
					stored[i] ^= flip
					err := d.pipe.decode(dst, stored, k.Mask, s)
					stored[i] ^= flip
					if mustBeTyped(t, err); summed && err == nil && k.Mask == 0 {
						t.Errorf("%s: byte %d of a chunk with a checksum changed, and no error", path, i)
					}
				}
			}
			for n := range stored {
				if err := d.pipe.decode(dst, stored[:n], k.Mask, s); !errors.Is(err, ErrCorrupt) {
					t.Errorf("%s: cut to %d of %d bytes: %v", path, n, len(stored), err)
				}
			}
		}
	}
}
