package registry

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// fragment is a piece of SQL with its parameters, in their order. Its text is made of names of Schema and of this package's
// own words, never of a user's.
type fragment struct {
	sql  string
	args []any
	ids  string // where SQLite can find the records asked for by it alone: the SELECT of their ids, with the same parameters
	own  bool   // ids are those of the records that are asked for, by a field of theirs
	cost int    // what comes first where several must hold: 0 compares, 1 looks through a text, 2 asks another table, 3 calls Go
}

const (
	costCompare = iota
	costText
	costRelated
	costGo
)

var (
	always = fragment{sql: "1"}
	never  = fragment{sql: "0"}
)

// comparison is what stands behind the last "__" of a lookup.
type comparison struct {
	types string // of fields: t text, i int, b bool, d time, r a relation itself, j JSON
	make  func(c *compiler, col string, typ Type, v any) (fragment, error)
}

// typeLetter stands for a type in comparison.types.
var typeLetter = map[Type]string{Text: "t", Int: "i", Bool: "b", Time: "d", JSON: "j", Ref: "r"}

// comparisons has every comparison but isnull, which is about the path as a whole.
var comparisons = map[string]comparison{
	"exact":       {"tibdr", binary("=")},
	"iexact":      {"t", like("", "")},
	"contains":    {"t", (*compiler).contains},
	"icontains":   {"t", like("%", "%")},
	"startswith":  {"t", (*compiler).startswith},
	"istartswith": {"t", like("", "%")},
	"endswith":    {"t", (*compiler).endswith},
	"iendswith":   {"t", like("%", "")},
	"in":          {"tibdr", (*compiler).in},
	"gt":          {"tid", binary(">")},
	"gte":         {"tid", binary(">=")},
	"lt":          {"tid", binary("<")},
	"lte":         {"tid", binary("<=")},
	"range":       {"tid", (*compiler).between},
	"isnull":      {"tibdrj", nil},
	"regex":       {"t", regex(false)},
	"iregex":      {"t", regex(true)},
}

// comparisonsFor lists those that a type has.
func comparisonsFor(t Type) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(comparisons)) {
		if strings.Contains(comparisons[name].types, typeLetter[t]) {
			out = append(out, name)
		}
	}
	return out
}

func binary(op string) func(*compiler, string, Type, any) (fragment, error) {
	return func(_ *compiler, col string, typ Type, v any) (fragment, error) {
		p, err := typ.parameter(v)
		return fragment{sql: col + " " + op + " ?", args: []any{p}}, err
	}
}

func (c *compiler) contains(col string, typ Type, v any) (fragment, error) {
	s, err := textParameter(v)
	if s == "" {
		return fragment{sql: col + " IS NOT NULL"}, err
	}
	return fragment{sql: "instr(" + col + ", ?) > 0", args: []any{s}, cost: costText}, err
}

// fewCases is how many texts are compared for one whose letters beyond ASCII may be in whatever case.
const fewCases = 16

// like finds texts whatever the case of their letters: by LIKE, which knows the case of ASCII, once for each case of the other
// letters; or, where these are many, by a regular expression, which takes six times as long. Before and after are what LIKE
// has there, "%" or "".
func like(before, after string) func(*compiler, string, Type, any) (fragment, error) {
	return func(c *compiler, col string, _ Type, v any) (fragment, error) {
		s, err := textParameter(v)
		if err != nil || s == "" && before+after != "" {
			return fragment{sql: col + " IS NOT NULL"}, err
		}
		cases := inOtherCases(s, fewCases)
		if cases == nil || len(s) > maxLike {
			pattern := anyCase(s)
			if before == "" {
				pattern = `\A` + pattern
			}
			if after == "" {
				pattern += `\z`
			}
			return c.find(pattern, col)
		}
		parts := make([]fragment, len(cases))
		for i, s := range cases {
			parts[i] = fragment{sql: col + ` LIKE ? ESCAPE '\'`, args: []any{before + escapeLike(s) + after}, cost: costText}
		}
		return joined(" OR ", never, parts), nil
	}
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

func escapeLike(s string) string { return likeEscapes.Replace(s) }

// startswith is a range, which an index serves: from the text to the first that no longer begins with it.
func (c *compiler) startswith(col string, typ Type, v any) (fragment, error) {
	s, err := textParameter(v)
	if err != nil || s == "" {
		return fragment{sql: col + " IS NOT NULL"}, err
	}
	f := fragment{sql: col + " >= ?", args: []any{s}}
	if next, ok := afterPrefix(s); ok {
		f.sql = "(" + f.sql + " AND " + col + " < ?)"
		f.args = append(f.args, next)
	}
	return f, nil
}

// afterPrefix is the lowest text above all that begin with s, as SQLite compares them: byte by byte.
func afterPrefix(s string) (string, bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] < 0xFF {
			return s[:i] + string([]byte{s[i] + 1}), true
		}
	}
	return "", false
}

func (c *compiler) endswith(col string, typ Type, v any) (fragment, error) {
	s, err := textParameter(v)
	if err != nil || s == "" {
		return fragment{sql: col + " IS NOT NULL"}, err
	}
	if !utf8.ValidString(s) { // of which SQLite counts other letters
		return fragment{sql: "substr(CAST(" + col + " AS BLOB), ?) = CAST(? AS BLOB)", args: []any{-len(s), s}, cost: costText}, nil
	}
	return fragment{sql: "substr(" + col + ", ?) = ?", args: []any{-utf8.RuneCountInString(s), s}, cost: costText}, nil
}

// fewValues is how many values of in stand as parameters; more go as one JSON text, so that there is no limit.
const fewValues = 64

func (c *compiler) in(col string, typ Type, v any) (fragment, error) {
	list, ok := v.([]any)
	if !ok {
		return fragment{}, fmt.Errorf("%s stands where a list is wanted", describe(v))
	}
	values := make([]any, 0, len(list))
	for _, e := range list {
		if e == nil { // as Django: nothing is equal to an absent value
			continue
		}
		p, err := typ.parameter(e)
		if err != nil {
			return fragment{}, err
		}
		values = append(values, p)
	}
	switch {
	case len(values) == 0:
		return never, nil
	case len(values) <= fewValues:
		marks := strings.Repeat("?, ", len(values)-1) + "?"
		return fragment{sql: col + " IN (" + marks + ")", args: values}, nil
	}
	value := "value"
	if slices.ContainsFunc(values, func(v any) bool { s, ok := v.(string); return ok && !utf8.ValidString(s) }) { // which JSON has not
		value = "CAST(unhex(value) AS TEXT)"
		for i, v := range values {
			values[i] = hex.EncodeToString([]byte(v.(string)))
		}
	}
	text, err := jsonList(values)
	return fragment{sql: col + " IN (SELECT " + value + " FROM json_each(?))", args: []any{text}}, err
}

func (c *compiler) between(col string, typ Type, v any) (fragment, error) {
	list, ok := v.([]any)
	if !ok || len(list) != 2 {
		return fragment{}, fmt.Errorf("%s stands where a list of two, the lowest and the highest value, is wanted", describe(v))
	}
	low, err := typ.parameter(list[0])
	if err != nil {
		return fragment{}, err
	}
	high, err := typ.parameter(list[1])
	return fragment{sql: col + " BETWEEN ? AND ?", args: []any{low, high}}, err
}

// regex finds a pattern anywhere in the text.
func regex(ignoreCase bool) func(*compiler, string, Type, any) (fragment, error) {
	return func(c *compiler, col string, _ Type, v any) (fragment, error) {
		s, err := textParameter(v)
		if err != nil {
			return fragment{}, err
		}
		if ignoreCase {
			s = "(?i)" + s
		}
		return c.find(s, col)
	}
}

// find compiles a search for a regular expression in the texts that a simpler pattern fits.
func (c *compiler) find(pattern, col string) (fragment, error) {
	re, err := compilePattern(pattern)
	if err != nil {
		return fragment{}, err
	}
	call, err := c.match(re)
	if err != nil {
		return fragment{}, err
	}
	f := fragment{sql: col + " IS NOT NULL"}
	if glob := globOf(re); glob != "*" {
		f = fragment{sql: col + " GLOB ?", args: []any{glob}}
	}
	f.sql = fmt.Sprintf("CASE WHEN %s THEN %s(%s) ELSE 0 END", f.sql, call, col)
	f.cost = costGo
	return f, nil
}
