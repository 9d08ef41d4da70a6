package sampler

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares got with a file of testdata, or writes it there with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has changed: saved states would resume in another order. If that is meant, raise Version and run "+
			"go test ./sampler -update\ngot:\n%s", path, got)
	}
}

// A saved state names a position; what is at that position must never change.
func TestOrdersAreFrozen(t *testing.T) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Order version %d. n, seed, epoch: the first rows, the last row, and FNV-1a 64 of all rows (int64,\n", Version)
	fmt.Fprintf(&out, "# little-endian) or, above 2^20+1 rows, of the first 100,000.\n")
	for _, n := range []int64{1, 2, 3, 10, 700, tableMax, tableMax + 1, 100_000, 1<<20 - 1, 1<<20 + 1, 5_000_000_000, math.MaxInt64} {
		for _, c := range []struct{ seed, epoch uint64 }{{0, 0}, {0, 1}, {1, 0}, {math.MaxUint64, math.MaxUint64}} {
			e := mustNew(t, Spec{N: n, Kind: Shuffle, Seed: c.seed}).Epoch(c.epoch)
			rows := make([]int64, min(n, 1<<20+1))
			if n > 1<<20+1 {
				rows = rows[:100_000]
			}
			e.Fill(rows, 0, 1)
			sum := fnv.New64a()
			if err := binary.Write(sum, binary.LittleEndian, rows); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%d %d %d: %d … %d %016x\n", n, c.seed, c.epoch, rows[:min(len(rows), 8)], e.At(n-1), sum.Sum64())
		}
	}
	golden(t, "orders.golden", out.Bytes())
}
