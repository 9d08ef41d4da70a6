package mapped

import (
	"math"
	"slices"
	"testing"
)

func TestNearMatchesAreFoundByEditsCaseAndContainment(t *testing.T) {
	have := []string{"cell_type", "cell_type_ontology_term_id", "batch", "n_counts", "donor_id", "X_pca"}
	for _, c := range []struct {
		key  string
		want []string
	}{
		{"cel_type", []string{"cell_type"}},
		{"cell-type", []string{"cell_type", "cell_type_ontology_term_id"}},
		{"CELLTYPE", []string{"cell_type"}},
		{"bacth", []string{"batch"}},
		{"donor", []string{"donor_id"}},
		{"pca", []string{"X_pca"}},
		{"counts", []string{"n_counts"}},
		{"zzz", nil},
	} {
		if got := nearest(c.key, have, 3); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.key, got, c.want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"é", "e", 1}} {
		if got := editDistance(c.a, c.b); got != c.want || editDistance(c.b, c.a) != got {
			t.Errorf("%q to %q is %d edits, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestLabelsAreOrderedByValueAndEqualOnesAreOne(t *testing.T) {
	sorted := []value{
		ofFloat(math.Inf(-1)), ofInt(math.MinInt64), ofFloat(-0.5), ofBool(false), ofFloat(0.1), ofBool(true), ofFloat(1.5),
		ofInt(1 << 53), ofInt(1<<53 + 1), ofInt(math.MaxInt64), ofUint(1 << 63), ofUint(math.MaxUint64), ofFloat(1e300),
		ofText("10"), ofText("2"), ofText("A"), ofText("a"), ofText("É"), ofText("\U0001F600"),
	}
	for i, a := range sorted {
		for j, b := range sorted {
			got := compareValues(a, b)
			if i < j && got >= 0 || i > j && got <= 0 || i == j && got != 0 {
				t.Errorf("%v and %v compare as %d", a.any(), b.any(), got)
			}
		}
	}
	for _, pair := range [][2]value{{ofBool(true), ofInt(1)}, {ofInt(1), ofFloat(1)}, {ofFloat(math.Copysign(0, -1)), ofInt(0)},
		{ofUint(1 << 63), ofFloat(1 << 63)}, {ofUint(5), ofInt(5)}} {
		if pair[0].key() != pair[1].key() {
			t.Errorf("%v and %v are two labels", pair[0].any(), pair[1].any())
		}
	}
	if ofText("1").key() == ofInt(1).key() {
		t.Error("text and number are one label")
	}
}

func TestNumbersAsNamesAreWrittenAsPythonWritesThem(t *testing.T) {
	for f, want := range map[float64]string{
		1: "1.0", 0: "0.0", -2.5: "-2.5", 0.1: "0.1", 1e16: "1e+16", 123456789012345: "123456789012345.0",
		1e-5: "1e-05", 0.0001: "0.0001", math.Inf(1): "inf", math.NaN(): "nan",
	} {
		if got := pythonFloat(f); got != want {
			t.Errorf("%v is written %q, want %q", f, got, want)
		}
	}
}

func TestCodesKeepTheirValueInEveryWidth(t *testing.T) {
	for _, k := range []int{0, 1, 127, 128, 129, 32767, 32768, 32769, 1 << 20} {
		c := newCodes(3, k)
		for i, code := range []int32{-1, 0, int32(max(k-1, 0))} {
			c.set(i, code)
			if got := c.at(int64(i)); got != code {
				t.Errorf("%d categories: code %d reads as %d", k, code, got)
			}
		}
	}
	if a, b, c := newCodes(1, 128).width, newCodes(1, 32768).width, newCodes(1, 32769).width; a != 1 || b != 2 || c != 4 {
		t.Errorf("widths %d, %d, %d", a, b, c)
	}
}

func TestJoinsOfNames(t *testing.T) {
	a, b, c := []string{"z", "y", "x"}, []string{"x", "w", "z"}, []string{"y", "z", "x"}
	for _, tc := range []struct {
		what  string
		join  Join
		lists [][]string
		want  []string
		maps  [][]int32 // columns of each store; nil: as they are
	}{
		{"inner keeps the order of the first", JoinInner, [][]string{a, b, c}, []string{"z", "x"}, [][]int32{{0, -1, 1}, {1, -1, 0}, {-1, 0, 1}}},
		{"outer sorts", JoinOuter, [][]string{a, b}, []string{"w", "x", "y", "z"}, [][]int32{{3, 2, 1}, {1, 0, 3}}},
		{"outer sorts by code point", JoinOuter, [][]string{{"g1", "É", "gA"}, {"11", "2", "10"}}, []string{"10", "11", "2", "g1", "gA", "É"}, [][]int32{{3, 5, 4}, {1, 2, 0}}},
		{"equal lists stay", JoinOuter, [][]string{a, a}, a, [][]int32{nil, nil}},
		{"an inner join that is one store's list leaves that store", JoinInner, [][]string{{"z"}, a}, []string{"z"}, [][]int32{nil, {0, -1, -1}}},
		{"a store without the matrix is passed over", JoinInner, [][]string{a, nil, b}, []string{"z", "x"}, [][]int32{{0, -1, 1}, nil, {1, -1, 0}}},
		{"a list beside a store without variables is not sorted", JoinOuter, [][]string{a, {}, a}, a, [][]int32{nil, {}, nil}},
		{"a store without variables does not keep others from being sorted", JoinOuter, [][]string{{}, a, b}, []string{"w", "x", "y", "z"}, [][]int32{{}, {3, 2, 1}, {1, 0, 3}}},
		{"stores without variables are equal", JoinInner, [][]string{{}, {}}, []string{}, [][]int32{nil, nil}},
		{"no join keeps positions", JoinNone, [][]string{a, b}, nil, [][]int32{nil, nil}},
	} {
		var names interner
		lists := make([]*nameList, len(tc.lists))
		for i, l := range tc.lists {
			if l != nil {
				lists[i] = names.list(l)
			}
		}
		j, err := joinVars(tc.join, nil, lists, func(int) string { return "store" })
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(j.names, tc.want) {
			t.Errorf("%s: %q, want %q", tc.what, j.names, tc.want)
		}
		for i, want := range tc.maps {
			m := j.maps[i]
			if (m == nil) != (want == nil) || m != nil && !slices.Equal(m.to, want) {
				t.Errorf("%s: store %d is mapped by %+v, want %v", tc.what, i, m, want)
				continue
			}
			for k, to := range want {
				if to >= 0 && m.from[to] != int32(k) {
					t.Errorf("%s: store %d: column %d does not come back", tc.what, i, k)
				}
			}
		}
	}
}

func TestRowIndexesHoldLargeOffsets(t *testing.T) {
	f := &memFile{}
	f.top = newMemGroup(f, "")
	n := int64(1000)
	ptr := alignedBytes(int(n+1) * 8)
	at := int64(3)
	for i := range view[int64](ptr) {
		view[int64](ptr)[i] = at
		at += int64(i%7) * 2_000_000
	}
	last := view[int64](ptr)[n]
	a := f.top.numbers("indptr", int64Type, ptr, storage{run: 100}, n+1)
	v := &env{file: f, path: "file"}
	x, counts, err := readRowIndex(v, a, n, last, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		want := view[int64](ptr)[i : i+2]
		if first, count := x.span(i); first != want[0] || count != want[1]-want[0] {
			t.Fatalf("row %d has %d values from %d, want %v", i, count, first, want)
		}
	}
	if got := largest(counts, 3, 1<<40); got != 3*12_000_000 {
		t.Errorf("the three longest rows have %d values", got)
	}
	_, _, err = readRowIndex(v, a, n, last-1, 1<<40)
	wantError(t, err, ErrBadFile, "/indptr")
	_, _, err = readRowIndex(v, a, n, last, 11_000_000)
	wantError(t, err, ErrBadFile, "/indptr", "12000000")
	_, _, err = readRowIndex(v, a, n+1, last, 1<<40)
	wantError(t, err, ErrBadFile, "/indptr")
}
