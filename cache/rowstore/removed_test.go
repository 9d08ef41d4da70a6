package rowstore

import (
	"os"
	"testing"
)

// Whoever removes the folder of a store that is in use loses the rows in it, and no more: others are kept in a new one.
func TestRowsGoToANewFolderAfterTheirsWasRemoved(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir() + "/store"
	o := openWith(t, thisSystem(), Options{Dir: dir, Budget: 1 << 30}, sampleSpec(3000))
	o.add(t, 1, span64(0, 100)...)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for row := int64(100); row < 3000; row += 100 {
		o.add(t, 1, span64(row, row+100)...)
	}
	if n := o.served(t, 1, span64(0, 3000)...); n != 3000 {
		t.Errorf("%d rows are served", n)
	}
	if err := o.Seal(); err != nil {
		t.Errorf("sealing gives %v", err)
	}
	o.Table.Close()
	if err := o.s.Close(); !isGone(err) { // of the file that was removed
		t.Errorf("closing gives %v", err)
	}
	o = openTable(t, dir, sampleSpec(3000), 0)
	if n := o.served(t, 1, span64(0, 3000)...); n < 2000 {
		t.Errorf("%d rows are on the disk", n)
	}
	o.close(t)
}
