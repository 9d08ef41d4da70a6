package registry

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// Paths are bytes, of which not all need be text.
func TestPathsThatAreNotUTF8AreFound(t *testing.T) {
	db := fresh(t)
	paths := []string{"/d/a\xff.csv", "/d/a\xffb", "/d/\xe9\xa9", "/d/\xe9\xa9\xa9", "/d/日.csv", "/d/\U0010ffffx", "/e"}
	for i, p := range paths {
		must(t, db, Save{Model: ModelArtifact, Record: file(fmt.Sprint(i), "path", p)})
	}
	many := make([]any, 0, 2*fewValues)
	for i := range 2 * fewValues {
		many = append(many, fmt.Sprintf("/none/%d", i))
	}
	for _, tt := range []struct {
		compare string
		value   any
		want    []int
	}{
		{"exact", []byte("/d/a\xff.csv"), []int{0}},
		{"in", []any{[]byte("/d/a\xff.csv"), "/e"}, []int{0, 6}},
		{"in", slices.Concat(many, []any{[]byte("/d/a\xffb"), "/d/日.csv"}), []int{1, 4}},
		{"startswith", []byte("/d/a\xff"), []int{0, 1}},
		{"startswith", []byte("/d/\xe9"), []int{2, 3}},
		{"startswith", "/d/\U0010ffff", []int{5}},
		{"startswith", "/d/", []int{0, 1, 2, 3, 4, 5}},
		{"endswith", []byte("\xffb"), []int{1}},
		{"endswith", []byte("\xa9\xa9"), []int{3}},
		{"endswith", ".csv", []int{0, 4}},
		{"contains", []byte("\xff"), []int{0, 1}},
	} {
		found, err := db.Records(context.Background(), Query{Model: ModelArtifact, Where: Lookup{"path__" + tt.compare, tt.value}})
		var want []string
		for _, i := range tt.want {
			want = append(want, paths[i])
		}
		if got := textsOf(found, "path"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s of %q: %q, %v, want %q", tt.compare, tt.value, got, err, want)
		}
	}
}
