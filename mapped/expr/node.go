package expr

import "regexp"

// Node is a test that holds or does not hold for a row.
type Node interface{ node() }

// And holds where all of its tests hold.
type And struct{ Tests []Node }

// Or holds where one of its tests holds.
type Or struct{ Tests []Node }

// Not holds where its test does not.
type Not struct{ Test Node }

// Op is a comparison.
type Op uint8

// The comparisons.
const (
	Equal Op = iota
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
)

var opTexts = [...]string{"==", "!=", "<", "<=", ">", ">="}

// String is the comparison as it is written.
func (o Op) String() string { return opTexts[min(o, GreaterEqual)] }

// mirrored is the comparison with its sides exchanged.
func (o Op) mirrored() Op {
	return [...]Op{Equal, NotEqual, Greater, GreaterEqual, Less, LessEqual}[min(o, GreaterEqual)]
}

// Holds says whether the comparison holds, given how the left side compares with
// the right: negative, 0 or positive.
func (o Op) Holds(order int) bool {
	switch o {
	case Equal:
		return order == 0
	case NotEqual:
		return order != 0
	case Less:
		return order < 0
	case LessEqual:
		return order <= 0
	case Greater:
		return order > 0
	}
	return order >= 0
}

// Column is a name of a column, at a byte of the text.
type Column struct {
	Name string
	Pos  int
}

// Literal is a value: bool, int64, uint64, float64 or string.
type Literal struct {
	Value any
	Pos   int
}

// Compare tests a column against a value.
type Compare struct {
	Column *Column
	Op     Op
	Value  *Literal
}

// CompareColumns tests two columns of the same row against each other.
type CompareColumns struct {
	Left  *Column
	Op    Op
	Right *Column
}

// In tests whether a column has one of the values or, with Null, none at all.
type In struct {
	Column *Column
	Values []*Literal
	Null   bool
}

// Null tests whether a column has no value.
type Null struct{ Column *Column }

// Match tests whether a text column matches a pattern.
type Match struct {
	Column  *Column
	Pattern *regexp.Regexp
}

// Truth tests whether a bool column is true.
type Truth struct{ Column *Column }

func (*And) node()            {}
func (*Or) node()             {}
func (*Not) node()            {}
func (*Compare) node()        {}
func (*CompareColumns) node() {}
func (*In) node()             {}
func (*Null) node()           {}
func (*Match) node()          {}
func (*Truth) node()          {}

// Columns lists the columns of a tree in the order of the text, each name once.
func Columns(n Node) []*Column {
	var out []*Column
	seen := make(map[string]bool)
	add := func(c *Column) {
		if !seen[c.Name] {
			seen[c.Name] = true
			out = append(out, c)
		}
	}
	var walk func(Node)
	walk = func(n Node) {
		switch n := n.(type) {
		case *And:
			for _, t := range n.Tests {
				walk(t)
			}
		case *Or:
			for _, t := range n.Tests {
				walk(t)
			}
		case *Not:
			walk(n.Test)
		case *Compare:
			add(n.Column)
		case *CompareColumns:
			add(n.Left)
			add(n.Right)
		case *In:
			add(n.Column)
		case *Null:
			add(n.Column)
		case *Match:
			add(n.Column)
		case *Truth:
			add(n.Column)
		}
	}
	walk(n)
	return out
}
