package mapped

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
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
