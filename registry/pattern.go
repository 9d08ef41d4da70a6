package registry

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// maxPatterns is how many regular expressions one query may have: each is a function of the connection.
const maxPatterns = 16

// maxLike is the longest text that is looked for by LIKE; SQLite refuses patterns beyond 50,000 bytes.
const maxLike = 10_000

// registerFunctions gives a connection the functions that compiled queries call:
//
//	loaderd_pattern(i, pattern)   sets the regular expression i of this connection
//	loaderd_match_i(text)         whether expression i is found in text
//
// One call from SQLite into Go costs about a microsecond, and each argument adds to that, so that the expression is no
// argument of the function that is called for each row.
func registerFunctions(c *sqlite3.SQLiteConn) error {
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

// sameLetter lists the letters that differ from r in case alone, r first (Unicode's simple folding). ASCII and the rest keep to
// themselves, so that the Kelvin sign is no k: as in SQLite's LIKE.
func sameLetter(r rune) []rune {
	same := []rune{r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if (f <= unicode.MaxASCII) == (r <= unicode.MaxASCII) {
			same = append(same, f)
		}
	}
	return same
}

// inOtherCases gives s with each letter beyond ASCII in all its cases; nothing where there are more than most.
func inOtherCases(s string, most int) []string {
	all := []string{""}
	for _, r := range s {
		same := []rune{r}
		if r > unicode.MaxASCII {
			same = sameLetter(r)
		}
		if len(all)*len(same) > most {
			return nil
		}
		var next []string
		for _, begin := range all {
			for _, f := range same {
				next = append(next, begin+string(f))
			}
		}
		all = next
	}
	return all
}

// anyCase is a regular expression for s in whatever case.
func anyCase(s string) string {
	var w strings.Builder
	for _, r := range s {
		same := sameLetter(r)
		if len(same) == 1 {
			w.WriteString(regexp.QuoteMeta(string(r)))
			continue
		}
		w.WriteByte('[')
		for _, f := range same {
			w.WriteRune(f)
		}
		w.WriteByte(']')
	}
	return w.String()
}

// compilePattern compiles a regular expression of a user's.
func compilePattern(pattern string) (*regexp.Regexp, error) {
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
