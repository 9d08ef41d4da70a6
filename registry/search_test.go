package registry

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestSearchPutsTheBestFirst(t *testing.T) {
	db := fresh(t)
	for i, r := range []Record{
		file("h0", "key", "lung/cells.h5ad", "description", "T cells of the lung"),
		file("h1", "key", "other.h5ad", "description", "lung"),
		file("h2", "key", "lung", "description", "whole"),
		file("h3", "key", "data/lung_2.h5ad", "description", "Die Größe der Lunge"),
		file("h4", "key", "data/plunge.h5ad"),
		file("h5", "key", "LUNG atlas.h5ad", "description", "Опухоль лёгкого"),
		file("h6", "key", "trash of the lung.h5ad"),
		file("h7", "key", "100%_a.h5ad", "description", "atlas lung"),
	} {
		uid := must(t, db, Save{Model: ModelArtifact, Record: r}).Record.UID()
		if i == 6 {
			hide(t, db, uid, Trash)
		}
	}
	search := func(text string, q Query) string {
		t.Helper()
		q.Model = ModelArtifact
		found, err := db.Search(context.Background(), text, q)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, r := range found {
			out.WriteString(strings.TrimPrefix(r.Text("hash"), "h"))
		}
		return out.String()
	}
	for _, tt := range []struct {
		name, text, want string
		q                Query
	}{
		{"the whole key, its beginning, a word, a part", "lung", "2051374", Query{}},
		{"whatever the case", "LuNg", "2051374", Query{}},
		{"every word must be there", "lung cells", "0", Query{}},
		{"words beside each other before others", "lung atlas", "57", Query{}},
		{"letters beyond ASCII", "GRÖSSE", "", Query{}},
		{"letters of one case", "GRÖßE", "3", Query{}},
		{"a word of Cyrillic letters", "опухоль", "5", Query{}},
		{"signs are signs", "0%_", "7", Query{}},
		{"a limit", "lung", "20", Query{Limit: 2}},
		{"an offset", "lung", "51", Query{Limit: 2, Offset: 2}},
		{"a condition beside it", "lung", "13", Query{Where: Lookup{"hash__in", []any{"h1", "h3"}}}},
		{"the trash", "lung", "6", Query{Where: Lookup{"visibility", 2}}},
		{"what is nowhere", "xyz", "", Query{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := search(tt.text, tt.q); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
	uid := must(t, db, Save{Model: ModelULabel, Record: Record{"name": "x", "description": "y"}}).Record.UID()
	if found, err := db.Search(context.Background(), uid[:6], Query{Model: ModelULabel}); err != nil || len(found) != 1 {
		t.Errorf("by the beginning of a uid: %v, %v", found, err)
	}
	for text, says := range map[string]string{" ": "no word", strings.Repeat("a ", 9): "8 words", "a\x00": "zero byte", strings.Repeat("a", 2000): "1000 bytes"} {
		_, err := db.Search(context.Background(), text, Query{Model: ModelUser})
		wantError(t, err, ErrInvalid, says)
	}
}

func TestWordsThatNearlyEverythingHasAreLookedForInTheNewestAndInNames(t *testing.T) {
	db := fresh(t)
	for i, key := range []string{"lung", "lung atlas", "a lung", "Lung of old", "b/lung", "c lung", "d lung"} {
		must(t, db, Save{Model: ModelArtifact, Record: file(fmt.Sprint("h", i), "key", key)})
	}
	for _, tt := range []struct {
		most int
		want string
	}{
		{100, "0 3 1 6 5 4 2"},
		{3, "0 1 6 5 4"}, // one that is called so in another case is not among the newest
		{1, "0 1 6"},
	} {
		s, err := compile(Query{Model: ModelArtifact, Limit: 20})
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.search([]string{"lung"}, tt.most)
		if err != nil {
			t.Fatal(err)
		}
		var found []Record
		if err := db.run(context.Background(), s, f, collect(&found, s.root.scan)); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range found {
			got = append(got, strings.TrimPrefix(r.Text("hash"), "h"))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("of the newest %d: %q, want %q", tt.most, got, tt.want)
		}
	}
}

func TestASearchCountsAllThatItCanFind(t *testing.T) {
	db := fresh(t)
	for i := range 30 {
		must(t, db, Save{Model: ModelArtifact, Record: file(fmt.Sprint("h", i), "key", fmt.Sprint("lung ", i), "visibility", int64(i%2))})
	}
	for text, want := range map[string]int64{"lung": 15, "lung 2": 7, "liver": 0} {
		q := Query{Model: ModelArtifact, Limit: 2, Offset: 1}
		if n, err := db.SearchCount(context.Background(), text, q); n != want || err != nil {
			t.Errorf("%q: %d, %v; want %d", text, n, err, want)
		}
	}
	_, err := db.SearchCount(context.Background(), " ", Query{Model: ModelArtifact})
	wantError(t, err, ErrInvalid, "no word")
}
