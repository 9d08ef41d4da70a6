package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong with an expression, and where.
type Error struct {
	Text   string // the expression
	Pos    int    // byte of Text that it is about; len(Text) is the end
	Detail string
	Hint   string // may be empty
}

// Error gives the detail, and below it the place in the text.
func (e *Error) Error() string {
	at := fmt.Sprintf("character %d", utf8.RuneCountInString(e.Text[:e.Pos])+1)
	if e.Pos == len(e.Text) {
		at = "the end"
	}
	return fmt.Sprintf("at %s: %s\n%s", at, e.Detail, Point(e.Text, e.Pos))
}

// window is how many characters of a long expression are shown on each side of an error.
const window = 60

// Point shows a byte of a text: its line, cut where it is long, and a caret below it.
func Point(text string, pos int) string {
	before, after := text[:pos], text[pos:]
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		before = before[i+1:]
	}
	after, _, _ = strings.Cut(after, "\n")
	left, right := []rune(before), []rune(after)
	if len(left) > window {
		left = append([]rune("…"), left[len(left)-window+1:]...)
	}
	if len(right) > window {
		right = append(right[:window-1:window-1], '…')
	}
	blank := func(r rune) rune {
		if r == '\t' {
			return '\t'
		}
		return ' '
	}
	return "  " + string(left) + string(right) + "\n  " + strings.Map(blank, string(left)) + "^"
}
