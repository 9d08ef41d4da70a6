package mapped

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loaderd/loaderd/cache/rowstore"
)

const fixtures = "../testdata/mapped"

// golden is one case of cases.json: what anndata, scipy and pandas read.
type golden struct {
	Name    string
	Options struct {
		Paths      []string
		LayersKeys []string `json:"layers_keys"`
		ObsKeys    []string `json:"obs_keys"`
		ObsmKeys   []string `json:"obsm_keys"`
		Join       *string
		Encode     []string
		Unknown    map[string]string
		Format     string
		DType      string
	}
	Expect struct {
		NObs   int64 `json:"n_obs"`
		Var    []string
		Fields []goldenField
	}
}

type goldenField struct {
	Name, Kind, DType, Of string
	Width                 int
	Values                []any
	Indptr, Indices       []int32
	Categories            []any
}

// numbers turns JSON's values into what a batch holds; null is NaN.
func (f goldenField) numbers() []float64 {
	out := make([]float64, len(f.Values))
	for i, v := range f.Values {
		switch v := v.(type) {
		case float64:
			out[i] = v
		case bool:
			out[i] = float64(truth(v))
		case nil:
			out[i] = nan
		default:
			panic(fmt.Sprintf("%T in %s", v, f.Name))
		}
	}
	return out
}

func loadCases(t testing.TB) []golden {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(fixtures, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	out := make([]golden, len(raw))
	for i, part := range raw {
		// A join that is not named is the default; null is no join.
		inner := "inner"
		out[i].Options.Join = &inner
		if err := json.Unmarshal(part, &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func (g golden) options(t testing.TB) (paths []string, o Options, e EncoderOptions) {
	t.Helper()
	in := g.Options
	for _, p := range in.Paths {
		paths = append(paths, filepath.Join(fixtures, p))
	}
	o = Options{LayersKeys: in.LayersKeys, ObsKeys: in.ObsKeys, ObsmKeys: in.ObsmKeys, Encode: in.Encode, UnknownLabel: in.Unknown, Join: JoinNone}
	var err error
	if in.Join != nil {
		if o.Join, err = ParseJoin(*in.Join); err != nil {
			t.Fatal(err)
		}
	}
	if in.Format == "" {
		in.Format = "dense"
	}
	if e.Format, err = ParseFormat(in.Format); err != nil {
		t.Fatal(err)
	}
	e.DType = in.DType
	return paths, o, e
}

func sequence(n int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

func TestFilesReadAsAnndataReadsThem(t *testing.T) {
	for _, g := range loadCases(t) {
		t.Run(g.Name, func(t *testing.T) { g.check(t, nil) })
	}
}

// Rows of the row store's first epoch, of its second, and of another process's.
func TestStoredRowsOfFilesReadAsAnndataReadsThem(t *testing.T) {
	dir, stored := t.TempDir(), int64(0)
	for range 2 {
		store := openRowStore(t, dir, 0)
		for _, g := range loadCases(t) {
			t.Run(g.Name, func(t *testing.T) { stored += g.check(t, store) })
		}
		closing(t, store)
	}
	if stored < 100 {
		t.Errorf("only %d rows were stored", stored)
	}
}

// check reads all rows twice, and says how many are in the row store.
func (g golden) check(t *testing.T, store *rowstore.Store) int64 {
	paths, o, eo := g.options(t)
	o.RowStore = store
	c, err := Open(context.Background(), paths, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, c)
	if c.NObs() != g.Expect.NObs || !slices.Equal(c.Var(), g.Expect.Var) {
		t.Errorf("%d rows and variables %q,\nwant %d and %q", c.NObs(), c.Var(), g.Expect.NObs, g.Expect.Var)
	}
	e, err := c.NewEncoder(eo)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := encode(e, sequence(c.NObs()), 0, 3)
		if err != nil {
			t.Fatal(err)
		}
		compareFields(t, got, g.Expect.Fields, int(c.NObs()))
	}
	return c.RowStoreUsage().Stored
}

func compareFields(t *testing.T, got []decoded, want []goldenField, n int) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i].Name != want[i].Name {
			t.Fatalf("fields differ from number %d on:\n got %v\nwant %v", i, fieldNames(got), want)
		}
		g, w := got[i], want[i]
		if g.Kind.String() != w.Kind || g.DType != w.DType || g.Width != w.Width || g.Of != w.Of {
			t.Errorf("field %q is %s %s × %d of %q, want %s %s × %d of %q", w.Name, g.Kind, g.DType, g.Width, g.Of, w.Kind, w.DType, w.Width, w.Of)
			continue
		}
		if err := same(g.values, w.numbers()); err != nil {
			t.Errorf("field %q: %v\n got %v\nwant %v", w.Name, err, g.values, w.numbers())
		}
		if g.Kind == KindCSR && (!slices.Equal(g.indptr, w.Indptr) || !slices.Equal(g.indices, w.Indices)) {
			t.Errorf("field %q: indptr and indices %v %v, want %v %v", w.Name, g.indptr, g.indices, w.Indptr, w.Indices)
		}
		if g.Kind == KindCSR {
			if err := checkCSR(g, n); err != nil {
				t.Errorf("field %q: %v", w.Name, err)
			}
		}
		if a, b := asJSON(t, g.Categories), asJSON(t, w.Categories); a != b {
			t.Errorf("field %q: categories %s, want %s", w.Name, a, b)
		}
	}
}

func fieldNames(fields []decoded) (names []string) {
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

func asJSON(t *testing.T, v []any) string {
	t.Helper()
	if v == nil {
		v = []any{}
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
