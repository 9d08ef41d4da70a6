package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// csr is a chunk of a sparse matrix as h5py cuts them, 21,038 elements: counts as float32, columns as int32.
func csr() map[string][]byte {
	r := rand.New(rand.NewPCG(5, 6))
	const n = 21_038
	values, indices := make([]byte, 4*n), make([]byte, 4*n)
	column := uint32(0)
	for i := range n {
		binary.LittleEndian.PutUint32(values[4*i:], math.Float32bits(float32(1+int(r.ExpFloat64()*1.5))))
		if column += 1 + uint32(r.ExpFloat64()*19); column >= 20_000 {
			column = uint32(r.IntN(20))
		}
		binary.LittleEndian.PutUint32(indices[4*i:], column)
	}
	return map[string][]byte{"values f32": values, "indices i32": indices}
}

func lz4Block(t testing.TB, p []byte) []byte {
	t.Helper()
	dst := make([]byte, lz4.CompressBlockBound(len(p)))
	n, err := lz4.CompressBlock(p, dst, nil)
	if err != nil || n == 0 {
		t.Fatal("lz4 does not compress: ", err)
	}
	return dst[:n]
}

func zstdFrame(t testing.TB, p []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(p, nil)
}

// shuffled is the inverse of Unshuffle.
func shuffled(p []byte, size int) []byte {
	out, n := bytes.Clone(p), len(p)/size
	for i := range n {
		for k := range size {
			out[k*n+i] = p[i*size+k]
		}
	}
	return out
}

// bloscChunk makes a chunk of blocks that are shuffled, not split, and compressed by encode.
func bloscChunk(p []byte, blocksize, size int, format byte, encode func([]byte) []byte) []byte {
	h := []byte{bloscVersion, 1, bloscShuffle | bloscWhole | format<<5, byte(size)}
	h = binary.LittleEndian.AppendUint32(h, uint32(len(p)))
	h = binary.LittleEndian.AppendUint32(h, uint32(blocksize))
	n := (len(p) + blocksize - 1) / blocksize
	var starts, body []byte
	for i := range n {
		starts = binary.LittleEndian.AppendUint32(starts, uint32(bloscHeaderLen+4*n+len(body)))
		block := encode(shuffled(p[i*blocksize:min((i+1)*blocksize, len(p))], size))
		body = append(binary.LittleEndian.AppendUint32(body, uint32(len(block))), block...)
	}
	h = binary.LittleEndian.AppendUint32(h, uint32(bloscHeaderLen+len(starts)+len(body)))
	return append(append(h, starts...), body...)
}

type encoded struct {
	name string
	kind Kind
	data []byte
}

func encodings(t testing.TB, p []byte) []encoded {
	lz := func(p []byte) []byte { return lz4Block(t, p) }
	zs := func(p []byte) []byte { return zstdFrame(t, p) }
	return []encoded{
		{"zlib-4", Zlib, deflated(t, p, 4)},
		{"zlib-4 shuffled", Zlib, deflated(t, shuffled(p, 4), 4)},
		{"zstd", Zstd, zs(p)},
		{"lz4", LZ4, lz(p)},
		{"blosc lz4", Blosc, bloscChunk(p, 32<<10, 4, bloscLZ4, lz)},
		{"blosc zstd", Blosc, bloscChunk(p, 256<<10>>2, 4, bloscZstd, zs)},
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, p := range csr() {
		for _, e := range encodings(b, p) {
			b.Run(fmt.Sprintf("%s of %s, ratio %.1f", e.name, name, float64(len(p))/float64(len(e.data))), func(b *testing.B) {
				var s Scratch
				dst := make([]byte, len(p))
				b.SetBytes(int64(len(p)))
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Decode(e.kind, dst, e.data); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkVectors decodes what BloscLZ and LZF, which have no encoder here, were given by others.
func BenchmarkVectors(b *testing.B) {
	for _, v := range vectors(b, "") {
		if v.name != "indices" || v.Kind != "lzf" && v.How != "blosclz shuffle 1 block 0" {
			continue
		}
		b.Run(v.String(), func(b *testing.B) {
			var s Scratch
			dst := make([]byte, len(v.raw))
			b.SetBytes(int64(len(v.raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Decode(kinds[v.Kind], dst, v.Data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFilters(b *testing.B) {
	src := csr()["indices i32"]
	dst := make([]byte, len(src))
	run := func(name string, do func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, size := range []int{2, 4, 8, 12} {
		run(fmt.Sprintf("unshuffle %d", size), func() error { return Unshuffle(dst, src, size) })
		run(fmt.Sprintf("bitunshuffle %d", size), func() error { return BitUnshuffle(dst, src, size) })
	}
	run("fletcher32", func() error { Fletcher32(src); return nil })
	run("crc32c", func() error { CRC32C(src); return nil })
}

func TestDecodingAllocatesNothingOnceWarm(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold")
	}
	for name, p := range csr() {
		for _, e := range encodings(t, p) {
			var s Scratch
			dst := make([]byte, len(p))
			n := testing.AllocsPerRun(20, func() {
				if err := s.Decode(e.kind, dst, e.data); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%s of %s: %v allocations a chunk", e.name, name, n)
			}
		}
	}
}
