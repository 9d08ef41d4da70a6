package mapped

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A plain model of labels: each store has, per column, the value of each row; nil
// is a missing one. A number is float64 or, in a column of booleans, bool.
type labelStore struct {
	rows    int
	columns map[string]*labelColumn
	file    *memFile
}

type labelColumn struct {
	values   []any
	declared []any // categories, used or not; nil: it is no categorical
	dtype    dtype // noType: text
}

var labelTexts = []string{"B", "T", "NK", "nan", "", "3", "É", "B cell"}

// stored is how many values a row of X has, each of which is the row's number + 1.
func (s *labelStore) stored(row int) int { return 1 + row%3 }

// randomLabelStore has some of the columns: text, cat, number, flag, catnum and nullable.
func randomLabelStore(r *rand.Rand) *labelStore {
	s := &labelStore{rows: r.IntN(40), columns: map[string]*labelColumn{}, file: &memFile{}}
	f := s.file
	f.top = newMemGroup(f, "")
	n := int64(s.rows)
	var vals, idx []float64
	ptr := []float64{0}
	for row := range s.rows {
		for col := range s.stored(row) {
			vals, idx = append(vals, float64(row+1)), append(idx, float64(col))
		}
		ptr = append(ptr, float64(len(vals)))
	}
	x := f.top.group("X")
	x.texts["encoding-type"], x.ints["shape"] = "csr_matrix", []int64{n, 3}
	x.numbers("data", float32Type, toRaw(vals, float32Type), storage{run: 3}, int64(len(vals)))
	x.numbers("indices", int32Type, toRaw(idx, int32Type), storage{run: 5}, int64(len(vals)))
	x.numbers("indptr", int32Type, toRaw(ptr, int32Type), storage{run: 3}, n+1)
	v := f.top.group("var")
	v.texts["_index"] = "id"
	v.strings("id", "g1", "g2", "g3")
	obs := f.top.group("obs")
	obs.texts["_index"] = "id"
	ids := make([]string, s.rows)
	for i := range ids {
		ids[i] = fmt.Sprint("cell", i)
	}
	obs.strings("id", ids...)
	for _, column := range []struct {
		name string
		make func(*rand.Rand, *memGroup, string, int) *labelColumn
	}{
		{"text", plainText}, {"cat", categorical}, {"number", plainNumbers}, {"flag", flags}, {"catnum", categoricalNumbers}, {"nullable", nullable},
	} {
		if r.IntN(5) > 0 {
			s.columns[column.name] = column.make(r, obs, column.name, s.rows)
		}
	}
	return s
}

func plainText(r *rand.Rand, g *memGroup, name string, n int) *labelColumn {
	c, texts := &labelColumn{}, make([]string, n)
	for i := range texts {
		texts[i] = pick(r, labelTexts...)
		c.values = append(c.values, texts[i])
	}
	g.strings(name, texts...)
	return c
}

// numberOf is a small number as an array of type d holds it.
func numberOf(r *rand.Rand, d dtype) float64 {
	switch {
	case d == boolType:
		return float64(r.IntN(2))
	case d.isFloat():
		return float64(r.IntN(9)) / 2
	}
	return float64(r.IntN(5))
}

func (c *labelColumn) add(f float64) {
	if c.dtype == boolType {
		c.values = append(c.values, f != 0)
	} else {
		c.values = append(c.values, f)
	}
}

func plainNumbers(r *rand.Rand, g *memGroup, name string, n int) *labelColumn {
	c, raw := &labelColumn{dtype: pick(r, int8Type, uint16Type, int64Type, float32Type, float64Type)}, make([]float64, n)
	for i := range raw {
		if raw[i] = numberOf(r, c.dtype); c.dtype.isFloat() && r.IntN(4) == 0 {
			raw[i] = math.NaN()
			c.values = append(c.values, nil)
			continue
		}
		c.add(raw[i])
	}
	g.numbers(name, c.dtype, toRaw(raw, c.dtype), storage{run: 3}, int64(n))
	return c
}

func flags(r *rand.Rand, g *memGroup, name string, n int) *labelColumn {
	c, raw := &labelColumn{dtype: boolType}, make([]float64, n)
	for i := range raw {
		raw[i] = numberOf(r, boolType)
		c.add(raw[i])
	}
	g.numbers(name, boolType, toRaw(raw, boolType), storage{}, int64(n))
	return c
}

func nullable(r *rand.Rand, g *memGroup, name string, n int) *labelColumn {
	c := &labelColumn{dtype: pick(r, int32Type, boolType, int64Type)}
	raw, mask := make([]float64, n), make([]float64, n)
	for i := range raw {
		if raw[i] = numberOf(r, c.dtype); r.IntN(3) == 0 {
			mask[i] = 1
			c.values = append(c.values, nil)
			continue
		}
		c.add(raw[i])
	}
	sub := g.group(name)
	sub.texts["encoding-type"] = "nullable-integer"
	sub.numbers("values", c.dtype, toRaw(raw, c.dtype), storage{}, int64(n))
	sub.numbers("mask", boolType, toRaw(mask, boolType), storage{}, int64(n))
	return c
}

func (c *labelColumn) codes(r *rand.Rand, g *memGroup, n int) {
	raw := make([]float64, n)
	for i := range raw {
		raw[i] = float64(r.IntN(len(c.declared)+1) - 1)
		if raw[i] < 0 {
			c.values = append(c.values, nil)
		} else {
			c.values = append(c.values, c.declared[int(raw[i])])
		}
	}
	g.texts["encoding-type"] = "categorical"
	g.numbers("codes", int8Type, toRaw(raw, int8Type), storage{}, int64(n))
}

func categorical(r *rand.Rand, g *memGroup, name string, n int) *labelColumn {
	c, sub := &labelColumn{declared: []any{}}, g.group(name)
	texts := slices.Clone(labelTexts)
	r.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	texts = texts[:r.IntN(len(texts))]
	for _, t := range texts {
		c.declared = append(c.declared, t)
	}
	sub.strings("categories", texts...)
	c.codes(r, sub, n)
	return c
}

func categoricalNumbers(r *rand.Rand, g *memGroup, name string, n int) *labelColumn {
	c, sub := &labelColumn{declared: []any{}, dtype: pick(r, int64Type, boolType, float32Type)}, g.group(name)
	var raw []float64
	for v := range 1 + r.IntN(2) {
		raw = append(raw, float64(v))
		if c.dtype == boolType {
			c.declared = append(c.declared, v != 0)
		} else {
			c.declared = append(c.declared, float64(v))
		}
	}
	sub.numbers("categories", c.dtype, toRaw(raw, c.dtype), storage{}, int64(len(raw)))
	c.codes(r, sub, n)
	return c
}

// at is the value of a row, nil where the store lacks the column.
func (s *labelStore) at(key string, row int) any {
	if c := s.columns[key]; c != nil {
		return c.values[row]
	}
	return nil
}

// same1 is Python's == of labels.
func same1(a, b any) bool {
	number := func(v any) any {
		switch v := v.(type) {
		case bool:
			return float64(truth(v))
		case int64:
			return float64(v)
		}
		return v
	}
	return a != nil && b != nil && number(a) == number(b)
}

// A testPredicate is the text of a test, and what it means.
type testPredicate struct {
	text  string
	holds func(s *labelStore, row int) bool
}

// randomTest writes an expression at most depth deep.
func randomTest(r *rand.Rand, depth int) testPredicate {
	if depth > 0 {
		switch r.IntN(4) {
		case 0:
			p := randomTest(r, depth-1)
			return testPredicate{"not (" + p.text + ")", func(s *labelStore, row int) bool { return !p.holds(s, row) }}
		case 1:
			a, b := randomTest(r, depth-1), randomTest(r, depth-1)
			return testPredicate{"(" + a.text + ") and " + b.text, func(s *labelStore, row int) bool { return a.holds(s, row) && b.holds(s, row) }}
		case 2:
			a, b := randomTest(r, depth-1), randomTest(r, depth-1)
			return testPredicate{"(" + a.text + " or " + b.text + ")", func(s *labelStore, row int) bool { return a.holds(s, row) || b.holds(s, row) }}
		}
	}
	switch r.IntN(6) {
	case 0:
		key := pick(r, "text", "cat", "number", "nullable")
		return testPredicate{key + " is null", func(s *labelStore, row int) bool { return s.at(key, row) == nil }}
	case 1:
		return testPredicate{"cat matches '^B|n'", func(s *labelStore, row int) bool {
			t, ok := s.at("cat", row).(string)
			return ok && (strings.HasPrefix(t, "B") || strings.Contains(t, "n"))
		}}
	case 2:
		return testPredicate{"flag", func(s *labelStore, row int) bool { return s.at("flag", row) == true }}
	case 3:
		key, value := pick(r, "text", "cat"), pick(r, labelTexts...)
		return randomComparison(r, key, strconv.Quote(value), func(v any) int { return strings.Compare(v.(string), value) })
	case 4:
		key, value := pick(r, "number", "catnum", "nullable"), float64(r.IntN(9))/2
		return randomComparison(r, key, fmt.Sprint(value), func(v any) int {
			f, ok := v.(float64)
			if !ok {
				f = float64(truth(v.(bool)))
			}
			return int(4 * (f - value))
		})
	}
	key, list, null := pick(r, "text", "cat"), labelTexts[:r.IntN(4)], r.IntN(2) == 0
	text := key + " in ["
	for _, t := range list {
		text += strconv.Quote(t) + ", "
	}
	if null {
		text += "null"
	}
	return testPredicate{text + "]", func(s *labelStore, row int) bool {
		v := s.at(key, row)
		return v == nil && null || v != nil && slices.Contains(list, v.(string))
	}}
}

func randomComparison(r *rand.Rand, key, value string, compare func(v any) int) testPredicate {
	op := pick(r, "==", "!=", "<", "<=", ">", ">=")
	return testPredicate{key + " " + op + " " + value, func(s *labelStore, row int) bool {
		v := s.at(key, row)
		if v == nil {
			return op == "!="
		}
		c := compare(v)
		return map[string]bool{"==": c == 0, "!=": c != 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[op]
	}}
}

// randomTerm is a term of a filter, and what it means.
func randomTerm(r *rand.Rand) (FilterTerm, testPredicate) {
	t := FilterTerm{Key: pick(r, "text", "cat", "number", "flag", "catnum", "nullable"), Null: r.IntN(3) == 0}
	for range r.IntN(4) {
		t.Values = append(t.Values, pick[any](r, "B", "T", "3", "nan", int64(1), 0.5, 2.0, true, false, uint64(3), math.Inf(1)))
	}
	if r.IntN(5) == 0 {
		t.Values = append(t.Values, math.NaN())
	}
	return t, testPredicate{"", func(s *labelStore, row int) bool {
		v := s.at(t.Key, row)
		if s.columns[t.Key] == nil {
			return false
		}
		if v == nil {
			return t.Null || slices.ContainsFunc(t.Values, func(w any) bool { f, ok := w.(float64); return ok && f != f })
		}
		return slices.ContainsFunc(t.Values, func(w any) bool {
			if u, ok := w.(uint64); ok {
				w = float64(u)
			}
			return same1(v, w)
		})
	}}
}

type keptRow struct{ store, row int }

func openLabels(stores []*labelStore, o Options) (*Collection, error) {
	var paths []string
	files := map[string]container{}
	for i, s := range stores {
		path := fmt.Sprintf("store%d", i)
		paths, files[path] = append(paths, path), s.file
	}
	return openWith(context.Background(), paths, o, func(path string) (container, error) { return files[path], nil })
}

func TestFiltersKeepTheRowsThatAPlainModelKeeps(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		var stores []*labelStore
		for range 1 + r.IntN(3) {
			stores = append(stores, randomLabelStore(r))
		}
		stores = append(stores, fullLabelStore(r)) // so that no column is in no store
		var o Options
		o.ObsKeys = pick(r, nil, []string{"cat"}, []string{"text", "number", "cat", "nullable", "flag", "catnum"})
		if r.IntN(2) == 0 {
			o.Encode = o.ObsKeys
		}
		var tests []testPredicate
		for range r.IntN(3) {
			term, test := randomTerm(r)
			o.Filter.Terms, tests = append(o.Filter.Terms, term), append(tests, test)
		}
		if r.IntN(3) > 0 {
			test := randomTest(r, r.IntN(4))
			o.Filter.Expr, tests = test.text, append(tests, test)
		}
		var want []keptRow
		for i, s := range stores {
			for row := range s.rows {
				if !slices.ContainsFunc(tests, func(p testPredicate) bool { return !p.holds(s, row) }) {
					want = append(want, keptRow{i, row})
				}
			}
		}
		what := fmt.Sprintf("seed %d, %+v", seed, o.Filter)
		c, err := openLabels(stores, o)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		checkKept(t, what, r, c, stores, want)
		checkLabels(t, what, c, stores, want)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// fullLabelStore has every column.
func fullLabelStore(r *rand.Rand) *labelStore {
	for {
		if s := randomLabelStore(r); len(s.columns) == 6 {
			return s
		}
	}
}

// checkKept compares the rows of a collection, and those of its batches, with the model's.
func checkKept(t *testing.T, what string, r *rand.Rand, c *Collection, stores []*labelStore, want []keptRow) {
	t.Helper()
	list := make([]int64, len(stores))
	for _, k := range want {
		list[k.store]++
	}
	rows := make([]int64, c.NObs())
	if c.NObs() != int64(len(want)) || !slices.Equal(c.NObsList(), list) {
		t.Fatalf("%s: %d rows %v, want %d %v", what, c.NObs(), c.NObsList(), len(want), list)
	}
	if err := c.Rows(rows, 0); err != nil {
		t.Fatal(err)
	}
	for i, k := range want {
		if rows[i] != int64(k.row) || c.StoreOf(int64(i)) != k.store {
			t.Fatalf("%s: row %d is row %d of store %d, want %v", what, i, rows[i], c.StoreOf(int64(i)), k)
		}
		if shape := c.Shapes()[k.store]; shape.NObs != list[k.store] {
			t.Fatalf("%s: shape %v of store %d", what, shape, k.store)
		}
	}
	if len(want) == 0 {
		return
	}
	for _, format := range []Format{Dense, CSR} {
		e, err := c.NewEncoder(EncoderOptions{Format: format})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		ask := make([]int64, 1+r.IntN(20))
		for i := range ask {
			ask[i] = r.Int64N(int64(len(want)))
		}
		got, err := encode(e, ask, 0, 1+r.IntN(3))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for i, row := range ask {
			k := want[row]
			x := find(t, got, "X")
			at := 3 * i
			if format == CSR {
				at = int(x.indptr[i])
			}
			if x.values[at] != float64(k.row+1) || find(t, got, "_store_idx").values[i] != float64(k.store) {
				t.Fatalf("%s: row %d of the batch is wrong", what, i)
			}
			for _, col := range c.Columns() {
				checkCell(t, what, got, i, col, stores[k.store].at(col.Key, k.row))
			}
		}
		stored := 0
		for _, k := range want {
			stored += stores[k.store].stored(k.row)
		}
		if bounds := e.MaxBounds(len(want)); format == CSR && bounds[0] != stored {
			t.Fatalf("%s: %d rows of %d values have at most %d", what, len(want), stored, bounds[0])
		}
	}
	for _, col := range c.Columns() {
		missing := slices.ContainsFunc(want, func(k keptRow) bool { return stores[k.store].at(col.Key, k.row) == nil })
		if col.Missing != missing {
			t.Fatalf("%s: column %s says %v of missing labels", what, col.Key, col.Missing)
		}
	}
}

// checkCell compares one label of a batch.
func checkCell(t *testing.T, what string, got []decoded, i int, col Column, want any) {
	t.Helper()
	v := find(t, got, col.Key).values[i]
	if want == nil {
		if col.Missing && find(t, got, maskPrefix+col.Key).values[i] != 0 {
			t.Fatalf("%s: %s of row %d is there", what, col.Key, i)
		}
		return
	}
	found := any(v)
	if col.Categories != nil {
		found = col.Categories[int(v)]
	}
	if !same1(found, want) {
		t.Fatalf("%s: %s of row %d is %v, want %v", what, col.Key, i, found, want)
	}
}
