package mapped

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// named makes a store of one row of ones over variables, with columns of var by name.
func named(vars []string, columns map[string][]string) *modelStore {
	m := &modelStore{file: &memFile{}, vars: vars}
	var row []modelEntry
	for c := range vars {
		row = append(row, modelEntry{c, 1})
	}
	m.rows = append(m.rows, row)
	m.write(seeded(1), float32Type)
	for name, values := range columns {
		m.file.top.members["var"].(*memGroup).strings(name, values...)
	}
	return m
}

func TestAPanelThatCannotBeIsAnErrorWithItsCure(t *testing.T) {
	ids := map[string][]string{"gene_ids": {"ENSG1.4", "ENSG2", "ENSG3"}}
	a, b := named([]string{"CD3D", "cd4", "MS4A1"}, ids), named([]string{"x", "y", "y"}, nil)
	for _, tc := range []struct {
		what   string
		stores []*modelStore
		o      Options
		kind   error
		says   []string
	}{
		{"no names", []*modelStore{a}, Options{VarNames: []string{}}, ErrInvalid, []string{"empty"}},
		{"a name twice", []*modelStore{a}, Options{VarNames: []string{"a", "b", "a"}}, ErrInvalid, []string{`"a"`, "0", "2"}},
		{"another case", []*modelStore{b, a}, Options{VarNames: []string{"cd3d", "CD4", "q"}}, ErrNoSharedVars, []string{"`CD3D` for `cd3d`", "`cd4` for `CD4`", "var of any file"}},
		{"another version", []*modelStore{a}, Options{VarNames: []string{"ENSG1.5"}, VarKey: "gene_ids"}, ErrNoSharedVars, []string{"`ENSG1.4` for `ENSG1.5`"}},
		{"names of a column", []*modelStore{a, b}, Options{VarNames: []string{"ENSG2", "ENSG3", "ENSG9"}}, ErrNoSharedVars, []string{"`gene_ids` has 2", `var_key="gene_ids"`}},
		{"nothing like it", []*modelStore{b}, Options{VarNames: []string{"ENSG2"}}, ErrNoSharedVars, []string{"var_key", "3 names such as `x`, `y`"}},
		{"a name that a store has twice", []*modelStore{a, b}, Options{VarNames: []string{"y", "CD3D"}}, ErrInvalid, []string{"store1:/var", `"y"`}},
		{"no such column", []*modelStore{a, a}, Options{VarKey: "gene_id"}, ErrUnknownKey, []string{"no file has", "did you mean `gene_ids`"}},
		{"no such column in any store", []*modelStore{b, named([]string{"z"}, nil)}, Options{VarKey: "gene_id"}, ErrUnknownKey, []string{"no file has"}},
		{"a column that one store lacks", []*modelStore{a, b}, Options{VarKey: "gene_ids"}, ErrUnknownKey, []string{"store1:/var"}},
		{"a value twice", []*modelStore{named([]string{"p", "q"}, map[string][]string{"k": {"1", "1"}})}, Options{VarKey: "k"}, ErrInvalid, []string{"store0:/var/k", `"1" twice`, "`p`", "`q`"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			_, err := openModel(tc.stores, tc.o)
			wantError(t, err, tc.kind, tc.says...)
		})
	}
}

func TestAPanelIsTheColumnsAndCoverageCountsThem(t *testing.T) {
	panel := []string{"c", "none", "a"}
	stores := []*modelStore{named([]string{"a", "b", "c"}, nil), named([]string{"b", "c", "b"}, nil), named([]string{"C", "A"}, nil), named(panel, nil)}
	for _, join := range []Join{JoinInner, JoinOuter, JoinNone} {
		c, err := openModel(stores, Options{Join: join, VarNames: panel})
		if err != nil {
			t.Fatal(err)
		}
		n, ok := c.NVars()
		if !ok || n != 3 || !slices.Equal(c.Var(), panel) || !slices.Equal(c.NVarsList(), []int{3, 3, 2, 3}) || c.Uneven() {
			t.Errorf("%v: %d variables %q of %v", join, n, c.Var(), c.NVarsList())
		}
		cover := c.Coverage()
		if !slices.Equal(cover.Var, []int{2, 1, 0, 3}) || cover.Raw != nil {
			t.Errorf("%v: coverage %+v", join, cover)
		}
		if hint := cover.Near[2]; !contains(hint, "`C` for `c`") || !contains(hint, "`A` for `a`") {
			t.Errorf("%v: the hint of a store that has none is %q", join, hint)
		}
		e, err := c.NewEncoder(EncoderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := encode(e, sequence(4), 0, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := same(find(t, got, "X").values, []float64{1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1}); err != nil {
			t.Errorf("%v: %v", join, err)
		}
		c.Close()
	}
	plain, err := openModel(stores[:1], Options{})
	if err != nil || plain.Coverage() != nil {
		t.Errorf("without a panel: %v, %v", plain.Coverage(), err)
	}
}

// A row of a csr batch takes no more room than the panel has of its store.
func TestBoundsFollowTheVariablesThatAreKept(t *testing.T) {
	wide := &modelStore{file: &memFile{}}
	for i := range 300 {
		wide.vars = append(wide.vars, fmt.Sprint("g", i))
	}
	for range 5 {
		var row []modelEntry
		for c := range 200 {
			row = append(row, modelEntry{c, 1})
		}
		wide.rows = append(wide.rows, row)
	}
	wide.write(seeded(2), float32Type)
	panel := []string{"g7", "g250", "other", "more", "g3"}
	c, err := openModel([]*modelStore{wide, named([]string{"more", "other", "z"}, nil)}, Options{VarNames: panel})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	e, err := c.NewEncoder(EncoderOptions{Format: CSR})
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Bounds([]int64{0, 5}, nil)[0]; got != 3+2 {
		t.Errorf("two rows may have %d values, want 5", got)
	}
	if got := e.MaxBounds(6)[0]; got != 5*3+2 {
		t.Errorf("all rows may have %d values, want 17", got)
	}
	got, err := encode(e, sequence(6), 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	if x := find(t, got, "X"); !slices.Equal(x.indptr, []int32{0, 2, 4, 6, 8, 10, 12}) || x.Width != 5 {
		t.Errorf("indptr %v, width %d", x.indptr, x.Width)
	}
}

// withRaw gives a store raw.X, one row of twos over other variables.
func withRaw(m *modelStore, vars []string) *modelStore {
	raw := named(vars, nil).file.top
	g := m.file.top.group("raw")
	g.members["X"], g.members["var"] = raw.members["X"], raw.members["var"]
	return m
}

func TestRawIsJoinedByNameAndRowsOfOneStoreMayKeepTheirOwn(t *testing.T) {
	stores := []*modelStore{
		withRaw(named([]string{"a"}, nil), []string{"p", "q", "r"}),
		withRaw(named([]string{"a"}, nil), []string{"r", "p"}),
		named([]string{"a"}, nil),
	}
	c, err := openModel(stores, Options{LayersKeys: []string{"raw.X"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !c.OwnRows() || c.Uneven() {
		t.Error("raw.X is uneven, and nothing else")
	}
	width := func(o EncoderOptions) int {
		t.Helper()
		e, err := c.NewEncoder(o)
		if err != nil {
			t.Fatal(err)
		}
		return e.Fields()[1].Width
	}
	for store, want := range []int{3, 2, 0} {
		if got := width(EncoderOptions{Store: &store, Own: true}); got != want {
			t.Errorf("store %d has raw.X of width %d, want %d", store, got, want)
		}
		if got := width(EncoderOptions{Store: &store}); got != 2 {
			t.Errorf("joined, raw.X of store %d is %d wide", store, got)
		}
	}
	if got := c.VarLists(true); !slices.Equal(got.Stores, []int{0, 1, -1}) || !slices.Equal(got.Lists[1], []int32{2, 0}) {
		t.Errorf("lists of raw.X: %+v", got)
	}
}

// Rows of one store need no join of raw.var, so only batches fail where there is none.
func TestRawThatCannotBeJoinedFailsBatchesAlone(t *testing.T) {
	for what, second := range map[string][]string{"nothing shared": {"s"}, "a name twice": {"p", "p"}} {
		stores := []*modelStore{withRaw(named([]string{"a"}, nil), []string{"p", "q"}), withRaw(named([]string{"a"}, nil), second)}
		c, err := openModel(stores, Options{LayersKeys: []string{"X", "raw.X"}})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		_, err = c.NewEncoder(EncoderOptions{})
		var kind = ErrNoSharedVars
		if what == "a name twice" {
			kind = ErrInvalid
		}
		wantError(t, err, kind, "store1:/raw/var")
		store := 1
		if _, err := c.NewEncoder(EncoderOptions{Store: &store, Own: true}); err != nil {
			t.Errorf("%s: rows of one store: %v", what, err)
		}
		c.Close()
		_, err = openModel(stores, Options{LayersKeys: []string{"raw.X"}, VarNames: []string{"p"}})
		if what == "a name twice" {
			wantError(t, err, ErrInvalid, "store1:/raw/var")
		} else if err != nil {
			t.Errorf("a panel of which one store has nothing: %v", err)
		}
	}
}

func TestVariablesAreNamedByAColumnOfAnyForm(t *testing.T) {
	c, err := Open(context.Background(), fixture("a.h5ad"), Options{VarKey: "_index"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !slices.Equal(c.Var(), open(t, Options{}, "a.h5ad").Var()) {
		t.Error("the index under its own name is not the index")
	}
}
