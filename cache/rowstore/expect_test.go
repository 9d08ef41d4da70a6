package rowstore

import "testing"

// Expecting changes nothing, whatever is there: rows, none yet, or a row that cannot be.
func TestExpectingARowIsNoLookAtIt(t *testing.T) {
	checkLeaks(t)
	o := openTable(t, t.TempDir(), sampleSpec(100), 1<<16)
	expect := func() {
		for row := int64(-1); row <= 100; row++ {
			o.Expect(row)
		}
	}
	expect()
	o.add(t, 1, 3, 99)
	expect()
	for row := int64(-1); row <= 100; row++ {
		if _, ok := o.Row(row); ok != (row == 3 || row == 99) {
			t.Errorf("row %d: %v", row, ok)
		}
	}
	if n := testing.AllocsPerRun(100, expect); n != 0 {
		t.Errorf("%v allocations", n)
	}
	o.close(t)
}
