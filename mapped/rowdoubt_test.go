package mapped

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// A check is good for as long as the memory is. Heads that are damaged after it cannot be expanded: that must be noticed, cost no
// batch, and be mended.
func TestHeadsDamagedAfterTheirCheckAreNoticedAndMadeAnew(t *testing.T) {
	f, dir, r := cells(2000, 700, 300), t.TempDir(), seeded(11)
	store := openRowStore(t, dir, 0)
	with, without := opened(t, f, Options{}, store)
	defer closing(t, with, without, store)
	e, plain := encoderOf(t, with, EncoderOptions{}), encoderOf(t, without, EncoderOptions{})
	epoch(t, r, e, plain, "whole")
	table := with.keeper.tables[0].table.Load()
	if err := table.Seal(); err != nil {
		t.Fatal(err)
	}
	epoch(t, r, e, plain, "checked")
	damaged := 0
	paths, _ := filepath.Glob(filepath.Join(dir, "v1", "*", "*.seg"))
	for _, path := range paths {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		for row := int64(3); row < 2000; row += 97 {
			record, ok := table.Row(row)
			if at := bytes.Index(whole, record); ok && at >= 0 {
				head := make([]byte, 28) // behind the checksum
				for i := range head {
					head[i] = byte(r.IntN(256))
				}
				if _, err := file.WriteAt(head, int64(at+4)); err != nil {
					t.Fatal(err)
				}
				damaged++
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if damaged < 10 {
		t.Fatalf("%d heads were damaged", damaged)
	}
	for range 2 {
		epoch(t, r, e, plain, "damaged")
	}
	if u := with.RowStoreUsage(); u.Stored != u.Rows {
		t.Errorf("not all rows were made anew: %+v", u)
	}
}

// damageRows overwrites the values of rows in the files of a table, which is sealed.
func damageRows(t *testing.T, dir string, table *rowstore.Table, rows ...int64) {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(dir, "v1", "*", "*.seg"))
	damaged := 0
	for _, path := range paths {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			record, ok := table.Row(row)
			if at := bytes.Index(whole, record); ok && at >= 0 {
				whole[at+len(record)/2] ^= 0xff
				damaged++
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if damaged != len(rows) {
		t.Fatalf("%d of %d rows were damaged", damaged, len(rows))
	}
}

// Rows that turn out to be damaged while their chunk is decoded for another row, which passes them over, are not given up.
func TestRowsFoundDamagedWhileTheirChunkIsDecodedAreMadeAnew(t *testing.T) {
	f, dir, r := cells(300, 1<<20, 300), t.TempDir(), seeded(12)
	store := openRowStore(t, dir, 0)
	with, without := opened(t, f, Options{}, store)
	if err := with.Prepare(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	damageRows(t, dir, with.keeper.tables[0].table.Load(), 3, 250)
	closing(t, with, without, store)

	store = openRowStore(t, dir, 0)
	with, without = opened(t, f, Options{}, store)
	defer closing(t, with, without, store)
	with.RowStoreUsage() // opens the table
	found := false
	f.before = func(a *memArray, chunk int) error {
		if a.path() == "/X/indices" { // of row 250: row 3 was passed
			_, ok := with.keeper.tables[0].table.Load().Row(3)
			found = !ok
		}
		return nil
	}
	e, plain := encoderOf(t, with, EncoderOptions{}), encoderOf(t, without, EncoderOptions{})
	buffersOf(t, e, []int64{250}, 1)
	f.before = nil
	if !found {
		t.Fatal("the row was not found damaged while its chunk was decoded")
	}
	epoch(t, r, e, plain, "damaged")
	if u := with.RowStoreUsage(); u.Stored != u.Rows {
		t.Errorf("not all rows were made anew: %+v", u)
	}
}
