package registry

import (
	"context"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

func TestPatternsThatStandInForExpressions(t *testing.T) {
	for _, tt := range []struct{ expression, want string }{
		{"abc", "*abc*"},
		{"^abc$", "abc"},
		{`^\w+\d/.*[13579]/.*v$`, "[0-9A-Z_a-z]*[0-9]/*[13579]/*v"},
		{"a{2,}b", "*aa*b*"},
		{"a{3}", "*aaa*"},
		{"(ab)+", "*ab*"},
		{"a|b", "*[a-b]*"},
		{"abc|def", "*"},
		{"(abc)?d", "*d*"},
		{"(?i)Ak", "*[Aa][Kk\u212a]*"},
		{"(?i)é", "*[Éé]*"},
		{`a\*\?\[b`, "*a[*][?][[]b*"},
		{"[^a]b", "*?b*"},
		{`[\]-]b`, "*?b*"},
		{"a.c", "*a?c*"},
		{"(?m)^a$", "*a*"},
		{`\ba\b`, "*a*"},
		{`\x{FFFD}`, "*"},
		{`[\x{10000}-\x{10FFFF}]a`, "*?a*"},
		{"", "*"},
		{strings.Repeat("a+", 30), "*" + strings.Repeat("a*", globStars)},
	} {
		if got := globOf(regexp.MustCompile(tt.expression)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.expression, got, tt.want)
		}
	}
}

// fits asks SQLite.
func fits(t testing.TB, db *DB, glob, text string) bool {
	t.Helper()
	n, err := db.number(context.Background(), &statement{compiler: compiler{op: "test"}}, fragment{sql: "SELECT ? GLOB ?", args: []any{text, glob}})
	if err != nil {
		t.Fatal(err)
	}
	return n == 1
}

func TestWhereAnExpressionIsFoundItsPatternFits(t *testing.T) {
	db := fresh(t)
	r := rand.New(rand.NewPCG(5, 5))
	pieces := []string{"a", "b", "é", "ſ", "K", "k", "[ab]", "[^a]", ".", "(a|b)", "(ab|c)", "a*", "b+", "(ab)?", "a{2}", "b{1,3}", "^", "$", `\*`, `\[`, "[a-c]", `\d`, `\b`, "(?i:as)", "(?i:É)", "[*?]", "日"}
	letters := []string{"a", "b", "c", "A", "S", "s", "ſ", "é", "É", "k", "\u212a", "1", "*", "?", "[", "]", "-", "日", "\n", " "}
	found := 0
	for range 20_000 {
		var expression, text strings.Builder
		for range 1 + r.IntN(5) {
			expression.WriteString(pieces[r.IntN(len(pieces))])
		}
		for range r.IntN(7) {
			text.WriteString(letters[r.IntN(len(letters))])
		}
		re, err := regexp.Compile(expression.String())
		if err != nil {
			continue
		}
		if !re.MatchString(text.String()) {
			continue
		}
		found++
		if glob := globOf(re); !fits(t, db, glob, text.String()) {
			t.Fatalf("%q is found in %q, and %q does not fit that", expression.String(), text.String(), glob)
		}
	}
	if found < 1000 {
		t.Errorf("found %d times only", found)
	}
}

// FuzzGlob gives any expression and any text to the same question.
func FuzzGlob(f *testing.F) {
	f.Add("a+b|c", "xabc")
	f.Add("(?i)[k-s]{2,3}$", "aſſ")
	db, err := Open(context.Background(), Options{Path: f.TempDir() + "/r.db"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	f.Fuzz(func(t *testing.T, expression, text string) {
		if _, err := textParameter(expression); err != nil {
			return
		}
		if _, err := textParameter(text); err != nil { // as texts of the registry are
			return
		}
		re, err := compilePattern(expression)
		if err != nil || !re.MatchString(text) {
			return
		}
		if glob := globOf(re); !fits(t, db, glob, text) {
			t.Fatalf("%q is found in %q, and %q does not fit that", expression, text, glob)
		}
	})
}
