package mapped

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// openFixtures opens files of testdata/mapped.
func openFixtures(t *testing.T, o Options, names ...string) (*Collection, error) {
	t.Helper()
	var paths []string
	for _, name := range names {
		paths = append(paths, filepath.Join("..", "testdata", "mapped", name))
	}
	c, err := Open(context.Background(), paths, o)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func mustOpen(t *testing.T, o Options, names ...string) *Collection {
	t.Helper()
	c, err := openFixtures(t, o, names...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func keptRows(t *testing.T, c *Collection) []int64 {
	t.Helper()
	rows := make([]int64, c.NObs())
	if err := c.Rows(rows, 0); err != nil {
		t.Fatal(err)
	}
	return rows
}

// Labels of a.h5ad: cell_type T B - T NK B T, score .5 - 1.5 2.5 -1 0 3 (float32), good 1 0 1 1 0 0 1,
// count 1 - 3 4 - 6 7, flag 1 - 0 1 0 - 1, grade 3 1 3 2 1 - 3.
func TestTermsMatchAsNumpysIsinDoes(t *testing.T) {
	term := func(key string, values ...any) []FilterTerm { return []FilterTerm{{Key: key, Values: values}} }
	for _, c := range []struct {
		name  string
		terms []FilterTerm
		want  []int64
	}{
		{"text", term("cell_type", "B", "NK"), []int64{1, 4, 5}},
		{"an integer matches an equal float", term("grade", 3.0), []int64{0, 2, 6}},
		{"a float matches an equal integer", term("score", int64(3), int64(0)), []int64{5, 6}},
		{"a boolean matches 1", term("grade", true), []int64{1, 4}},
		{"1 matches a boolean", term("good", int64(1)), []int64{0, 2, 3, 6}},
		{"text matches no number", term("grade", "3"), []int64{}},
		{"a nullable column", term("count", int64(0), int64(7)), []int64{6}},
		{"a nullable boolean", term("flag", false), []int64{2, 4}},
		{"text beside a number", term("grade", "3", int64(2)), []int64{3}},
		{"the label spelled nan is not missing", term("cell_type", "nan"), []int64{}},
		{"missing ones of a categorical", []FilterTerm{{Key: "cell_type", Null: true}}, []int64{2}},
		{"missing ones beside values", []FilterTerm{{Key: "count", Values: []any{int64(1)}, Null: true}}, []int64{0, 1, 4}},
		{"missing ones of a column without", []FilterTerm{{Key: "good", Null: true}}, []int64{}},
		{"no value at all", term("cell_type"), []int64{}},
		{"two keys", []FilterTerm{{Key: "cell_type", Values: []any{"T"}}, {Key: "grade", Values: []any{int64(3)}}}, []int64{0, 6}},
		{"the same key twice", []FilterTerm{{Key: "batch", Values: []any{int64(1)}}, {Key: "batch", Values: []any{int64(2)}}}, []int64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := keptRows(t, mustOpen(t, Options{Filter: Filter{Terms: c.terms}}, "a.h5ad"))
			if !slices.Equal(got, c.want) {
				t.Errorf("rows %v, want %v", got, c.want)
			}
		})
	}
}

func TestExpressionsChooseRows(t *testing.T) {
	for _, c := range []struct {
		text string
		want []int64
	}{
		{"cell_type in ['B', 'T'] and score > 0", []int64{0, 3, 6}},
		{"0 < score <= 2.5", []int64{0, 2, 3}},
		{"score is null or count is null", []int64{1, 4}},
		{"not score > 0", []int64{1, 4, 5}},
		{"score != 0.5", []int64{1, 2, 3, 4, 5, 6}},
		{"cell_type not in ['B', 'T']", []int64{2, 4}},
		{"cell_type matches '^(B|N)'", []int64{1, 4, 5}},
		{"cell_type > 'B'", []int64{0, 3, 4, 6}},
		{"good", []int64{0, 2, 3, 6}},
		{"flag and not good", []int64{}},
		{"~flag", []int64{1, 2, 4, 5}},
		{"good == flag", []int64{0, 3, 4, 6}},
		{"good != flag", []int64{1, 2, 5}},
		{"count >= grade", []int64{2, 3, 6}},
		{"grade == True", []int64{1, 4}},
		{"batch between 2 and 9 and `cell_type` == 'B'", []int64{1, 5}},
	} {
		t.Run(c.text, func(t *testing.T) {
			if rows := keptRows(t, mustOpen(t, Options{Filter: Filter{Expr: c.text}}, "a.h5ad")); !slices.Equal(rows, c.want) {
				t.Errorf("rows %v, want %v", rows, c.want)
			}
		})
	}
}

func TestANumberIsRoundedToTheTypeOfTheColumnAsNumpyDoes(t *testing.T) {
	f := fullLabelStore(seeded(1)).file
	obs := f.top.members["obs"].(*memGroup)
	n := obs.members["id"].(*memArray).dims[0]
	raw := make([]float64, n)
	for i := range raw {
		raw[i] = 0.1
	}
	obs.numbers("tenth", float32Type, toRaw(raw, float32Type), storage{}, n)
	for text, want := range map[string]int64{"tenth == 0.1": n, "tenth in [0.1]": n, "tenth > 0.1": 0, "tenth != 0.1": 0, "tenth <= 0.1": n} {
		c, err := openLabels([]*labelStore{{file: f}}, Options{Filter: Filter{Expr: text}})
		if err != nil {
			t.Fatal(err)
		}
		if c.NObs() != want {
			t.Errorf("%s keeps %d rows of %d, want %d", text, c.NObs(), n, want)
		}
		c.Close()
	}
}

func TestFiltersThatMakeNoSenseAreErrorsWithTheirPlace(t *testing.T) {
	for _, c := range []struct {
		name, text string
		kind       error
		parts      []string
	}{
		{"a syntax error", "score >", ErrInvalid, []string{"obs_filter", "the end", "^"}},
		{"a column that no store has", "scor > 1", ErrUnknownKey, []string{`"scor"`, "did you mean `score`", "character 1"}},
		{"text compared with a number", "good and cell_type > 3", ErrInvalid, []string{"character 22", "a.h5ad", "text", "quotes"}},
		{"a number compared with text", "score == '3'", ErrInvalid, []string{"`score` holds numbers", "without quotes"}},
		{"a boolean compared with text", "good == 'True'", ErrInvalid, []string{"`good` holds booleans"}},
		{"text in a list of numbers", "cell_type in ['B', 3]", ErrInvalid, []string{"character 20"}},
		{"a pattern for numbers", "score matches '1'", ErrInvalid, []string{"patterns match text"}},
		{"a column of text as a test", "cell_type and good", ErrInvalid, []string{"does not hold booleans"}},
		{"a column of numbers as a test", "good and count", ErrInvalid, []string{"does not hold booleans"}},
		{"text beside numbers", "cell_type == score", ErrInvalid, []string{"one holds text"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openFixtures(t, Options{Filter: Filter{Expr: c.text}}, "a.h5ad", "b.h5ad")
			wantError(t, err, c.kind, c.parts...)
		})
	}
	_, err := openFixtures(t, Options{Filter: Filter{Terms: []FilterTerm{{Key: "a", Values: []any{[]string{}}}}}}, "a.h5ad")
	wantError(t, err, ErrInvalid, `"a"`, "[]string")
}

func TestAStoreWithoutTheColumnHasNoRowsForATermAndMissingOnesForAnExpression(t *testing.T) {
	for _, c := range []struct {
		name   string
		filter Filter
		want   []int64
	}{
		{"a term", Filter{Terms: []FilterTerm{{Key: "only_a", Values: []any{int64(1)}}}}, []int64{1, 0}},
		{"a term with null", Filter{Terms: []FilterTerm{{Key: "only_a", Values: []any{int64(1)}, Null: true}}}, []int64{1, 0}},
		{"an expression", Filter{Expr: "only_a == 1"}, []int64{1, 0}},
		{"a null test", Filter{Expr: "only_a is null"}, []int64{0, 6}},
		{"a comparison of columns", Filter{Expr: "only_a != batch"}, []int64{7, 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mustOpen(t, Options{Filter: c.filter}, "a.h5ad", "b.h5ad").NObsList(); !slices.Equal(got, c.want) {
				t.Errorf("rows %v, want %v", got, c.want)
			}
		})
	}
}

func TestAKeyThatNoStoreHasKeepsNothingAndIsNamed(t *testing.T) {
	c := mustOpen(t, Options{Filter: Filter{Terms: []FilterTerm{{Key: "cel_type", Values: []any{"B"}}}}}, "a.h5ad", "b.h5ad")
	if got := c.UnknownFilterKeys(); c.NObs() != 0 || len(got) != 1 || got[0].Key != "cel_type" || !contains(got[0].Hint, "`cell_type`") {
		t.Errorf("%d rows; unknown keys %v", c.NObs(), got)
	}
	if got := mustOpen(t, Options{Filter: Filter{Terms: []FilterTerm{{Key: "only_a", Values: nil}}}}, "a.h5ad", "b.h5ad"); got.UnknownFilterKeys() != nil {
		t.Errorf("unknown keys %v", got.UnknownFilterKeys())
	}
}

func TestOldFilesAndEmptyOnesAreFilteredLikeOthers(t *testing.T) {
	for _, name := range []string{"legacy06.h5ad", "legacy07.h5ad"} {
		c := mustOpen(t, Options{ObsKeys: []string{"cell_type"}}, name)
		l, err := c.Labels(context.Background(), "cell_type")
		if err != nil {
			t.Fatal(err)
		}
		values := readLabels(l)
		if !slices.Contains(values, any(nil)) {
			t.Fatalf("%s: no missing label to look for in %v", name, values)
		}
		var b, null []int64
		for i, v := range values {
			if v == "B" {
				b = append(b, int64(i))
			} else if v == nil {
				null = append(null, int64(i))
			}
		}
		for want, term := range map[*[]int64]FilterTerm{&b: {Key: "cell_type", Values: []any{"B"}}, &null: {Key: "cell_type", Null: true}} {
			if got := keptRows(t, mustOpen(t, Options{Filter: Filter{Terms: []FilterTerm{term}}}, name)); !slices.Equal(got, *want) {
				t.Errorf("%s: %v keeps %v, want %v", name, term, got, *want)
			}
		}
	}
	c := mustOpen(t, Options{ObsKeys: []string{"cell_type"}, Encode: []string{"cell_type"}, Filter: Filter{Expr: "cell_type == 'B'"}}, "empty.h5ad")
	if c.NObs() != 0 {
		t.Errorf("%d rows of an empty file", c.NObs())
	}
}

func TestEncodersAndVariablesDoNotFollowTheFilter(t *testing.T) {
	o := Options{ObsKeys: []string{"cell_type"}, Encode: []string{"cell_type"}}
	all := mustOpen(t, o, "a.h5ad", "b.h5ad")
	o.Filter.Expr = "cell_type == 'NK'"
	some := mustOpen(t, o, "a.h5ad", "b.h5ad")
	if some.NObs() != 1 || fmt.Sprint(some.Columns()[0].Encoder) != fmt.Sprint(all.Columns()[0].Encoder) || !slices.Equal(some.Var(), all.Var()) {
		t.Errorf("%d rows, encoder %v, variables %v", some.NObs(), some.Columns()[0].Encoder, some.Var())
	}
}

func TestTheHashCoversWhatAFilterKeepsAndNotItsText(t *testing.T) {
	hash := func(f Filter) [32]byte { return mustOpen(t, Options{Filter: f}, "a.h5ad", "b.h5ad").Hash() }
	none := hash(Filter{})
	b := hash(Filter{Expr: "cell_type == 'B'"})
	if none != hash(Filter{Expr: "batch < 1000"}) {
		t.Error("a filter that keeps all rows changes the hash")
	}
	if b != hash(Filter{Terms: []FilterTerm{{Key: "cell_type", Values: []any{"B"}}}}) {
		t.Error("two filters with one result have two hashes")
	}
	if b == none || b == hash(Filter{Expr: "cell_type == 'T'"}) {
		t.Error("the hash does not see which rows are kept")
	}
}

func TestRowsOutsideAFilteredCollectionAreRefused(t *testing.T) {
	c := mustOpen(t, Options{Filter: Filter{Expr: "cell_type == 'B'"}}, "a.h5ad")
	e, err := c.NewEncoder(EncoderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = encode(e, []int64{2}, 0, 1) // the file has 7 rows, of which 2 are kept
	if !errors.Is(err, ErrIndex) {
		t.Errorf("error is %v", err)
	}
	if err := c.Rows(make([]int64, 2), 1); !errors.Is(err, ErrIndex) {
		t.Errorf("error is %v", err)
	}
}

func TestLabelsOfColumnsThatWereNotAskedForAreReadOnceAndFew(t *testing.T) {
	ctx := context.Background()
	c := mustOpen(t, Options{}, "a.h5ad", "b.h5ad", "a.h5ad")
	for range 2 {
		for _, key := range []string{"cell_type", "batch", "score", "good", "count", "only_a"} {
			l, err := c.Labels(ctx, key)
			if err != nil || l.N != 20 {
				t.Fatalf("%s: %v, %v", key, l, err)
			}
		}
	}
	if len(c.labels.columns) != maxCachedLabels {
		t.Errorf("%d columns are kept", len(c.labels.columns))
	}
	_, err := c.Labels(ctx, "cel_type")
	wantError(t, err, ErrUnknownKey, "cel_type", "`cell_type`")
	_, err = c.LabelClasses(ctx, []string{"cell_type", "nope"})
	wantError(t, err, ErrUnknownKey, "nope")
	_, err = c.LabelClasses(ctx, nil)
	wantError(t, err, ErrInvalid, "at least one")
	if got, err := c.MergedCategories(ctx, "nope"); err != nil || len(got) != 0 {
		t.Errorf("categories of no column: %v, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = c.Labels(ctx, "note")
	wantError(t, err, ErrClosed)
	_, err = c.MergedCategories(ctx, "note")
	wantError(t, err, ErrClosed)
}

func TestLabelsOfAFileThatChangedAreRefused(t *testing.T) {
	s := fullLabelStore(seeded(1))
	c, err := openLabels([]*labelStore{s}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.file.altered.Store(true)
	_, err = c.Labels(context.Background(), "cat")
	wantError(t, err, ErrChanged, "store0")
}

func TestTextInOneStoreAndNumbersInAnotherAreLabelsWithoutOrder(t *testing.T) {
	r := seeded(5)
	a, b := fullLabelStore(r), fullLabelStore(r)
	obs := b.file.top.members["obs"].(*memGroup)
	b.columns["text"] = plainNumbers(r, obs, "text", b.rows)
	c, err := openLabels([]*labelStore{a, b}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l, err := c.Labels(context.Background(), "text")
	if err != nil || l.Categories == nil {
		t.Fatalf("%v, %v", l, err)
	}
	got := readLabels(l)
	want := append(slices.Clone(a.columns["text"].values), b.columns["text"].values...)
	for i := range want {
		if !same1(got[i], want[i]) && (got[i] != nil || want[i] != nil) {
			t.Fatalf("labels %v, want %v", got, want)
		}
	}
	_, err = c.MergedCategories(context.Background(), "text")
	wantError(t, err, ErrInvalid, "store0", "store1")
}

func FuzzFilterExpression(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(randomTest(seeded(seed), 3).text)
	}
	stores := []*labelStore{randomLabelStore(seeded(1)), fullLabelStore(seeded(2))}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := openLabels(stores, Options{Filter: Filter{Expr: text}})
		var e *Error
		if err == nil {
			keptRows(t, c)
			c.Close()
		} else if !errors.As(err, &e) || e.Kind != ErrInvalid && e.Kind != ErrUnknownKey || strings.TrimSpace(e.Detail) == "" {
			t.Errorf("%q: %v", text, err)
		}
	})
}
