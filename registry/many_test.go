package registry

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Thousands of conditions, any of which is enough, are found as each of them would be, and in less than it takes to plan them one by one.
func TestAnyOfThousandsOfConditionsIsFound(t *testing.T) {
	ctx := context.Background()
	db := fresh(t)
	for i := range 50 {
		must(t, db, Save{Model: ModelArtifact, Record: file(fmt.Sprint("c", i), "key", fmt.Sprintf("k%02d", i), "n_observations", i), Labels: []any{Record{"name": fmt.Sprintf("l%02d", i)}}})
	}
	for _, tt := range []struct {
		name string
		of   func(i int) Where
		want []string
	}{
		{"exact", func(i int) Where { return Lookup{"key", fmt.Sprint("k", 40+i)} }, []string{"k40", "k49"}},
		{"of a relation", func(i int) Where { return Lookup{"ulabels__name", fmt.Sprint("l", 40+i)} }, []string{"k40", "k49"}},
		{"of a relation, begins", func(i int) Where { return Lookup{"ulabels__name__startswith", fmt.Sprint("l", 40+i)} }, []string{"k40", "k49"}},
		{"begins", func(i int) Where { return Lookup{"key__startswith", fmt.Sprint("k", 40+i)} }, []string{"k40", "k49"}},
		{"over relations", func(i int) Where { return Lookup{"created_by__handle", fmt.Sprint("no", i)} }, nil},
		{"numbers", func(i int) Where { return Lookup{"n_observations", 40 + i} }, []string{"k40", "k49"}},
		{"several fields in turn", func(i int) Where {
			return Lookup{[]string{"key", "ulabels__name", "key__startswith"}[i%3], []string{"k", "l", "k"}[i%3] + strconv.Itoa(40+i)}
		}, []string{"k40", "k49"}},
		{"in each other", func(i int) Where { return Or{Lookup{"key", fmt.Sprint("k", 40+i)}, Lookup{"hash", "none"}} }, []string{"k40", "k49"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var or Or
			for i := range 1900 {
				or = append(or, tt.of(i))
			}
			begin := time.Now()
			for _, where := range []Where{or, And{or, Lookup{"suffix", ".h5ad"}}} {
				found, err := db.Records(ctx, Query{Model: ModelArtifact, Where: where, OrderBy: []string{"key"}, Limit: 100})
				if err != nil {
					t.Fatal(err)
				}
				keys := textsOf(found, "key")
				if len(tt.want) == 0 && len(keys) > 0 || len(tt.want) > 0 && (len(keys) != 10 || !slices.Contains(keys, tt.want[0]) || !slices.Contains(keys, tt.want[1])) {
					t.Errorf("got %q", keys)
				}
			}
			if took := time.Since(begin); took > 20*time.Second { // it was minutes, or an error
				t.Errorf("it took %v", took)
			}
			none, err := db.Count(ctx, Query{Model: ModelArtifact, Where: Not{or}})
			if want := map[bool]int64{true: 50, false: 40}[len(tt.want) == 0]; err != nil || none != want {
				t.Errorf("%d do not fit, want %d, %v", none, want, err)
			}
		})
	}
}
