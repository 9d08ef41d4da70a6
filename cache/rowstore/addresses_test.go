package rowstore

import "testing"

func TestAnAddressIsOnlyForgottenByWhoKnowsIt(t *testing.T) {
	a := newAddresses(10000)
	if !a.put(5000, 7) || a.put(5000, 8) {
		t.Error("a row has the address that came first")
	}
	a.word(5000).Store(7 | checked)
	for _, tc := range []struct {
		name    string
		row     int64
		address uint32
		want    bool
	}{
		{"another address", 5000, 8, false},
		{"no address", 5000, 0, false},
		{"a row that has none, on the same page", 5001, 0, false},
		{"a row on a page that was not made", 0, 7, false},
		{"a row that is not in the matrix", 10000, 7, false},
		{"its address, checked or not", 5000, 7, true},
		{"its address, again", 5000, 7, false},
	} {
		if got := a.drop(tc.row, tc.address); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	if n := a.stored.Load(); n != 0 {
		t.Errorf("%d rows are stored", n)
	}
	for row := range int64(20) {
		a.put(row*500, uint32(100+row))
	}
	a.dropRange(105, 110)
	if a.get(4*500) != 104 || a.get(5*500) != 0 || a.get(9*500) != 0 || a.get(10*500) != 110 || a.stored.Load() != 15 {
		t.Error("not the rows of the range were forgotten")
	}
}
