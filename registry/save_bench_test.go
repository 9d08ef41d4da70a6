package registry

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
)

// A collection of ten thousand artifacts that are not saved yet, in one transaction.
func BenchmarkSaveMembers(b *testing.B) {
	db, err := Open(context.Background(), Options{Path: filepath.Join(b.TempDir(), FileName)})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	round := 0
	for b.Loop() {
		round++
		members := make([]any, 10_000)
		for i := range members {
			members[i] = file(fmt.Sprint(round, "-", i), "key", fmt.Sprint(round, "/", i))
		}
		if _, err := db.Save(context.Background(), Save{Model: ModelCollection, Record: Record{"name": "c"}, Members: members}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10_000, "µs/artifact")
}
