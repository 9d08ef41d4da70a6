package mapped

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

var labelKeys = []string{"text", "cat", "number", "flag", "catnum", "nullable"}

// readLabels gives the values of labels, nil for a missing one.
func readLabels(l *Labels) []any {
	raw := alignedBytes(int(l.Size()))
	l.Write(raw)
	return labelValues(l.DType, l.Categories, raw, int(l.N))
}

func labelValues(dtypeName string, categories []any, raw []byte, n int) []any {
	d, _ := parseDType(dtypeName)
	out := make([]any, n)
	for i, f := range floats(raw, d, n) {
		switch {
		case categories != nil && f >= 0:
			out[i] = categories[int(f)]
		case categories == nil && f == f && d == boolType:
			out[i] = f != 0
		case categories == nil && f == f:
			out[i] = f
		}
	}
	return out
}

// checkLabels compares labels, categories and counts of every column with the model's.
func checkLabels(t *testing.T, what string, c *Collection, stores []*labelStore, kept []keptRow) {
	t.Helper()
	ctx := context.Background()
	for _, key := range labelKeys {
		l, err := c.Labels(ctx, key)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want := make([]any, len(kept))
		for i, k := range kept {
			want[i] = stores[k.store].at(key, k.row)
		}
		got := readLabels(l)
		for i := range want {
			if len(got) != len(want) || !same1(got[i], want[i]) && (got[i] != nil || want[i] != nil) {
				t.Fatalf("%s: %s is\n%v, want\n%v", what, key, got, want)
			}
		}
		if dtype := wantLabelType(key, stores, c.NObsList()); dtype != l.DType && (dtype != "codes" || l.Categories == nil) {
			t.Fatalf("%s: labels of %s are %s, want %s", what, key, l.DType, dtype)
		}
		categories, err := c.MergedCategories(ctx, key)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got, want := sortedTexts(categories), sortedTexts(declaredLabels(key, stores)); !slices.Equal(got, want) {
			t.Fatalf("%s: categories of %s are %v, want %v", what, key, got, want)
		}
	}
	checkCounts(t, what, c, stores, kept)
}

// wantLabelType is numpy's type of the labels of a column, "codes" for objects.
func wantLabelType(key string, stores []*labelStore, list []int64) string {
	var types []dtype
	objects, absent := false, false
	for i, s := range stores {
		c := s.columns[key]
		if c == nil {
			absent = absent || list[i] > 0
			continue
		}
		types = append(types, c.dtype)
		objects = objects || c.dtype == noType || !c.dtype.isFloat() && slices.Contains(c.values, nil)
	}
	if d := promoteAll(types...); !objects && (d.isFloat() || !absent) {
		return d.String()
	}
	return "codes"
}

// declaredLabels are the labels of all rows, filtered or not, and declared categories.
func declaredLabels(key string, stores []*labelStore) []any {
	var out []any
	for _, s := range stores {
		c := s.columns[key]
		if c == nil {
			continue
		}
		values := c.declared
		if values == nil {
			values = c.values
		}
		for _, v := range values {
			if v != nil && !slices.ContainsFunc(out, func(w any) bool { return same1(v, w) }) {
				out = append(out, v)
			}
		}
	}
	return out
}

// sortedTexts writes labels so that True, 1 and 1.0 are one.
func sortedTexts(values []any) []string {
	var out []string
	for _, v := range values {
		if b, ok := v.(bool); ok {
			v = float64(truth(b))
		}
		out = append(out, fmt.Sprint(v))
	}
	slices.Sort(out)
	return out
}

// spelled is the label of a row as numpy spells it, which is not how its file does where hstack makes floats of it.
func spelled(t *testing.T, c *Collection, stores []*labelStore, key string, k keptRow) any {
	v := stores[k.store].at(key, k.row)
	b, isBool := v.(bool)
	f, isFloat := v.(float64)
	if d := wantLabelType(key, stores, c.NObsList()); isBool && d != "codes" && d != "bool" {
		return float64(truth(b))
	} else if isFloat && d == "codes" && stores[k.store].columns[key].dtype.isFloat() {
		return fmt.Sprintf("%.1f", f)
	}
	return v
}

func checkCounts(t *testing.T, what string, c *Collection, stores []*labelStore, kept []keptRow) {
	t.Helper()
	keys := []string{"cat", "number", "nullable"}
	got, err := c.LabelClasses(context.Background(), keys)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if len(got.Codes) != len(kept) {
		t.Fatalf("%s: %d codes for %d rows", what, len(got.Codes), len(kept))
	}
	number, counts := map[string]int{}, []int64{}
	for i, k := range kept {
		name := ""
		for _, key := range keys {
			name += fmt.Sprintf("%v__", spelled(t, c, stores, key, k))
		}
		if _, known := number[name]; !known {
			number[name] = len(counts)
			counts = append(counts, 0)
		}
		counts[number[name]]++
		if int(got.Codes[i]) != number[name] {
			t.Fatalf("%s: row %d is of combination %d, want %d", what, i, got.Codes[i], number[name])
		}
	}
	if !slices.Equal(got.Counts, counts) {
		t.Fatalf("%s: counts are %v, want %v", what, got.Counts, counts)
	}
	for j, key := range keys {
		values := labelValues(got.Labels[j].DType, got.Labels[j].Categories, got.Labels[j].Data, len(counts))
		for i, k := range kept {
			want := stores[k.store].at(key, k.row)
			if v := values[got.Codes[i]]; !same1(v, want) && (v != nil || want != nil) {
				t.Fatalf("%s: label of row %d in %s is %v, want %v", what, i, key, v, want)
			}
		}
	}
}
