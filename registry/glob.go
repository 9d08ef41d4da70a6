package registry

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// Limits of a pattern of GLOB that stands in for a regular expression.
const (
	globStars   = 12 // each may be tried at every letter
	globRepeats = 8
	globRanges  = 8 // of letters, in one class
)

// globOf is a pattern of SQLite's GLOB that fits every text in which the expression is found, and maybe others: texts that it does not
// fit need no call of the expression, which takes ten times as long. "*" fits all.
func globOf(re *regexp.Regexp) string {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return "*"
	}
	var g globber
	parsed = parsed.Simplify()
	first, last := anchored(parsed)
	if !first {
		g.star()
	}
	g.add(parsed)
	if !last {
		g.star()
	}
	if s := g.out.String(); len(s) <= maxLike {
		return s
	}
	return "*"
}

// anchored reports whether the expression is found at the beginning, or at the end, of a text only.
func anchored(re *syntax.Regexp) (first, last bool) {
	switch re.Op {
	case syntax.OpBeginText:
		return true, false
	case syntax.OpEndText:
		return false, true
	case syntax.OpConcat:
		return re.Sub[0].Op == syntax.OpBeginText, re.Sub[len(re.Sub)-1].Op == syntax.OpEndText
	}
	return false, false
}

// globber writes a pattern.
type globber struct {
	out   strings.Builder
	stars int
	ended bool // the last sign is a star
}

// star writes what fits anything. When there are enough, the last one fits all that is to come.
func (g *globber) star() {
	if g.ended || g.stars > globStars {
		return
	}
	g.stars++
	g.ended = true
	g.out.WriteByte('*')
}

func (g *globber) sign(s string) {
	if g.stars > globStars {
		return
	}
	g.ended = false
	g.out.WriteString(s)
}

func (g *globber) add(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			g.letter(r, re.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpCharClass:
		g.class(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		g.sign("?")
	case syntax.OpCapture:
		g.add(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			g.add(sub)
		}
	case syntax.OpPlus:
		g.add(re.Sub[0])
		g.star()
	case syntax.OpRepeat:
		for range min(re.Min, globRepeats) {
			g.add(re.Sub[0])
		}
		if re.Max != re.Min || re.Min > globRepeats {
			g.star()
		}
	default: // alternatives, and what may be missing
		g.star()
	}
}

// letter writes a literal, in whatever case.
func (g *globber) letter(r rune, anyCase bool) {
	class := []rune{r, r}
	if anyCase {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			class = append(class, f, f)
		}
	}
	g.class(class)
}

// class writes a class of letters, given as pairs of the lowest and the highest. One that GLOB can not say, or that is long, becomes
// any letter.
func (g *globber) class(pairs []rune) {
	switch {
	case len(pairs) == 0: // nothing fits; that is rare enough
		g.star()
	case slices.ContainsFunc(pairs, func(r rune) bool { return r == unicode.ReplacementChar || r >= 0xd800 && r < 0xe000 }):
		g.star() // what fits bytes that are no letter
	case len(pairs) == 2 && pairs[0] == pairs[1]:
		if strings.ContainsRune("*?[", pairs[0]) {
			g.sign("[" + string(pairs[0]) + "]")
		} else {
			g.sign(string(pairs[0]))
		}
	case len(pairs) > 2*globRanges || slices.ContainsFunc(pairs, func(r rune) bool { return strings.ContainsRune("[]^-", r) || r > 0xffff || r == 0 }):
		g.sign("?")
	default:
		var w strings.Builder
		for i := 0; i < len(pairs); i += 2 {
			w.WriteRune(pairs[i])
			if pairs[i] != pairs[i+1] {
				w.WriteByte('-')
				w.WriteRune(pairs[i+1])
			}
		}
		g.sign("[" + w.String() + "]")
	}
}
