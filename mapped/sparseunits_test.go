package mapped

import "testing"

func TestUnitsCutRowsAsAPlainModelDoes(t *testing.T) {
	for seed := range seeds(2000) {
		r := seeded(seed)
		rows := 1 + r.Int64N(30)
		index := newRowIndex(rows)
		at := r.Int64N(3)
		for row := range rows {
			index.set(row, at)
			at += []int64{0, 0, 1, 2, 7, r.Int64N(40)}[r.IntN(6)]
		}
		index.set(rows, at)
		a, b := 1+r.Int64N(at+3), 1+r.Int64N(at+3)
		u := newSparseUnits(&matrix{rows: rows, sparse: &csrMatrix{index: index,
			indices: &source{chunkRows: a, chunkBytes: 1}, data: &source{chunkRows: b, chunkBytes: 1}}})
		owner := make(map[int64]int64) // of each chunk of the other array
		elements := [2]int64{}
		for unit := range u.count() {
			long, other := u.ranges(unit)
			elements[0], elements[1] = elements[0]+long.n(), elements[1]+other.n()
			if long.n() > 0 && (long.from/u.chunk != unit || (long.to-1)/u.chunk != unit) || other.from%u.within != 0 && other.n() > 0 {
				t.Fatalf("seed %d: unit %d of chunks of %d and %d has %v and %v", seed, unit, u.chunk, u.within, long, other)
			}
			for e := other.from; e < other.to; e++ {
				if was, ok := owner[e/u.within]; ok && was != unit {
					t.Fatalf("seed %d: units %d and %d both have chunk %d", seed, was, unit, e/u.within)
				}
				owner[e/u.within] = unit
			}
			need := u.rows(unit)
			for row := range rows {
				first, n := index.span(row)
				e := extent{first, first + n}
				touched := e.cut(long).n()+e.cut(other).n() > 0
				whole := e.cut(long).n() == n && e.cut(other).n() == n
				from, last := u.of(row)
				if n > 0 && touched != (from <= unit && unit <= last) {
					t.Fatalf("seed %d: row %d, %v, is of units %d to %d, and unit %d has %v and %v", seed, row, e, from, last, unit, long, other)
				}
				in := func(from, to int64) bool { return from <= row && row < to }
				switch {
				case n == 0: // of any
				case touched && whole != in(need.whole, need.right),
					touched && !whole && e.from < other.from != in(need.left, need.whole),
					touched && !whole && e.from >= other.from != in(need.right, need.end),
					!touched && in(need.left, need.end):
					t.Fatalf("seed %d: row %d, %v, and unit %d with %v and %v: %+v", seed, row, e, unit, long, other, need)
				}
			}
		}
		if elements[0] != at || elements[1] != at {
			t.Fatalf("seed %d: units have %v of %d elements", seed, elements, at)
		}
	}
}
