package mapped

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func open(t *testing.T, o Options, files ...string) *Collection {
	t.Helper()
	c, err := Open(context.Background(), fixture(files...), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestShapesOfACollection(t *testing.T) {
	c := open(t, Options{}, "a.h5ad", "empty.h5ad", "b.h5ad")
	if got := c.NObsList(); !slices.Equal(got, []int64{7, 0, 6}) || c.NObs() != 13 {
		t.Errorf("rows %v, %d in all", got, c.NObs())
	}
	if n, ok := c.NVars(); !ok || n != 5 || len(c.Var()) != 5 || !slices.Equal(c.NVarsList(), []int{9, 9, 8}) {
		t.Errorf("%d variables (%v) of %v: %v", n, ok, c.NVarsList(), c.Var())
	}
	if got := c.Shapes(); !slices.Equal(got, []Shape{{7, 9}, {0, 9}, {6, 8}}) {
		t.Errorf("shapes %v", got)
	}
	for row, want := range []int{0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2} {
		if got := c.storeOf(int64(row)); got != want {
			t.Errorf("row %d is in store %d, want %d", row, got, want)
		}
	}
	none := open(t, Options{Join: JoinNone}, "a.h5ad", "b.h5ad")
	if _, ok := none.NVars(); ok || none.Var() != nil || none.NVarsList() != nil || !slices.Equal(none.Shapes(), []Shape{{7, -1}, {6, -1}}) {
		t.Errorf("without a join: %v %v %v", none.Var(), none.NVarsList(), none.Shapes())
	}
}

func TestColumnsAreDescribed(t *testing.T) {
	c := open(t, Options{
		ObsKeys: []string{"cell_type", "batch", "note", "good", "grade", "only_a", "count", "score"},
		Encode:  []string{"cell_type", "grade"}, UnknownLabel: map[string]string{"cell_type": "NK"}},
		"a.h5ad", "b.h5ad", "d.h5ad")
	number := []int{2}
	want := []Column{
		{Key: "cell_type", DType: "int64", Encoded: true, Source: SourceCategorical, Missing: true,
			Categories: []any{"B", "T", "mono", "never"}, Encoder: []Label{{"NK", -1}, {"B", 0}, {"T", 1}, {"mono", 2}, {"never", 3}}},
		{Key: "batch", DType: "int64", Source: SourceNumber, Absent: number, Missing: true},
		{Key: "note", DType: "int32", Source: SourceNullable, Absent: number, Missing: true, Categories: []any{"", "w", "x", "y", "z", "é"}},
		{Key: "good", DType: "bool", Source: SourceBool, Absent: number, Missing: true},
		{Key: "grade", DType: "int64", Encoded: true, Source: SourceCategorical, Absent: number, Missing: true,
			Categories: []any{int64(1), int64(2), int64(3), int64(4), int64(5), int64(6)},
			Encoder:    []Label{{int64(1), 0}, {int64(2), 1}, {int64(3), 2}, {int64(4), 3}, {int64(5), 4}, {int64(6), 5}}},
		{Key: "only_a", DType: "int16", Source: SourceNumber, Absent: []int{1, 2}, Missing: true},
		{Key: "count", DType: "int64", Source: SourceNullable, Absent: number, Missing: true},
		{Key: "score", DType: "float64", Source: SourceNumber, Absent: number, Missing: true},
	}
	for i, got := range c.Columns() {
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("column %d is\n%+v, want\n%+v", i, got, want[i])
		}
	}
	full := open(t, Options{ObsKeys: []string{"batch", "good", "donor"}}, "a.h5ad", "b.h5ad")
	for _, col := range full.Columns() {
		if col.Missing || col.Absent != nil {
			t.Errorf("%q is said to lack values", col.Key)
		}
	}
}

func TestTheHashFollowsContentAndNothingElse(t *testing.T) {
	keys := Options{ObsKeys: []string{"cell_type"}, LayersKeys: []string{"X", "counts"}}
	base := open(t, keys, "a.h5ad", "b.h5ad").Hash()
	moved := filepath.Join(t.TempDir(), "elsewhere.h5ad")
	if err := os.Rename(copyOf(t, "a.h5ad"), moved); err != nil {
		t.Fatal(err)
	}
	c, err := Open(context.Background(), append([]string{moved}, fixture("b.h5ad")...), keys)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Hash() != base {
		t.Error("another path gives another hash")
	}
	var first [32]byte
	for i, name := range []string{"contiguous", "chunked", "gzip", "lzf"} {
		h := open(t, Options{}, "same_"+name+".h5ad").Hash()
		if i == 0 {
			first = h
		}
		if h != first {
			t.Errorf("stored as %s it has another hash", name)
		}
	}
	for name, other := range map[string]*Collection{
		"the order of files": open(t, keys, "b.h5ad", "a.h5ad"),
		"a file more":        open(t, keys, "a.h5ad", "b.h5ad", "empty.h5ad"),
		"other layers":       open(t, Options{ObsKeys: keys.ObsKeys, LayersKeys: []string{"X", "only_a"}}, "a.h5ad", "b.h5ad"),
		"other labels":       open(t, Options{ObsKeys: []string{"note"}, LayersKeys: keys.LayersKeys}, "a.h5ad", "b.h5ad"),
	} {
		if other.Hash() == base {
			t.Errorf("%s does not change the hash", name)
		}
	}
	if open(t, Options{Join: JoinOuter}, "d.h5ad").Hash() == open(t, Options{Join: JoinOuter}, "f.h5ad").Hash() {
		t.Error("names of variables do not change the hash")
	}
}

func TestBoundsHoldForEveryRowAndMaxBoundsForEveryChoice(t *testing.T) {
	for _, files := range [][]string{{"a.h5ad", "b.h5ad", "c.h5ad"}, {"same_gzip.h5ad", "same_lzf.h5ad"}, {"a.h5ad", "a.h5ad"}} {
		for _, join := range []Join{JoinInner, JoinOuter, JoinNone} {
			c := open(t, Options{Join: join, LayersKeys: []string{"X"}}, slices.Clone(files)...)
			e, err := c.NewEncoder(EncoderOptions{Format: CSR})
			if err != nil {
				t.Fatal(err)
			}
			var each []int
			for row := range c.NObs() {
				got, err := encode(e, []int64{row}, 0, 1)
				if err != nil {
					t.Fatal(err)
				}
				bound := e.Bounds([]int64{row}, nil)[0]
				if n := len(find(t, got, "X").values); n > bound || bound > e.Fields()[1].Width {
					t.Errorf("%v: row %d has %d values, bound %d, width %d", join, row, n, bound, e.Fields()[1].Width)
				}
				each = append(each, bound)
			}
			slices.Sort(each)
			slices.Reverse(each)
			sum := 0
			for n := range len(each) + 1 {
				if got := e.MaxBounds(n)[0]; got != sum {
					t.Fatalf("%v: the %d longest rows have %d values, MaxBounds says %d", join, n, sum, got)
				}
				if n < len(each) {
					sum += each[n]
				}
			}
			if got := e.MaxBounds(len(each) + 3)[0]; got != sum+3*each[0] {
				t.Errorf("%v: three rows more than there are: %d, want %d", join, got, sum+3*each[0])
			}
		}
	}
}

func TestTheRealPBMCFileReadsAsAnndataReadsIt(t *testing.T) {
	var want struct {
		Var        []string
		BulkLabels struct {
			Categories []any
			Codes      []float64
		} `json:"bulk_labels"`
		NGenes      []float64 `json:"n_genes"`
		PercentMito []float64 `json:"percent_mito"`
		Rows        []int64
		Raw, X, PCA [][]float64
		XTotal      []float64 `json:"x_total"`
		RawTotal    []float64 `json:"raw_total"`
	}
	text, err := os.ReadFile(filepath.Join(fixtures, "pbmc.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	c := open(t, Options{LayersKeys: []string{"X", "raw.X"}, ObsKeys: []string{"bulk_labels", "n_genes", "percent_mito"}, ObsmKeys: []string{"X_pca"}},
		"../10x_pbmc68k_reduced.h5ad")
	if c.NObs() != 700 || !slices.Equal(c.Var(), want.Var) || !slices.Equal(c.rawVars.names, want.Var) {
		t.Fatalf("%d rows, variables %q…", c.NObs(), c.Var()[:3])
	}
	for _, format := range []Format{Dense, CSR} {
		e, err := c.NewEncoder(EncoderOptions{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		got, err := encode(e, sequence(700), 0, 4)
		if err != nil {
			t.Fatal(err)
		}
		labels := find(t, got, "bulk_labels")
		if err := same(labels.values, want.BulkLabels.Codes); err != nil || !slices.Equal(labels.Categories, want.BulkLabels.Categories) {
			t.Errorf("bulk_labels: %v, %v", err, labels.Categories)
		}
		for name, values := range map[string][]float64{"n_genes": want.NGenes, "percent_mito": want.PercentMito} {
			if err := same(find(t, got, name).values, values); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		x, raw, pca := rowsOf(find(t, got, "X"), 700), rowsOf(find(t, got, "raw.X"), 700), rowsOf(find(t, got, "obsm_X_pca"), 700)
		for i, row := range want.Rows {
			for name, pair := range map[string][2][]float64{"X": {x[row], want.X[i]}, "raw.X": {raw[row], want.Raw[i]}, "X_pca": {pca[row], want.PCA[i]}} {
				if err := same(pair[0], pair[1]); err != nil {
					t.Errorf("%v: %s of row %d: %v", format, name, row, err)
				}
			}
		}
		for row := range 700 {
			if !near(x[row], want.XTotal[row]) || !near(raw[row], want.RawTotal[row]) {
				t.Fatalf("%v: row %d does not sum to %v and %v", format, row, want.XTotal[row], want.RawTotal[row])
			}
		}
	}
}

func near(row []float64, total float64) bool {
	sum := 0.0
	for _, v := range row {
		sum += v
	}
	return math.Abs(sum-total) < 1e-9*(1+math.Abs(total))
}

// rowsOf makes a field dense.
func rowsOf(f decoded, n int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		if f.Kind == KindDense {
			out[i] = f.values[i*f.Width : (i+1)*f.Width]
			continue
		}
		out[i] = make([]float64, f.Width)
		for k := f.indptr[i]; k < f.indptr[i+1]; k++ {
			out[i][f.indices[k]] = f.values[k]
		}
	}
	return out
}

func TestSteadyBatchesAllocateNothing(t *testing.T) {
	r := seeded(4)
	m := &modelStore{file: &memFile{}}
	for i := range 200 {
		m.vars = append(m.vars, fmt.Sprintf("v%d", i))
	}
	for range 400 {
		var row []modelEntry
		for _, c := range r.Perm(200)[:50] {
			row = append(row, modelEntry{c, 1})
		}
		m.rows = append(m.rows, row)
	}
	for try := range 4 {
		chunked, panel := try%2 == 1, m.vars[:20]
		if try < 2 {
			panel = nil
		}
		m.write(r, float32Type)
		x := m.file.top.members["X"].(*memGroup)
		for _, name := range []string{"data", "indices"} {
			a := x.members[name].(*memArray)
			as := storage{run: 1000}
			if chunked {
				as = storage{chunks: []int64{777}}
			}
			x.numbers(name, a.e.dtype, a.raw, as, a.dims...)
		}
		keep := make([]float64, 400)
		for i := range keep {
			keep[i] = float64(i % 3)
		}
		m.file.top.members["obs"].(*memGroup).numbers("keep", int8Type, toRaw(keep, int8Type), storage{}, 400)
		// A cache too small for all chunks: steady misses, too, use memory again.
		c, err := openModel([]*modelStore{m, m}, Options{CacheBytes: 1 << 14, VarNames: panel, Filter: Filter{Expr: "keep > 0"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []EncoderOptions{{}, {Format: CSR}, {DType: "float16"}, {Format: CSR, DType: "int64"}} {
			e, err := c.NewEncoder(o)
			if err != nil {
				t.Fatal(err)
			}
			rows, caps := make([]int64, 32), e.MaxBounds(32)
			bufs, b, s := layout(e, 32, caps), e.NewBatch(), NewScratch()
			one := func() {
				for i := range rows {
					rows[i] = r.Int64N(c.NObs())
				}
				if err := b.Begin(rows, 0, bufs, caps); err != nil {
					t.Fatal(err)
				}
				if err := b.Fill(context.Background(), s, 0, 32); err != nil {
					t.Fatal(err)
				}
				if _, err := b.Finish(); err != nil {
					t.Fatal(err)
				}
			}
			for range 100 {
				one()
			}
			if n := testing.AllocsPerRun(100, one); n > 0 {
				t.Errorf("chunks %v, a panel %v, %+v: %v allocations a batch", chunked, panel != nil, o, n)
			}
		}
		c.Close()
	}
}
