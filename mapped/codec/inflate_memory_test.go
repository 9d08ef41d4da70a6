//go:build !libdeflate || !cgo

package codec

import (
	"bytes"
	standard "hash/adler32"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// raw is the deflate stream inside a zlib stream.
func raw(zlib []byte) []byte { return zlib[2 : len(zlib)-4 : len(zlib)-4] }

// The checksum would hide a wrong byte behind the library's answer, so these look at what comes before it.
func TestDecodingInMemoryNeedsNoHelpWithValidStreams(t *testing.T) {
	var f memoryInflater
	for name, p := range texts() {
		for level := -2; level <= 9; level++ {
			for _, n := range []int{len(p), min(len(p), fastOut+1), min(len(p), 300), min(len(p), 17), 0} {
				z := deflated(t, p[:n], level)
				dst, intact := guarded(n)
				made, used, ok := f.blocks(dst, append(raw(z), "more"...))
				if !ok || made != n || used != len(z)-6 || !bytes.Equal(dst, p[:n]) || !intact() {
					t.Fatalf("%s, %d bytes, level %d: %d bytes of %d used, ok %v", name, n, level, made, used, ok)
				}
				if _, ok := f.into(Zlib, dst, z); !ok {
					t.Fatalf("%s, %d bytes, level %d: the library is asked", name, n, level)
				}
			}
		}
		if _, ok := f.into(Gzip, make([]byte, len(p)), by(t, p, gzip.NewWriter)); !ok {
			t.Fatalf("%s as gzip: the library is asked", name)
		}
	}
}

func TestWhatDecodingInMemoryLeavesIsDecodedByTheLibrary(t *testing.T) {
	p := texts()["skewed"]
	var named bytes.Buffer
	w := gzip.NewWriter(&named)
	w.Name = "chunk"
	one := by(t, p, gzip.NewWriter)
	for name, src := range map[string][]byte{
		"a header with a name": closed(t, &named, w, p), "two members": append(one[:len(one):len(one)], one...),
	} {
		var s Scratch
		if _, ok := new(memoryInflater).into(Gzip, make([]byte, 2*len(p)), src); ok {
			t.Errorf("%s: not left", name)
		}
		if got, err := s.DecodeAll(Gzip, nil, src, 1<<20); err != nil || !bytes.HasPrefix(got, p) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAdler32IsTheStandardLibrarys(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	p := bytes.Repeat([]byte{255}, 1<<18) // the largest sums
	for i := range 1 << 16 {
		p[i] = byte(r.Uint32())
	}
	for range 300 {
		from := r.IntN(len(p))
		part := p[from : from+r.IntN(len(p)-from+1)]
		if got, want := adler32(part), standard.Checksum(part); got != want {
			t.Fatalf("%d bytes from %d: %08x, not %08x", len(part), from, got, want)
		}
	}
}

// FuzzInflateInMemory holds our decoder to the library's, without the checksums that protect its users.
func FuzzInflateInMemory(f *testing.F) {
	for name, p := range texts() {
		for _, level := range []int{0, 1, 6, flate.HuffmanOnly} {
			f.Add(raw(deflated(f, p[:min(len(p), 900)], level)), uint16(len(name)))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, more uint16) {
		const limit = 1 << 18
		var library inflater
		all := make([]byte, limit)
		n, err := library.ask(Deflate, all, src)
		if err != nil {
			n = int(more)
		}
		dst, intact := guarded(n + int(more)%600)
		var ours memoryInflater
		made, used, ok := ours.blocks(dst, src)
		switch {
		case !intact():
			t.Error("written beyond its memory")
		case ok && err != nil:
			t.Errorf("%d bytes where the library says %v", made, err)
		case !ok && err == nil:
			t.Errorf("nothing where the library gives %d bytes", n)
		case ok && (made != n || used > len(src) || !bytes.Equal(dst[:made], all[:n])):
			t.Errorf("%d other bytes than the library's %d", made, n)
		}
	})
}
