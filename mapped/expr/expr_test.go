package expr

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// show writes a tree with all parentheses.
func show(n Node) string {
	join := func(word string, tests []Node) string {
		var parts []string
		for _, t := range tests {
			parts = append(parts, show(t))
		}
		return "(" + strings.Join(parts, " "+word+" ") + ")"
	}
	lit := func(l *Literal) string { return fmt.Sprintf("%T %#v", l.Value, l.Value) }
	switch n := n.(type) {
	case *And:
		return join("and", n.Tests)
	case *Or:
		return join("or", n.Tests)
	case *Not:
		return "not " + show(n.Test)
	case *Compare:
		return fmt.Sprintf("[%s] %s %s", n.Column.Name, n.Op, lit(n.Value))
	case *CompareColumns:
		return fmt.Sprintf("[%s] %s [%s]", n.Left.Name, n.Op, n.Right.Name)
	case *In:
		var parts []string
		for _, v := range n.Values {
			parts = append(parts, lit(v))
		}
		if n.Null {
			parts = append(parts, "null")
		}
		return fmt.Sprintf("[%s] in {%s}", n.Column.Name, strings.Join(parts, ", "))
	case *Null:
		return fmt.Sprintf("[%s] null", n.Column.Name)
	case *Match:
		return fmt.Sprintf("[%s] ~ %s", n.Column.Name, n.Pattern)
	case *Truth:
		return fmt.Sprintf("[%s]", n.Column.Name)
	}
	return fmt.Sprintf("%T", n)
}

func TestExpressionsMeanWhatTheGrammarSays(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a comparison", `n_counts > 500`, `[n_counts] > int64 500`},
		{"and with in", `n_counts > 500 and cell_type in ['B', "T"]`, `([n_counts] > int64 500 and [cell_type] in {string "B", string "T"})`},
		{"and binds closer than or", `a or b and c or d`, `([a] or ([b] and [c]) or [d])`},
		{"parentheses come first", `(a or b) and c`, `(([a] or [b]) and [c])`},
		{"not binds closer than and", `not a == 1 and b`, `(not [a] == int64 1 and [b])`},
		{"signs stand for words", `~a & b | c && d || e`, `((not [a] and [b]) or ([c] and [d]) or [e])`},
		{"words in capitals", `a IN (1) AND NOT b IS NOT NULL`, `([a] in {int64 1} and not not [b] null)`},
		{"a value on the left", `500 < n`, `[n] > int64 500`},
		{"a chain", `10 < x <= 20`, `([x] > int64 10 and [x] <= int64 20)`},
		{"a chain of columns", `a < b == c`, `([a] < [b] and [b] == [c])`},
		{"between has both ends", `x between -1 and 2.5 and y`, `(([x] >= int64 -1 and [x] <= float64 2.5) and [y])`},
		{"not between", `x not between 1 and 2`, `not ([x] >= int64 1 and [x] <= int64 2)`},
		{"not in", `x not in [True, null, 1e3]`, `not [x] in {bool true, float64 1000, null}`},
		{"an empty list", `x in []`, `[x] in {}`},
		{"a comma at the end", `x in ("a",)`, `[x] in {string "a"}`},
		{"null by any name", `x in [None, nan, NaN, NA, "nan"]`, `[x] in {string "nan", null}`},
		{"is null and is not", `x is null or x is not None`, `([x] null or not [x] null)`},
		{"matches", `x matches '^CD[48]\d \'a\''`, `[x] ~ ^CD[48]\d 'a'`},
		{"not matches", `x not matches "a"`, `not [x] ~ a`},
		{"names in backquotes", "`in` == 1 and `cell type/2` == 'x'", `([in] == int64 1 and [cell type/2] == string "x")`},
		{"names in any script", `ß_größe2 == "é"`, `[ß_größe2] == string "é"`},
		{"words with one capital are names", `Is == 1 and Null`, `([Is] == int64 1 and [Null])`},
		{"escapes", `x == "\x41\u00e9\n\\\"\q"`, `[x] == string "Aé\n\\\"\\q"`},
		{"numbers", `x in [1_000, -7, +7, .5, 2., 1e-3, 9223372036854775808, 18446744073709551616, 007]`,
			`[x] in {int64 1000, int64 -7, int64 7, float64 0.5, float64 2, float64 0.001, uint64 0x8000000000000000, float64 1.8446744073709552e+19, int64 7}`},
		{"methods of pandas", `a.isna() and b.notnull() and c.isin(["x", None]) and d.between(1, 2)`,
			`([a] null and not [b] null and [c] in {string "x", null} and ([d] >= int64 1 and [d] <= int64 2))`},
		{"methods of pandas' str", `a.str.contains("b|c") and a.str.match("b|c") and a.str.fullmatch("b|c") and a.str.startswith("a.") and not a.str.endswith("(")`,
			`([a] ~ b|c and [a] ~ \A(?:b|c) and [a] ~ \A(?:b|c)\z and [a] ~ \Aa\. and not [a] ~ \(\z)`},
		{"several lines", "a\n  and\tb", `([a] and [b])`},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(n); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
			}
		})
	}
}

func TestWhatIsNoExpressionIsSaidWithItsPlace(t *testing.T) {
	for _, c := range []struct{ name, text, at, want string }{
		{"nothing", "  ", "", "empty"},
		{"a comparison without a right side", "n >", "", "expected a column or a value, found the end"},
		{"a comparison without a left side", "== 3", "== 3", "found `==`"},
		{"one equals sign", "n = 3", "= 3", "`=` has no meaning"},
		{"the sign of SQL", "n <> 3", "<> 3", "`<>` has no meaning"},
		{"an exclamation mark", "!n", "!n", "`!` has no meaning"},
		{"a variable of Python", "n > @limit", "@limit", "has no meaning"},
		{"two tests without a word", "a b", "b", "expected `and`, `or` or the end"},
		{"an open parenthesis", "(a and b", "", "expected `)`, found the end"},
		{"a closed parenthesis too many", "a)", ")", "expected `and`, `or` or the end"},
		{"a text that does not end", "a == 'b", "'b", "does not end"},
		{"a name that does not end", "`a == 1", "`a", "does not end"},
		{"a list without a comma", "a in [1 2]", "2]", "expected `,`, found `2`"},
		{"a list that does not end", "a in [1, ", "", "found the end"},
		{"no list", "a in 'B'", "'B'", "expected `[`"},
		{"a column in a list", "a in [b]", "b]", "expected a value or `]`"},
		{"a value alone", "a and 3", "3", "not a test"},
		{"two values", "1 < 2", "< 2", "no column"},
		{"a value before in", "'B' in cell_type", "'B'", "a column must stand before `in`"},
		{"comparison with null", "a == null", "null", "missing"},
		{"comparison with a list", "a == ['b']", "[", "cannot be compared"},
		{"is with a value", "a is 3", "3", "expected `null`"},
		{"not alone", "a not 3", "3", "expected `in`, `between` or `matches`"},
		{"a word for a name", "in == 3", "in", "the word `in`"},
		{"a name with a hyphen", "cell-type == 'B'", "-type", "found `-`"},
		{"a name that begins with a digit", "2d > 3", "2d", "`2d` is not a number"},
		{"a name with a point", "donor.id == 3", ".id", "no meaning"},
		{"a method there is not", "a.str.len() > 3", ".str", "no meaning"},
		{"a bad pattern", "a matches '['", "'['", "missing closing ]"},
		{"a parenthesis that would fit another", "a.str.match(')(')", "')('", "unexpected )"},
		{"a pattern that quotes to its end", `a.str.match('\Qb')`, `'\Q`, "missing closing )"},
		{"a pattern without quotes", "a matches b", "b", "expected a text"},
		{"a bad escape", `a == "\u12"`, `\u12`, "4 hexadecimal"},
		{"half of a pair as an escape", `a == "\ud800"`, `\ud8`, "4 hexadecimal"},
		{"a number too large", "a > 1e999", "1e999", "float64"},
		{"a sign before a name", "a > -b", "b", "a number after `-`"},
		{"bytes that are not UTF-8", "a == \xff", "\xff", "UTF-8"},
		{"bytes in a text that are not UTF-8", "a == '\xff'", "'\xff", "UTF-8"},
		{"parentheses beyond measure", strings.Repeat("(", 500) + "a", "", "nested"},
		{"nots beyond measure", strings.Repeat("not ", 500) + "a", "", "nested"},
		{"a text beyond measure", strings.Repeat("a and ", 1<<18) + "a", "", "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.text)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error is %v", err)
			}
			if !strings.Contains(e.Detail, c.want) || !strings.HasPrefix(c.text[min(e.Pos, len(c.text)):], c.at) {
				t.Errorf("%v (position %d of %q)\nwant %q at %q", err, e.Pos, c.text, c.want, c.at)
			}
			if !strings.Contains(err.Error(), "^") {
				t.Errorf("%v does not point", err)
			}
		})
	}
}

func TestAnErrorPointsAtItsPlace(t *testing.T) {
	_, err := Parse("größe > 1 and\n x ==")
	want := "at the end: expected a column or a value, found the end\n   x ==\n       ^"
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
	long := strings.Repeat("a and ", 50)
	if _, err = Parse(long + "= and " + long + "b"); err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || len([]rune(lines[1])) > 2*window+4 || []rune(lines[1])[strings.IndexByte(lines[2], '^')] != '=' {
		t.Errorf("error is\n%v", err)
	}
}

func TestColumnsComeOnceInTheOrderOfTheText(t *testing.T) {
	n, err := Parse("b > 1 and (not c or a < b) and d is null and e in [1] and f matches 'x' and c")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range Columns(n) {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "b c a d e f" {
		t.Errorf("columns are %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`n_counts > 500 and cell_type in ['B', "T"]`, "10 < x <= 20 or not (`a b` is not null)", `x.str.match("^a") & ~y.isna()`,
		`x matches '\x41[\u00e9]' | y between 1 and 2e3`, `x not in [1, None, True, -0.5]`, "(((a", "'", "\\",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text)
		var e *Error
		switch {
		case err == nil:
			_ = show(n)
			if len(Columns(n)) == 0 {
				t.Errorf("%q has no columns", text)
			}
		case !errors.As(err, &e):
			t.Errorf("%q: %T is not an *Error", text, err)
		case e.Pos < 0 || e.Pos > len(e.Text) || e.Detail == "":
			t.Errorf("%q: position %d, detail %q", text, e.Pos, e.Detail)
		default:
			_ = e.Error()
		}
	})
}
