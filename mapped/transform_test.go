package mapped

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// modelCell is one value of a row in the model of transforms: of a column of the
// file, or of a joined column that the file lacks.
type modelCell struct {
	joined int // -1: not joined
	inFile bool
	val    float64
}

// modelRow gives the cells of a row of a store.
func modelRow(s *modelStore, row []modelEntry, names []string, join Join) []modelCell {
	file := make([]modelCell, len(s.vars))
	for c := range file {
		file[c] = modelCell{joined: c, inFile: true}
		if join != JoinNone {
			file[c].joined = slices.Index(names, s.vars[c])
		}
	}
	for _, e := range row {
		if s.or {
			file[e.col].val = max(file[e.col].val, e.val)
		} else {
			file[e.col].val += e.val
		}
	}
	if join == JoinNone {
		return file
	}
	for j, name := range names {
		if !slices.Contains(s.vars, name) {
			file = append(file, modelCell{joined: j})
		}
	}
	return file
}

// modelApply does a transform to all cells, the plain way.
func modelApply(t Transform, cells []modelCell) {
	num := func(name string, def float64) float64 {
		if v, ok := t.Args[name].(float64); ok {
			return v
		}
		return def
	}
	total := 0.0
	for _, c := range cells {
		if c.inFile && (t.Args["over"] != "joined" || c.joined >= 0) {
			total += c.val
		}
	}
	for i := range cells {
		x := &cells[i].val
		switch t.Name {
		case "normalize_total":
			if total != 0 {
				*x = *x / total * num("target_sum", nan)
			}
		case "log1p":
			*x = math.Log1p(*x) / math.Log(num("base", math.E))
		case "clip":
			*x = math.Min(math.Max(*x, num("min", math.Inf(-1))), num("max", math.Inf(1)))
		case "binarize":
			*x = float64(truth(*x > num("threshold", 0)))
		case "scale":
			if cells[i].joined < 0 {
				continue
			}
			mean, std := t.Args["mean"].([]float64)[cells[i].joined], t.Args["std"].([]float64)[cells[i].joined]
			if std == 0 {
				std = 1
			}
			limit := num("max_value", math.Inf(1))
			if t.Args["zero_center"] == false {
				*x = math.Min(*x/std, limit)
			} else {
				*x = math.Max(math.Min((*x-mean)/std, limit), -limit)
			}
		}
	}
}

// randomTransforms is a chain that has a meaning, and whether 0 may become something else in it.
func randomTransforms(r *rand.Rand, width int) (list []Transform, dense bool) {
	genes := func(least float64) (out []float64) {
		for range width {
			out = append(out, least+float64(r.IntN(8))/4)
		}
		return out
	}
	scaled := false
	for range 1 + r.IntN(4) {
		switch r.IntN(6) {
		case 0, 1:
			if !scaled && !dense {
				list = append(list, Transform{"normalize_total", map[string]any{"target_sum": pick(r, 1.0, 50, 1e4), "over": pick(r, "file", "joined")}})
			}
		case 2:
			list = append(list, Transform{"log1p", map[string]any{"base": pick[any](r, nil, 2.0, 10.0)}})
		case 3:
			low := pick[any](r, nil, 0.0, -1.0, 0.5)
			dense = dense || low == 0.5
			list = append(list, Transform{"clip", map[string]any{"min": low, "max": pick[any](r, nil, 2.5, 1.0)}})
		case 4:
			list = append(list, Transform{"binarize", map[string]any{"threshold": pick(r, 0.0, 1.5)}})
		default:
			center := r.IntN(2) == 0
			scaled, dense = true, dense || center
			list = append(list, Transform{"scale", map[string]any{"mean": genes(0), "std": genes(0), "zero_center": center, "max_value": pick[any](r, nil, 2.0)}})
			if center { // what lies below -1 has no logarithm
				return list, dense
			}
		}
	}
	return list, dense
}

func roughly(got, want []float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d values, want %d", len(got), len(want))
	}
	for i := range got {
		if d := math.Abs(got[i] - want[i]); !(d <= 2e-6*math.Max(1, math.Abs(want[i]))) && got[i] != want[i] {
			return fmt.Errorf("value %d is %v, want %v", i, got[i], want[i])
		}
	}
	return nil
}

func TestTransformsEqualAPlainModelForRandomCollections(t *testing.T) {
	universe := strings.Split("cb ca d e ba a g f É h i j k", " ")
	done := map[bool]int{}
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 5))
		var stores []*modelStore
		for i := range 1 + r.IntN(3) {
			stores = append(stores, randomStore(r, universe, fmt.Sprint(i)))
		}
		join := Join(r.IntN(2))
		names, _ := expect(stores, join, nil)
		if len(names) == 0 {
			continue
		}
		list, dense := randomTransforms(r, len(names))
		var want [][]float64
		for _, s := range stores {
			for _, row := range s.rows {
				cells := modelRow(s, row, names, join)
				for _, tr := range list {
					modelApply(tr, cells)
				}
				out := make([]float64, len(names))
				for _, c := range cells {
					if c.joined >= 0 {
						out[c.joined] = c.val
					}
				}
				want = append(want, out)
			}
		}
		what := fmt.Sprintf("seed %d, %v join, %v", seed, join, list)
		c, err := openModel(stores, Options{Join: join, Transforms: list, CacheBytes: 300})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, format := range []Format{Dense, CSR} {
			e, err := c.NewEncoder(EncoderOptions{Format: format})
			if format == CSR && c.programs[0] != nil && c.programs[0].zero != nil {
				wantError(t, err, ErrInvalid, "sparse", "dense")
				if !dense {
					t.Errorf("%s: refused as csr", what)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if len(want) > 0 && len(list) > 0 {
				done[format == CSR]++
				checkTransformed(t, r, e, want, what)
			}
		}
		c.Close()
	}
	if done[false] < 200 || done[true] < 100 {
		t.Errorf("only %v collections were compared", done)
	}
}

func checkTransformed(t *testing.T, r *rand.Rand, e *Encoder, want [][]float64, what string) {
	t.Helper()
	rows := make([]int64, 1+r.IntN(20))
	for i := range rows {
		rows[i] = r.Int64N(int64(len(want)))
	}
	got, err := encode(e, rows, 0, 1+r.IntN(4))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	x := find(t, got, "X")
	if x.DType != "float32" {
		t.Fatalf("%s: the field is %s", what, x.DType)
	}
	if x.Kind == KindCSR {
		if err := checkCSR(x, len(rows)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i, row := range rows {
		if err := roughly(denseRow(x, i), want[row]); err != nil {
			t.Fatalf("%s: row %d: %v\n got %v\nwant %v", what, row, err, denseRow(x, i), want[row])
		}
	}
}

// denseRow is row i of a dense or csr field.
func denseRow(x decoded, i int) []float64 {
	out := make([]float64, x.Width)
	if x.Kind == KindDense {
		copy(out, x.values[i*x.Width:])
		return out
	}
	for k := x.indptr[i]; k < x.indptr[i+1]; k++ {
		out[x.indices[k]] = x.values[k]
	}
	return out
}

// countsStore is one sparse store of float32 counts.
func countsStore(vars []string, rows ...[]float64) *modelStore {
	m := &modelStore{file: &memFile{}, vars: vars}
	for _, row := range rows {
		var entries []modelEntry
		for c, v := range row {
			if v != 0 {
				entries = append(entries, modelEntry{c, v})
			}
		}
		m.rows = append(m.rows, entries)
	}
	m.write(rand.New(rand.NewPCG(1, 1)), float32Type)
	return m
}

func encodeAll(t *testing.T, c *Collection, o EncoderOptions) []decoded {
	t.Helper()
	e, err := c.NewEncoder(o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := encode(e, sequence(c.NObs()), 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTokensAreTheLargestGenesInOrder(t *testing.T) {
	a := countsStore([]string{"g0", "g1", "g2", "g3", "g4"}, []float64{3, 0, 5, 3, 1}, []float64{0, 0, 0, 0, 0}, []float64{0, 2, 0, 0, 0})
	b := countsStore([]string{"g4", "g2", "g0"}, []float64{7, 7, 1})
	for _, tc := range []struct {
		what   string
		args   map[string]any
		steps  []Transform
		tokens [][]float64
		values [][]float64
	}{
		{"ties go to the gene that comes first", map[string]any{"k": 4.0}, nil,
			[][]float64{{2, 0, 3, 4}, {-1, -1, -1, -1}, {1, -1, -1, -1}, {2, 4, 0, -1}},
			[][]float64{{5, 3, 3, 1}, {0, 0, 0, 0}, {2, 0, 0, 0}, {7, 7, 1, 0}}},
		{"only the first k", map[string]any{"k": 2.0, "pad": 9.0, "dtype": "int64"}, nil,
			[][]float64{{2, 0}, {9, 9}, {1, 9}, {2, 4}}, [][]float64{{5, 3}, {0, 0}, {2, 0}, {7, 7}}},
		{"divided gene by gene, and without the gene that has no divisor",
			map[string]any{"k": 3.0, "divisor": []float64{1, 1, 10, 2, nan}}, nil,
			[][]float64{{0, 3, 2}, {-1, -1, -1}, {1, -1, -1}, {0, 2, -1}}, [][]float64{{3, 1.5, 0.5}, {0, 0, 0}, {2, 0, 0}, {1, float64(float32(0.7)), 0}}},
		{"in the numbers of a vocabulary", map[string]any{"k": 2.0, "pad": 0.0, "ids": []float64{10, 11, 12, 13, 14}}, nil,
			[][]float64{{12, 10}, {0, 0}, {11, 0}, {12, 14}}, [][]float64{{5, 3}, {0, 0}, {2, 0}, {7, 7}}},
		{"of values that were transformed, where 0 has become something else", map[string]any{"k": 3.0},
			[]Transform{{"clip", map[string]any{"min": 2.0}}},
			[][]float64{{2, 0, 3}, {0, 1, 2}, {0, 1, 2}, {2, 4, 0}}, [][]float64{{5, 3, 3}, {2, 2, 2}, {2, 2, 2}, {7, 7, 2}}},
	} {
		tc.args["values"], tc.args["length"] = true, true
		c, err := openModel([]*modelStore{a, b}, Options{Join: JoinOuter, Transforms: append(tc.steps, Transform{"rank_tokens", tc.args})})
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []Format{Dense, CSR} {
			got := encodeAll(t, c, EncoderOptions{Format: format})
			tokens, values, length := find(t, got, "tokens"), find(t, got, "tokens_values"), find(t, got, "tokens_length")
			if want, _ := tc.args["dtype"].(string); tokens.DType != max(want, "int32") || tokens.Kind != KindDense {
				t.Errorf("%s: %v %s", tc.what, tokens.Kind, tokens.DType)
			}
			for i := range tc.tokens {
				if err := same(denseRow(tokens, i), tc.tokens[i]); err != nil {
					t.Errorf("%s: row %d: %v: %v", tc.what, i, err, denseRow(tokens, i))
				}
				if err := same(denseRow(values, i), tc.values[i]); err != nil {
					t.Errorf("%s: values of row %d: %v: %v", tc.what, i, err, denseRow(values, i))
				}
				n := slices.IndexFunc(tc.values[i], func(v float64) bool { return v == 0 })
				if n < 0 {
					n = len(tc.values[i])
				}
				if length.values[i] != float64(n) {
					t.Errorf("%s: row %d has length %v, want %d", tc.what, i, length.values[i], n)
				}
			}
		}
		c.Close()
	}
}

func TestTheSmallestKeysComeFirst(t *testing.T) {
	r := seeded(4)
	for range 300 {
		keys := make([]uint64, 1+r.IntN(200))
		for i := range keys {
			keys[i] = uint64(r.IntN(50))<<32 | uint64(i)
		}
		k := 1 + r.IntN(len(keys))
		want := slices.Sorted(slices.Values(keys))[:k]
		smallest(keys, k)
		if got := slices.Sorted(slices.Values(keys[:k])); !slices.Equal(got, want) {
			t.Fatalf("the first %d are %v, want %v", k, got, want)
		}
	}
}

func TestATransformedFieldIsFloat32UnlessAskedOtherwise(t *testing.T) {
	a := countsStore([]string{"g0", "g1"}, []float64{1, 0}, []float64{2, 300})
	half := []Transform{{"binarize", nil}, {"cast", map[string]any{"dtype": "bfloat16"}}}
	for _, tc := range []struct {
		list      []Transform
		asked, is string
		want      []float64
	}{
		{half[:1], "", "float32", []float64{1, 0, 1, 1}},
		{half[:1], "uint8", "uint8", []float64{1, 0, 1, 1}},
		{half, "", "bfloat16", []float64{1, 0, 1, 1}},
		{half, "float64", "bfloat16", []float64{1, 0, 1, 1}},
		{half[1:], "", "bfloat16", []float64{1, 0, 2, 300}},
	} {
		c, err := openModel([]*modelStore{a}, Options{Transforms: tc.list})
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []Format{Dense, CSR} {
			x := find(t, encodeAll(t, c, EncoderOptions{Format: format, DType: tc.asked}), "X")
			got := append(denseRow(x, 0), denseRow(x, 1)...)
			if err := same(got, tc.want); x.DType != tc.is || err != nil {
				t.Errorf("%v as %q: %s %v", tc.list, tc.asked, x.DType, got)
			}
		}
		c.Close()
	}
}

func TestCellsWithoutATotalStayAsTheyAre(t *testing.T) {
	a := countsStore([]string{"g0", "g1", "g2"}, []float64{0, 0, 0}, []float64{math.Inf(1), 1, 0}, []float64{nan, 1, 0}, []float64{-1, 1, 0})
	c, err := openModel([]*modelStore{a}, Options{Transforms: []Transform{{"normalize_total", map[string]any{"target_sum": 4.0}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	x := find(t, encodeAll(t, c, EncoderOptions{}), "X")
	for i, want := range [][]float64{{0, 0, 0}, {nan, 0, 0}, {nan, nan, 0}, {-1, 1, 0}} {
		if err := same(denseRow(x, i), want); err != nil {
			t.Errorf("row %d: %v, want %v", i, denseRow(x, i), want)
		}
	}
}

func TestTransformsThatCannotBeAreRefused(t *testing.T) {
	a := countsStore([]string{"g0", "g1"}, []float64{1, 0})
	args := func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	norm, log := Transform{"normalize_total", args("target_sum", 1.0)}, Transform{"log1p", nil}
	scale := Transform{"scale", args("mean", []float64{1, 2}, "std", []float64{1, 2})}
	tokens := Transform{"rank_tokens", args("k", 2)}
	for _, tc := range []struct {
		list []Transform
		says []string
	}{
		{[]Transform{{"normalise_total", nil}}, []string{"normalise_total", "did you mean `normalize_total`?"}},
		{[]Transform{{"pca", nil}}, []string{"`rank_tokens`"}},
		{[]Transform{{"log1p", args("bass", 2.0)}}, []string{"transforms.log1p", "bass", "did you mean `base`?"}},
		{[]Transform{{"log1p", args("base", 1.0)}}, []string{"base", "got 1"}},
		{[]Transform{{"log1p", args("base", "e")}}, []string{"base", "got e"}},
		{[]Transform{{"log1p", args("on", "Y")}}, []string{"layers_keys", "Y"}},
		{[]Transform{{"normalize_total", nil}}, []string{"target_sum", "1e4"}},
		{[]Transform{{"normalize_total", args("target_sum", -1)}}, []string{"-1"}},
		{[]Transform{{"normalize_total", args("target_sum", 1, "over", "files")}}, []string{"did you mean `file`?"}},
		{[]Transform{{"clip", args("min", 2, "max", 1)}}, []string{"min", "2 and 1"}},
		{[]Transform{{"scale", args("mean", []float64{1, 2})}}, []string{"std"}},
		{[]Transform{{"scale", args("mean", []float64{1, 2}, "std", []float64{1})}}, []string{"2 values and std 1"}},
		{[]Transform{{"scale", args("mean", []float64{1}, "std", []float64{1})}}, []string{"1 values", "2 genes"}},
		{[]Transform{{"scale", args("mean", make([]byte, 17), "std", []float64{1})}}, []string{"17 bytes"}},
		{[]Transform{{"scale", args("mean", []float64{1, nan}, "std", []float64{1, 2})}}, []string{"gene 1", "NaN"}},
		{[]Transform{{"scale", args("mean", []float64{1, 2}, "std", []float64{1, -2})}}, []string{"gene 1", "-2"}},
		{[]Transform{{"scale", args("mean", []float64{1, 2}, "std", []float64{1, 2}, "max_value", 0)}}, []string{"max_value"}},
		{[]Transform{{"binarize", args("threshold", nan)}}, []string{"threshold"}},
		{[]Transform{{"rank_tokens", nil}}, []string{"k must be from 1"}},
		{[]Transform{{"rank_tokens", args("k", 1.5)}}, []string{"k must be a whole number", "1.5"}},
		{[]Transform{{"rank_tokens", args("k", 2, "divisor", []float64{1, 0})}}, []string{"divisor", "gene 1"}},
		{[]Transform{{"rank_tokens", args("k", 2, "ids", []float64{1, 2.5})}}, []string{"ids", "gene 1"}},
		{[]Transform{{"rank_tokens", args("k", 2, "ids", []float64{1})}}, []string{"ids has 1 values", "2 genes"}},
		{[]Transform{{"rank_tokens", args("k", 2, "dtype", "int8")}}, []string{"int8", "int32"}},
		{[]Transform{{"rank_tokens", args("k", 2, "name", "_idx")}}, []string{"_idx"}},
		{[]Transform{{"cast", args("dtype", "float15")}}, []string{"float15", "`float16`"}},
		{[]Transform{scale, norm}, []string{"put normalize_total before scale"}},
		{[]Transform{{"clip", args("min", 1)}, norm}, []string{"put normalize_total before clip"}},
		{[]Transform{tokens, log}, []string{"nothing can follow rank_tokens"}},
		{[]Transform{{"cast", args("dtype", "float16")}, log}, []string{"nothing can follow cast"}},
	} {
		_, err := openModel([]*modelStore{a}, Options{Transforms: tc.list})
		wantError(t, err, ErrInvalid, tc.says...)
	}
	c, err := openModel([]*modelStore{a}, Options{Transforms: []Transform{scale}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.NewEncoder(EncoderOptions{Format: CSR})
	wantError(t, err, ErrInvalid, "scale makes another value of 0", "zero_center=False")
	b := countsStore([]string{"h"}, []float64{1})
	_, err = openModel([]*modelStore{a, b}, Options{Join: JoinNone, Transforms: []Transform{{"rank_tokens", map[string]any{"k": 3}}}})
	wantError(t, err, ErrInvalid, "numbers of genes")
	apart, err := openModel([]*modelStore{a, b}, Options{Join: JoinNone})
	if err != nil {
		t.Fatal(err)
	}
	defer apart.Close()
	_, err = apart.Statistics(t.Context(), StatisticsOptions{})
	wantError(t, err, ErrInvalid, "another gene in each")
	_, err = openModel([]*modelStore{a, b}, Options{Join: JoinNone, Transforms: []Transform{scale}})
	wantError(t, err, ErrInvalid, "not joined", "inner")
}
