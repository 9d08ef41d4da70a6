package expr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	nameToken
	quotedNameToken // `any text`
	numberToken
	textToken
	symbolToken
)

// token is one word of an expression.
type token struct {
	kind tokenKind
	text string // what it means: a name, the value of a text, a number as it is written, or a symbol
	pos  int
	word string // the keyword that a name stands for, in lower case; a symbol as it is; else ""
}

// keywords are the names that mean something, with the word that they stand for.
var keywords = func() map[string]string {
	words := map[string]string{
		"True": "true", "False": "false", "None": "null", "nan": "null", "NaN": "null", "NA": "null",
	}
	for _, w := range []string{"and", "or", "not", "in", "is", "null", "between", "matches", "true", "false"} {
		words[w], words[strings.ToUpper(w)] = w, w
	}
	return words
}()

// is says whether the token is this symbol or keyword.
func (t token) is(what string) bool { return t.word == what }

// String names the token in errors.
func (t token) String() string {
	switch t.kind {
	case endToken:
		return "the end"
	case textToken:
		return strconv.Quote(t.text)
	}
	return "`" + t.text + "`"
}

type lexer struct {
	text string
	at   int
}

func (l *lexer) fail(pos int, hint, format string, args ...any) error {
	return &Error{Text: l.text, Pos: pos, Detail: fmt.Sprintf(format, args...), Hint: hint}
}

// next gives the next token; endToken at the end.
func (l *lexer) next() (token, error) {
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.at]) >= 0 {
		l.at++
	}
	if l.at == len(l.text) {
		return token{pos: l.at}, nil
	}
	r, size := utf8.DecodeRuneInString(l.text[l.at:])
	switch {
	case r == '"' || r == '\'':
		return l.quoted()
	case r == '`':
		return l.quotedName()
	case r >= '0' && r <= '9' || r == '.' && l.at+1 < len(l.text) && isDigit(l.text[l.at+1]):
		return l.number()
	case r == '_' || unicode.IsLetter(r):
		return l.name(), nil
	case r == utf8.RuneError && size == 1:
		return token{}, l.fail(l.at, "", "the expression is not UTF-8")
	}
	return l.symbol(r)
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// symbols, the long ones first.
var symbols = []string{"==", "!=", "<=", ">=", "&&", "||", "<", ">", "(", ")", "[", "]", ",", ".", "&", "|", "~", "-", "+"}

// wrongSymbols are those of other languages, with what is written here.
var wrongSymbols = []struct{ text, hint string }{
	{"<>", "write !="}, {"=~", "write `matches`"}, {"=", "write == to compare"}, {"!", "write `not`"},
	{"{", "write lists in square brackets"}, {"@", "put the value into the text: f\"x > {limit}\""},
}

func (l *lexer) symbol(r rune) (token, error) {
	rest := l.text[l.at:]
	if !strings.HasPrefix(rest, "<>") {
		for _, s := range symbols {
			if strings.HasPrefix(rest, s) {
				t := token{symbolToken, s, l.at, s}
				l.at += len(s)
				return t, nil
			}
		}
	}
	for _, w := range wrongSymbols {
		if strings.HasPrefix(rest, w.text) {
			return token{}, l.fail(l.at, w.hint, "`%s` has no meaning here", w.text)
		}
	}
	return token{}, l.fail(l.at, "put names with other signs than letters, digits and _ between backquotes", "%q has no meaning here", r)
}

func (l *lexer) name() token {
	start := l.at
	for l.at < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[l.at:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			break
		}
		l.at += size
	}
	text := l.text[start:l.at]
	return token{nameToken, text, start, keywords[text]}
}

// quotedName reads `name`; there is no escape.
func (l *lexer) quotedName() (token, error) {
	start := l.at
	n := strings.IndexByte(l.text[start+1:], '`')
	if n < 0 {
		return token{}, l.fail(start, "close it with another backquote", "a name that does not end")
	}
	l.at = start + n + 2
	return token{kind: quotedNameToken, text: l.text[start+1 : start+1+n], pos: start}, nil
}

// number reads digits as far as they look like a number; the parser gives them a value.
func (l *lexer) number() (token, error) {
	start := l.at
	digits := func() {
		for l.at < len(l.text) && (isDigit(l.text[l.at]) || l.text[l.at] == '_') {
			l.at++
		}
	}
	digits()
	if l.at < len(l.text) && l.text[l.at] == '.' {
		l.at++
		digits()
	}
	if l.at < len(l.text) && (l.text[l.at] == 'e' || l.text[l.at] == 'E') {
		l.at++
		if l.at < len(l.text) && (l.text[l.at] == '-' || l.text[l.at] == '+') {
			l.at++
		}
		digits()
	}
	if r, size := utf8.DecodeRuneInString(l.text[l.at:]); r == '_' || unicode.IsLetter(r) && size > 0 {
		return token{}, l.fail(start, "put names that begin with a digit between backquotes", "`%s%c` is not a number", l.text[start:l.at], r)
	}
	return token{kind: numberToken, text: l.text[start:l.at], pos: start}, nil
}

// quoted reads text between quotes.
func (l *lexer) quoted() (token, error) {
	start, quote := l.at, l.text[l.at]
	var out strings.Builder
	for l.at++; l.at < len(l.text); {
		c := l.text[l.at]
		switch {
		case c == quote:
			l.at++
			if !utf8.ValidString(out.String()) {
				return token{}, l.fail(start, "", "a text that is not UTF-8")
			}
			return token{kind: textToken, text: out.String(), pos: start}, nil
		case c == '\\' && l.at+1 < len(l.text):
			if err := l.escape(&out); err != nil {
				return token{}, err
			}
		default:
			out.WriteByte(c)
			l.at++
		}
	}
	return token{}, l.fail(start, fmt.Sprintf("close it with another %c", quote), "a text that does not end")
}

// escape reads what a backslash begins. Before signs that it does not know the backslash stays.
func (l *lexer) escape(out *strings.Builder) error {
	c := l.text[l.at+1]
	if plain := strings.IndexByte(`\'"ntr`, c); plain >= 0 {
		out.WriteByte("\\'\"\n\t\r"[plain])
		l.at += 2
		return nil
	}
	digits := map[byte]int{'x': 2, 'u': 4}[c]
	if digits == 0 {
		out.WriteByte('\\')
		l.at++
		return nil
	}
	start := l.at
	end := min(start+2+digits, len(l.text))
	n, err := strconv.ParseUint(l.text[start+2:end], 16, 32)
	if err != nil || end-start != 2+digits || !utf8.ValidRune(rune(n)) {
		return l.fail(start, "write \\\\ for a backslash", "\\%c needs %d hexadecimal digits of a character", c, digits)
	}
	out.WriteRune(rune(n))
	l.at = end
	return nil
}
