package expr

import (
	"regexp"
	"slices"
	"strings"
)

// methods are the ways in which pandas users write tests, behind a column and a point.
var methods = map[string]func(p *parser, c *Column) (Node, error){
	"isna":    func(p *parser, c *Column) (Node, error) { return &Null{c}, nil },
	"isnull":  func(p *parser, c *Column) (Node, error) { return &Null{c}, nil },
	"notna":   func(p *parser, c *Column) (Node, error) { return &Not{&Null{c}}, nil },
	"notnull": func(p *parser, c *Column) (Node, error) { return &Not{&Null{c}}, nil },
	"isin":    (*parser).in,
	"between": func(p *parser, c *Column) (Node, error) { return p.between(c, ",") },

	"str.contains":   func(p *parser, c *Column) (Node, error) { return p.pattern(c, "", "") },
	"str.match":      func(p *parser, c *Column) (Node, error) { return p.pattern(c, `\A`, "") },
	"str.fullmatch":  func(p *parser, c *Column) (Node, error) { return p.pattern(c, `\A`, `\z`) },
	"str.startswith": func(p *parser, c *Column) (Node, error) { return p.affix(c, `\A`, "") },
	"str.endswith":   func(p *parser, c *Column) (Node, error) { return p.affix(c, "", `\z`) },
}

// affix reads a text that labels begin or end with.
func (p *parser) affix(c *Column, before, after string) (Node, error) {
	return p.match(c, func(s string) (*regexp.Regexp, error) {
		return regexp.Compile(before + regexp.QuoteMeta(s) + after)
	})
}

// method reads .isna() and its like; the point is in hand.
func (p *parser) method(c *Column) (Node, error) {
	point := p.tok
	var name []string
	for p.tok.is(".") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.kind != nameToken {
			return nil, p.unexpected("the name of a method")
		}
		name = append(name, p.tok.text)
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	full := strings.Join(name, ".")
	read := methods[full]
	if read == nil || !p.tok.is("(") {
		hint := "if it is the name of a column, write `" + c.Name + "." + full + "` between backquotes"
		if p.tok.is("(") {
			hint = "there are " + strings.Join(methodNames(), ", ")
		}
		return nil, p.fail(point.pos, hint, "`.%s` has no meaning here", full)
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	n, err := read(p, c)
	if err != nil {
		return nil, err
	}
	return n, p.expect(")")
}

func methodNames() []string {
	var names []string
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
