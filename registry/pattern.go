package registry

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// maxPatterns is how many regular expressions one query may have: each is a function of the connection.
const maxPatterns = 16

// maxLike is the longest text that is looked for by LIKE; SQLite refuses patterns beyond 50,000 bytes.
const maxLike = 10_000

// registerFunctions gives a connection the functions that compiled queries call:
//
//	loaderd_fold(text)            text with its letters in lower case, as fold
//	loaderd_pattern(i, pattern)   sets the regular expression i of this connection
//	loaderd_match_i(text)         whether expression i is found in text
//
// One call from SQLite into Go costs about a microsecond, and each argument adds to that, so that the expression is no
// argument of the function that is called for each row.
func registerFunctions(c *sqlite3.SQLiteConn) error {
	if err := c.RegisterFunc("loaderd_fold", fold, true); err != nil {
		return err
	}
	var patterns [maxPatterns]*regexp.Regexp
	set := func(i int, pattern string) (bool, error) {
		if i < 0 || i >= maxPatterns {
			return false, fmt.Errorf("pattern %d of %d", i, maxPatterns)
		}
		if patterns[i] != nil && patterns[i].String() == pattern {
			return true, nil
		}
		re, err := regexp.Compile(pattern)
		patterns[i] = re
		return err == nil, err
	}
	if err := c.RegisterFunc("loaderd_pattern", set, false); err != nil {
		return err
	}
	for i := range patterns {
		match := func(text []byte) bool { return patterns[i] != nil && patterns[i].Match(text) }
		if err := c.RegisterFunc(matchFunc(i), match, false); err != nil {
			return err
		}
	}
	return nil
}

func matchFunc(i int) string { return fmt.Sprintf("loaderd_match_%d", i) }

// fold makes texts equal that differ in the case of letters alone. It maps letter to letter, and ASCII and the rest each to
// their own, so that for a text of ASCII it finds what SQLite's LIKE finds.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		lower := unicode.ToLower(r)
		if r > unicode.MaxASCII && lower <= unicode.MaxASCII { // the Kelvin sign is no k
			return r
		}
		return lower
	}, s)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// compilePattern compiles a regular expression of a user's.
func compilePattern(pattern string, ignoreCase bool) (*regexp.Regexp, error) {
	if ignoreCase {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err == nil {
		return re, nil
	}
	for _, form := range []string{"(?=", "(?!", "(?<=", "(?<!", `\1`, "(?P="} {
		if strings.Contains(pattern, form) {
			return nil, fmt.Errorf("%w; %s is not supported, for patterns are searched in linear time (RE2)", err, form)
		}
	}
	return nil, err
}

// required is a text that is in everything that the expression finds, the longest that is easy to see; "" for none. It spares
// most calls of the expression.
func required(re *regexp.Regexp) string {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return ""
	}
	return requiredOf(parsed.Simplify())
}

func requiredOf(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 && !slices.ContainsFunc(re.Rune, func(r rune) bool { return !utf8.ValidRune(r) }) {
			return string(re.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return requiredOf(re.Sub[0])
		}
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if s := requiredOf(sub); len(s) > len(longest) {
				longest = s
			}
		}
		return longest
	}
	return ""
}
