package mapped

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/loaderd/loaderd/mapped/h5"
)

// FuzzOpen damages real files: whatever comes, there is no panic, no error
// without a kind, and every batch that is given keeps what the protocol says.
func FuzzOpen(f *testing.F) {
	// A whole file is long for a fuzzer: it chooses one, and places and bytes to damage.
	var files [][]byte
	for _, name := range []string{"c.h5ad", "legacy06.h5ad", "legacy07.h5ad", "types.h5ad", "same_gzip.h5ad", "foreign.h5ad"} {
		data, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil {
			f.Fatal(err)
		}
		n := uint8(len(files))
		files = append(files, data)
		f.Add(n, uint32(0), uint64(0), uint32(0), uint64(0), uint32(0))
		f.Add(n, uint32(len(data)/2), uint64(0xffffffffffff), uint32(len(data)/3), uint64(1), uint32(1000))
	}
	f.Fuzz(func(t *testing.T, which uint8, at1 uint32, xor1 uint64, at2 uint32, xor2 uint64, cut uint32) {
		data := bytes.Clone(files[int(which)%len(files)])
		data = data[:len(data)-int(cut)%len(data)]
		for _, hit := range []struct {
			at  uint32
			xor uint64
		}{{at1, xor1}, {at2, xor2}} {
			for i := range 8 {
				data[(int(hit.at)+i)%len(data)] ^= byte(hit.xor >> (8 * i))
			}
		}
		tryDamaged(t, data)
	})
}

func tryDamaged(t *testing.T, data []byte) {
	t.Helper()
	open := func(path string) (container, error) {
		file, err := h5.NewFile(bytes.NewReader(data), int64(len(data)), path)
		if err != nil {
			return nil, openError(path, err)
		}
		return &h5File{file}, nil
	}
	for _, layers := range [][]string{{"X"}, {"raw.X"}, {"counts", "banded", "half"}} {
		c, err := openWith(context.Background(), []string{"damaged"}, Options{
			LayersKeys: layers, ObsKeys: []string{"cell_type", "batch"}, Encode: []string{"cell_type"}, ObsmKeys: []string{"X_pca"}, CacheBytes: 1 << 16}, open)
		if err != nil {
			if c, err = openWith(context.Background(), []string{"damaged"}, Options{LayersKeys: layers}, open); err != nil {
				mustBeTyped(t, err)
				continue
			}
		}
		for _, o := range []EncoderOptions{{}, {Format: CSR}} {
			tryEncoder(t, c, o)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func tryEncoder(t *testing.T, c *Collection, o EncoderOptions) {
	t.Helper()
	e, err := c.NewEncoder(o)
	if err != nil {
		mustBeTyped(t, err)
		return
	}
	rows := sequence(min(c.NObs(), 64))
	total := 0
	for _, f := range e.Fields() {
		total += f.Width
	}
	for _, n := range e.Bounds(rows, nil) {
		total += n
	}
	if total > 1<<20 {
		return // a fuzzer has not the memory of a ring
	}
	got, err := encode(e, rows, 0, 2)
	if err != nil {
		mustBeTyped(t, err)
		return
	}
	for _, f := range got {
		if f.Kind == KindCSR {
			if err := checkCSR(f, len(rows)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func mustBeTyped(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind == nil {
		t.Fatalf("an error without a kind: %v", err)
	}
}
