package registry

import (
	"slices"
	"strings"
)

// nearest is a hint at the names that are close to one that is not there, the closest first; "" where none is.
func nearest(name string, have []string) string {
	type match struct {
		name string
		dist int
	}
	var found []match
	want := strings.ToLower(name)
	for _, h := range have {
		got := strings.ToLower(h)
		d := edits(want, got)
		if d <= max(1, len(want)/3) || len(want) >= 3 && strings.Contains(got, want) {
			found = append(found, match{h, d})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return a.dist - b.dist })
	if len(found) == 0 {
		return ""
	}
	quoted := make([]string, min(3, len(found)))
	for i := range quoted {
		quoted[i] = "`" + found[i].name + "`"
	}
	return "did you mean " + strings.Join(quoted, " or ") + "?"
}

// edits counts the insertions, deletions and replacements that turn a into b (Levenshtein).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(y)]
}
