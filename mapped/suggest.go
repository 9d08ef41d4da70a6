package mapped

import (
	"fmt"
	"sort"
	"strings"
)

// didYouMean is the hint of an unknown key: near matches first, else what there is.
func didYouMean(key string, have []string) string {
	if len(have) == 0 {
		return "the files have none"
	}
	if near := nearest(key, have, 3); len(near) > 0 {
		return "did you mean " + quoteList(near, " or ") + "?"
	}
	const show = 12
	list := quoteList(have[:min(show, len(have))], ", ")
	if len(have) > show {
		list += fmt.Sprintf(" and %d more", len(have)-show)
	}
	return "the files have " + list
}

func quoteList(names []string, sep string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = "`" + n + "`"
	}
	return strings.Join(quoted, sep)
}

// nearest gives at most limit names close to key, the closest first. Case,
// hyphens, spaces and underscores do not count as differences.
func nearest(key string, have []string, limit int) []string {
	type match struct {
		name string
		dist int
	}
	fold := func(s string) string {
		return strings.NewReplacer("-", "_", " ", "_", ".", "_").Replace(strings.ToLower(s))
	}
	want := fold(key)
	var found []match
	for _, name := range have {
		got := fold(name)
		d := editDistance(want, got)
		contains := len(want) >= 3 && len(got) >= 3 && (strings.Contains(got, want) || strings.Contains(want, got))
		if d <= max(1, len(want)/3) || contains {
			found = append(found, match{name, d})
		}
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].dist != found[j].dist {
			return found[i].dist < found[j].dist
		}
		return found[i].name < found[j].name
	})
	var names []string
	for _, m := range found[:min(limit, len(found))] {
		names = append(names, m.name)
	}
	return names
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbouring characters (optimal string alignment) that turn a into b.
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
