package mapped

import (
	"context"
	"reflect"
	"testing"
)

// withLabels is a file whose obs has the column "key": texts ("" is missing), or numbers.
func withLabels(labels ...any) *memFile {
	f := &memFile{}
	f.top = newMemGroup(f, "")
	n := int64(len(labels))
	f.top.numbers("X", float32Type, make([]byte, 4*n), storage{}, n, 1)
	obs, vars := f.top.group("obs"), f.top.group("var")
	obs.texts["_index"], vars.texts["_index"] = "id", "id"
	obs.strings("id", make([]string, n)...)
	vars.strings("id", "g")
	var texts []string
	var numbers []float64
	for _, l := range labels {
		switch l := l.(type) {
		case string:
			texts = append(texts, l)
		case float64:
			numbers = append(numbers, l)
		}
	}
	if numbers != nil {
		obs.numbers("key", float64Type, toRaw(numbers, float64Type), storage{run: n}, n)
		return f
	}
	g := obs.group("key")
	g.texts["encoding-type"] = "nullable-string-array"
	missing := make([]float64, n)
	for i, text := range texts {
		missing[i] = float64(truth(text == ""))
	}
	g.strings("values", texts...)
	g.numbers("mask", boolType, toRaw(missing, boolType), storage{run: n}, n)
	return f
}

// declared is a file whose obs has the categorical column "key" with these codes.
func declared(categories []string, codes ...float64) *memFile {
	f := withLabels(make([]any, len(codes))...)
	obs := f.top.members["obs"].(*memGroup)
	g := obs.group("key")
	g.texts["encoding-type"] = "categorical"
	g.strings("categories", categories...)
	g.numbers("codes", int8Type, toRaw(codes, int8Type), storage{run: int64(len(codes))}, int64(len(codes)))
	return f
}

func openLabelled(o Options, files ...*memFile) (*Collection, error) {
	o.ObsKeys, o.Encode = []string{"key"}, []string{"key"}
	var paths []string
	at := map[string]*memFile{}
	for i, f := range files {
		paths = append(paths, string(rune('a'+i)))
		at[paths[i]] = f
	}
	return openWith(context.Background(), paths, o, func(p string) (container, error) { return at[p], nil })
}

// codesOf reads the encoded column of all rows, and which rows have no label.
func codesOf(t *testing.T, c *Collection) (codes []float64, field Field) {
	t.Helper()
	e, err := c.NewEncoder(EncoderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]int64, c.NObs())
	for i := range rows {
		rows[i] = int64(i)
	}
	fields, err := encode(e, rows, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := find(t, fields, "key")
	return f.values, f.Field
}

func TestImposedCodesAreThoseOfTheTable(t *testing.T) {
	table := func(pairs ...any) map[string][]Label {
		var out []Label
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, Label{pairs[i], int64(pairs[i+1].(int))})
		}
		return map[string][]Label{"key": out}
	}
	b := "B"
	for _, tc := range []struct {
		name       string
		files      []*memFile
		options    Options
		codes      []float64
		categories []any
		encoder    []Label
	}{
		{"the files' order plays no part", []*memFile{withLabels("A", "B"), withLabels("C", "A")},
			Options{Encoders: table("C", 0, "A", 1, "B", 2)}, []float64{1, 2, 0, 1}, []any{"C", "A", "B"}, table("C", 0, "A", 1, "B", 2)["key"]},
		{"labels that the files lack stay", []*memFile{withLabels("B")},
			Options{Encoders: table("A", 0, "B", 1, "Z", 2)}, []float64{1}, []any{"A", "B", "Z"}, table("A", 0, "B", 1, "Z", 2)["key"]},
		{"missing labels are none", []*memFile{withLabels("B", "", "A")},
			Options{Encoders: table("B", 0, "A", 1)}, []float64{0, -1, 1}, []any{"B", "A"}, table("B", 0, "A", 1)["key"]},
		{"the unknown labels of the table are unknown", []*memFile{withLabels("B", "A", "C")},
			Options{Encoders: table("A", 0, "B", -1, "C", -1)}, []float64{-1, 0, -1}, []any{"A"}, table("B", -1, "C", -1, "A", 0)["key"]},
		{"unknown_label may name one that the table lacks", []*memFile{withLabels("B", "A")},
			Options{Encoders: table("A", 0), UnknownLabel: map[string]string{"key": b}}, []float64{-1, 0}, []any{"A"}, table("B", -1, "A", 0)["key"]},
		{"nil stands for all others", []*memFile{withLabels("B", "A", "C")},
			Options{Encoders: table("A", 0, nil, -1)}, []float64{-1, 0, -1}, []any{"A"}, table("A", 0)["key"]},
		{"codes may be left out", []*memFile{withLabels("B", "A")},
			Options{Encoders: table("A", 3, "B", 1)}, []float64{1, 3}, []any{nil, "B", nil, "A"}, table("B", 1, "A", 3)["key"]},
		{"equal numbers are one label whatever their type", []*memFile{withLabels(2.0, 1.0, 2.5)},
			Options{Encoders: map[string][]Label{"key": {{int64(2), 0}, {true, 1}, {2.5, 2}}}}, []float64{0, 1, 2}, []any{int64(2), true, 2.5}, []Label{{int64(2), 0}, {true, 1}, {2.5, 2}}},
		{"declared labels without cells need not be there", []*memFile{declared([]string{"X", "A", "Y"}, 1, -1, 1)},
			Options{Encoders: table("A", 4)}, []float64{4, -1, 4}, []any{nil, nil, nil, nil, "A"}, table("A", 4)["key"]},
		{"nor those whose cells are filtered out", []*memFile{withLabels("B", "A")},
			Options{Encoders: table("A", 0), Filter: Filter{Expr: "key == 'A'"}}, []float64{0}, []any{"A"}, table("A", 0)["key"]},
		{"a store without the column has missing labels", []*memFile{withLabels("A"), func() *memFile {
			f := withLabels("A")
			delete(f.top.members["obs"].(*memGroup).members, "key")
			return f
		}()}, Options{Encoders: table("A", 1)}, []float64{1, -1}, []any{nil, "A"}, table("A", 1)["key"]},
		{"keys that are not encoded are ignored", []*memFile{withLabels("A")},
			Options{Encoders: map[string][]Label{"key": {{"A", 5}}, "other": {{"Q", -7}}}}, []float64{5}, []any{nil, nil, nil, nil, nil, "A"}, []Label{{"A", 5}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := openLabelled(tc.options, tc.files...)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			codes, field := codesOf(t, c)
			if !reflect.DeepEqual(codes, tc.codes) {
				t.Errorf("codes are %v, want %v", codes, tc.codes)
			}
			if !reflect.DeepEqual(field.Categories, tc.categories) {
				t.Errorf("categories are %v, want %v", field.Categories, tc.categories)
			}
			if got := c.Columns()[0].Encoder; !reflect.DeepEqual(got, tc.encoder) {
				t.Errorf("the encoder is %v, want %v", got, tc.encoder)
			}
		})
	}
}

func TestTablesThatCannotBeImposedAreRefused(t *testing.T) {
	files := []*memFile{withLabels("A", "T cell"), withLabels("A", "monocyte", "T cells")}
	given := func(labels ...Label) Options { return Options{Encoders: map[string][]Label{"key": labels}} }
	for _, tc := range []struct {
		name    string
		options Options
		parts   []string
	}{
		{"the first file's first label that is not there is named", given(Label{"A", 0}), []string{"a:/obs/key", `"T cell"`, "unseen"}},
		{"a later file's too, with a near match", given(Label{"A", 0}, Label{"T cell", 1}, Label{"Monocyte", 2}), []string{"b:/obs/key", `"T cells"`, "T cell`"}},
		{"two labels of one code", given(Label{"A", 0}, Label{"B", 0}), []string{`"A"`, `"B"`, "code 0"}},
		{"two codes of one label", given(Label{int64(1), 0}, Label{true, 1}), []string{"true", "0 and 1"}},
		{"a code below -1", given(Label{"A", -2}), []string{`"A"`, "-2"}},
		{"a code past the largest", given(Label{"A", 1 << 20}), []string{"1048576"}},
		{"others that are not unknown", given(Label{nil, 3}), []string{"3"}},
		{"NaN", given(Label{nan, 0}), []string{"NaN"}},
		{"an unknown label with a code", Options{Encoders: map[string][]Label{"key": {{"A", 0}}}, UnknownLabel: map[string]string{"key": "A"}}, []string{`"A"`, "code 0"}},
		{"tables of other keys only", Options{Encoders: map[string][]Label{"keys": {{"A", 0}}}}, []string{"`keys`", "`key`"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := openLabelled(tc.options, files...)
			wantError(t, err, ErrInvalid, tc.parts...)
		})
	}
}
