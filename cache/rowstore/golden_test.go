package rowstore

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// goldenRows has one row of each form.
func goldenRows() []testRow {
	row := func(name string, d DType, cols int, idx []int32, vals ...float64) testRow {
		r := testRow{name: name, d: d, cols: cols, idx: idx, dense: idx == nil}
		for i, v := range vals {
			r.vals = appendBits(r.vals, bitsOf(d, v), d.Size())
			if r.dense {
				r.idx = append(r.idx, int32(i))
			}
		}
		return r
	}
	upTo := func(n, step int32) (idx []int32) {
		for i := range n {
			idx = append(idx, i*step)
		}
		return idx
	}
	counts := make([]float64, 70)
	for i := range counts {
		counts[i] = float64(1 + i%3)
	}
	counts[40] = 700
	minus := math.Copysign(0, -1)
	return []testRow{
		row("empty", Float32, 20000, []int32{}),
		row("counts", Float32, 20000, []int32{0, 3, 500, 501, 19999}, 1, 2, 1, 255, 3),
		row("counts, one beyond a byte", Int64, 20000, upTo(70, 100), counts...),
		row("gaps of every length", Uint16, maxColumns, []int32{0, 255, 511, 66046, 131582, maxColumns - 1}, 1, 2, 3, 4, 5, 6),
		row("words", Int32, 1000, upTo(9, 7), 1, 300, 2, 4000, 3, 50000, 4, 65535, 256),
		row("a dictionary", Float64, 1000, upTo(12, 3), 0.5, 0.25, 0.5, 0.5, 0, 0.25, 0.5, 0.5, 0.125, 0.5, 0.5, 0.5),
		row("raw", Float32, 1000, upTo(4, 3), 0.1, minus, math.Inf(-1), math.NaN()),
		row("halves", Float16, 1000, upTo(4, 3), 1, 2, 255, 0),
		row("booleans", Bool, 1000, upTo(4, 3), 1, 1, 0, 1),
		row("dense, of few", Float32, 0, nil, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, minus, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		row("dense, of integers", Float32, 0, nil, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 10, 11),
		row("dense, of floats", Float32, 0, nil, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
	}
}

// What is on the disks of users must be readable for ever, or be thrown away: a change here needs another folder.
func TestTheFormatIsFrozen(t *testing.T) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Records of format rw, in hex. A change needs a new version of the store's folders.\n")
	for i, row := range goldenRows() {
		if row.dense {
			row.cols = len(row.idx)
		}
		rec := row.encode(t, nil, int64(1000+i))
		comesBack(t, &row, int64(1000+i), rec)
		fmt.Fprintf(&out, "\n%s: %v, %d values\n%s", row.name, row.d, len(row.idx), hex.Dump(rec))
	}
	path := filepath.Join("testdata", "records.txt")
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%s has changed: rows that were stored before could not be read. If that is meant, give the store's folders a new "+
			"version and run go test ./cache/rowstore -run Frozen -update\ngot:\n%s", path, out.Bytes())
	}
}
