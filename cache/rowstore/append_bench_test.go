package rowstore

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// coldSpec is a matrix of n rows whose records have about 2 kB, and one of them.
func coldSpec(b *testing.B, n int64) (Spec, Row) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	idx := make([]int32, 970)
	vals := make([]byte, 4*len(idx))
	for i := range idx {
		idx[i] = int32(20*i + r.IntN(20))
		binary.LittleEndian.PutUint32(vals[4*i:], 0x3f800000)
	}
	rec, err := AppendSparse(nil, 0, Float32, 20000, idx, vals)
	if err != nil {
		b.Fatal(err)
	}
	return Spec{Source: "/data/cold", Matrix: "X", Rows: n, Cols: 20000, DType: Float32, NNZ: n * int64(len(idx))}, rec
}

// coldTable is a table of n rows of about 2 kB, closed.
func coldTable(b *testing.B, dir string, n int64) Spec {
	b.Helper()
	spec, rec := coldSpec(b, n)
	o := openTable(b, dir, spec, 0)
	for row := int64(0); row < n; row += 64 {
		rows := span64(row, min(n, row+64))
		var recs []byte
		for _, row := range rows {
			binary.LittleEndian.PutUint64(rec[atRow:], uint64(row))
			recs = append(recs, seal(append(Row(nil), rec...))...)
		}
		if err := o.Append(rows, recs); err != nil {
			b.Fatal(err)
		}
	}
	o.close(b)
	return spec
}

// BenchmarkAppend appends 64 rows of about 2 kB at a time.
func BenchmarkAppend(b *testing.B) {
	spec, rec := coldSpec(b, 1<<30)
	o := openTable(b, b.TempDir(), spec, 0)
	recs := make([]byte, 0, 64*len(rec))
	rows := make([]int64, 64)
	for range rows {
		recs = append(recs, rec...)
	}
	b.SetBytes(int64(len(recs)))
	b.ReportAllocs()
	next := int64(0)
	for b.Loop() {
		for i := range rows {
			rows[i] = next
			binary.LittleEndian.PutUint64(recs[i*len(rec)+atRow:], uint64(next)) // the checksum is wrong: nobody reads them
			next++
		}
		if err := o.Append(rows, recs); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	o.close(b)
}

// BenchmarkOpen opens a table of 100,000 rows.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	spec := coldTable(b, dir, 100_000)
	for b.Loop() {
		openTable(b, dir, spec, 0).close(b)
	}
}
