package expr

import (
	"strconv"
	"strings"
)

// literal reads a value: a number, a text, True or False.
func (p *parser) literal(wanted string) (*Literal, error) {
	t := p.tok
	switch {
	case t.kind == textToken:
		return &Literal{t.text, t.pos}, p.advance()
	case t.is("true"), t.is("false"):
		return &Literal{t.is("true"), t.pos}, p.advance()
	case t.is("-"), t.is("+"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.kind != numberToken {
			return nil, p.unexpected("a number after `" + t.text + "`")
		}
		return p.number(strings.TrimPrefix(t.text, "+"), t.pos)
	case t.kind == numberToken:
		return p.number("", t.pos)
	case t.kind == nameToken && t.word != "":
		return nil, p.fail(t.pos, "put a column of this name between backquotes", "expected %s, found the word %s", wanted, t)
	}
	return nil, p.unexpected(wanted)
}

// number gives the number in hand its value, in the narrowest of int64, uint64 and float64.
func (p *parser) number(sign string, pos int) (*Literal, error) {
	text := sign + strings.ReplaceAll(p.tok.text, "_", "")
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return &Literal{i, pos}, p.advance()
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return &Literal{u, pos}, p.advance()
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, p.fail(pos, "", "%q is not a number that float64 holds", text)
	}
	return &Literal{f, pos}, p.advance()
}
