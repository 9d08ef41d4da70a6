package rowstore

import (
	"encoding/binary"
	"testing"
)

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
