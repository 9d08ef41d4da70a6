package expr

import (
	"fmt"
	"regexp"
)

// Limits of what Parse takes.
const (
	MaxDepth   = 100     // parentheses and nots within each other
	MaxLength  = 1 << 20 // bytes of an expression
	maxPattern = 10_000  // bytes of a regular expression
)

// Parse reads an expression. Every error is an *Error.
func Parse(text string) (Node, error) {
	if len(text) > MaxLength {
		return nil, &Error{Text: text[:window], Pos: 0, Hint: "shorten it, or give the values as a dict",
			Detail: fmt.Sprintf("an expression of %d bytes; %d are allowed", len(text), MaxLength)}
	}
	p := &parser{lexer: lexer{text: text}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == endToken {
		return nil, p.fail(0, `write for example: n_counts > 500 and cell_type in ["B", "T"]`, "the expression is empty")
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != endToken {
		return nil, p.unexpected("`and`, `or` or the end")
	}
	return n, nil
}

// parser is a recursive descent over the grammar of doc.go, with one token in hand.
type parser struct {
	lexer
	tok   token
	depth int
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

// accept takes the token if it is one of these.
func (p *parser) accept(what ...string) (bool, error) {
	for _, w := range what {
		if p.tok.is(w) {
			return true, p.advance()
		}
	}
	return false, nil
}

func (p *parser) expect(what string) error {
	if ok, err := p.accept(what); ok || err != nil {
		return err
	}
	return p.unexpected("`" + what + "`")
}

func (p *parser) unexpected(wanted string) error {
	return p.fail(p.tok.pos, "", "expected %s, found %s", wanted, p.tok)
}

// nested runs do one level deeper.
func (p *parser) nested(do func() (Node, error)) (Node, error) {
	if p.depth++; p.depth > MaxDepth {
		return nil, p.fail(p.tok.pos, "", "nested more than %d deep", MaxDepth)
	}
	defer func() { p.depth-- }()
	return do()
}

func (p *parser) or() (Node, error) {
	tests, err := p.list(p.and, "or", "|", "||")
	if err != nil || len(tests) == 1 {
		return first(tests), err
	}
	return &Or{tests}, nil
}

func (p *parser) and() (Node, error) {
	tests, err := p.list(p.not, "and", "&", "&&")
	if err != nil || len(tests) == 1 {
		return first(tests), err
	}
	return &And{tests}, nil
}

func first(tests []Node) Node {
	if len(tests) == 0 {
		return nil
	}
	return tests[0]
}

// list reads tests with one of these words between them.
func (p *parser) list(one func() (Node, error), between ...string) ([]Node, error) {
	var tests []Node
	for {
		n, err := one()
		if err != nil {
			return nil, err
		}
		tests = append(tests, n)
		if ok, err := p.accept(between...); !ok || err != nil {
			return tests, err
		}
	}
}

func (p *parser) not() (Node, error) {
	ok, err := p.accept("not", "~")
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.test()
	}
	n, err := p.nested(p.not)
	if err != nil {
		return nil, err
	}
	return &Not{n}, nil
}

func (p *parser) test() (Node, error) {
	ok, err := p.accept("(")
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.simple()
	}
	n, err := p.nested(p.or)
	if err != nil {
		return nil, err
	}
	return n, p.expect(")")
}

// operand is a column or a value.
type operand struct {
	column *Column
	value  *Literal
}

func (o operand) pos() int {
	if o.column != nil {
		return o.column.Pos
	}
	return o.value.Pos
}

// simple reads a test that begins with an operand.
func (p *parser) simple() (Node, error) {
	left, err := p.operand("a column or a value")
	if err != nil {
		return nil, err
	}
	if left.column != nil && p.tok.is(".") {
		return p.method(left.column)
	}
	if op, ok := p.comparison(); ok {
		return p.chain(left, op)
	}
	if !p.tok.is("is") && !p.tok.is("not") && !p.tok.is("in") && !p.tok.is("between") && !p.tok.is("matches") {
		if left.column == nil {
			return nil, p.fail(left.pos(), "compare a column with it", "a value alone is not a test")
		}
		return &Truth{left.column}, nil
	}
	if left.column == nil {
		return nil, p.fail(left.pos(), "put names with other signs than letters, digits and _ between backquotes",
			"a column must stand before %s", p.tok)
	}
	return p.word(left.column)
}

// word reads what follows a column: is, in, between or matches.
func (p *parser) word(c *Column) (Node, error) {
	if ok, err := p.accept("is"); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return p.isNull(c)
	}
	negated, err := p.accept("not")
	if err != nil {
		return nil, err
	}
	var n Node
	switch word := p.tok; {
	case word.is("in"), word.is("between"), word.is("matches"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		if n, err = p.afterWord(c, word); err != nil {
			return nil, err
		}
	default:
		return nil, p.unexpected("`in`, `between` or `matches`")
	}
	if negated {
		n = &Not{n}
	}
	return n, nil
}

func (p *parser) afterWord(c *Column, word token) (Node, error) {
	switch {
	case word.is("in"):
		return p.in(c)
	case word.is("between"):
		return p.between(c, "and")
	}
	return p.pattern(c, "", "")
}

func (p *parser) isNull(c *Column) (Node, error) {
	negated, err := p.accept("not")
	if err != nil {
		return nil, err
	}
	if !p.tok.is("null") {
		return nil, p.fail(p.tok.pos, "compare values with ==", "expected `null`, found %s", p.tok)
	}
	if negated {
		return &Not{&Null{c}}, p.advance()
	}
	return &Null{c}, p.advance()
}

// in reads the values of a list, null among them or not.
func (p *parser) in(c *Column) (Node, error) {
	end := "]"
	switch {
	case p.tok.is("["):
	case p.tok.is("("):
		end = ")"
	default:
		return nil, p.fail(p.tok.pos, `write a list: ["B", "T"]`, "expected `[`, found %s", p.tok)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n := &In{Column: c}
	for {
		if ok, err := p.accept(end); ok || err != nil {
			return n, err
		}
		if ok, err := p.accept("null"); err != nil {
			return nil, err
		} else if ok {
			n.Null = true
		} else {
			v, err := p.literal("a value or `" + end + "`")
			if err != nil {
				return nil, err
			}
			n.Values = append(n.Values, v)
		}
		if p.tok.is(end) {
			continue
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

// between reads two values with a word or sign between them.
func (p *parser) between(c *Column, sign string) (Node, error) {
	low, err := p.literal("a value")
	if err != nil {
		return nil, err
	}
	if err := p.expect(sign); err != nil {
		return nil, err
	}
	high, err := p.literal("a value")
	if err != nil {
		return nil, err
	}
	return &And{[]Node{&Compare{c, GreaterEqual, low}, &Compare{c, LessEqual, high}}}, nil
}

// pattern reads a regular expression, and puts it between two anchors or nothing.
func (p *parser) pattern(c *Column, before, after string) (Node, error) {
	return p.match(c, func(s string) (*regexp.Regexp, error) {
		re, err := regexp.Compile(s) // by itself: a parenthesis too many must not fit the ones below
		if err != nil || before+after == "" {
			return re, err
		}
		return regexp.Compile(before + "(?:" + s + ")" + after)
	})
}

// match reads a text of which compile makes a regular expression.
func (p *parser) match(c *Column, compile func(string) (*regexp.Regexp, error)) (Node, error) {
	t := p.tok
	if t.kind != textToken {
		return nil, p.fail(t.pos, "put it in quotes", "expected a text, found %s", t)
	}
	if len(t.text) > maxPattern {
		return nil, p.fail(t.pos, "use `in` with a list", "a pattern of %d bytes; %d are allowed", len(t.text), maxPattern)
	}
	re, err := compile(t.text)
	if err != nil {
		return nil, p.fail(t.pos, "patterns are those of RE2: https://github.com/google/re2/wiki/Syntax", "%v", err)
	}
	return &Match{c, re}, p.advance()
}

func (p *parser) comparison() (Op, bool) {
	for op, text := range opTexts {
		if p.tok.is(text) {
			return Op(op), true
		}
	}
	return 0, false
}

// chain reads 10 < x <= 20, of which op is the comparison in hand.
func (p *parser) chain(left operand, op Op) (Node, error) {
	var tests []Node
	for {
		sign := p.tok
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.is("null") {
			return nil, p.fail(p.tok.pos, "write `is null` or `is not null`", "nothing compares with a missing value")
		}
		if p.tok.is("[") {
			return nil, p.fail(p.tok.pos, "write `in` or `not in` before a list", "a list cannot be compared")
		}
		right, err := p.operand("a column or a value")
		if err != nil {
			return nil, err
		}
		n, err := p.compare(left, op, sign, right)
		if err != nil {
			return nil, err
		}
		tests = append(tests, n)
		var more bool
		if op, more = p.comparison(); !more {
			break
		}
		left = right
	}
	if len(tests) == 1 {
		return tests[0], nil
	}
	return &And{tests}, nil
}

func (p *parser) compare(left operand, op Op, sign token, right operand) (Node, error) {
	switch {
	case left.column != nil && right.column != nil:
		return &CompareColumns{left.column, op, right.column}, nil
	case left.column != nil:
		return &Compare{left.column, op, right.value}, nil
	case right.column != nil:
		return &Compare{right.column, op.mirrored(), left.value}, nil
	}
	return nil, p.fail(sign.pos, "put names with other signs than letters, digits and _ between backquotes",
		"no column on either side of `%s`", sign.text)
}

func (p *parser) operand(wanted string) (operand, error) {
	if p.tok.kind == quotedNameToken || p.tok.kind == nameToken && p.tok.word == "" {
		c := &Column{p.tok.text, p.tok.pos}
		return operand{column: c}, p.advance()
	}
	v, err := p.literal(wanted)
	return operand{value: v}, err
}
