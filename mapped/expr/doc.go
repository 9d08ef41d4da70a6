// Package expr parses the expressions that choose rows by their labels, such as
//
//	n_counts > 500 and cell_type in ["B", "T"]
//
// It knows no data: Parse gives a tree of tests of columns, which package mapped
// evaluates.
//
//	Node     And, Or, Not, Compare, CompareColumns, In, Null, Match, Truth   Parse
//	Operand  *Column or *Literal
//
// # Grammar
//
//	expression = and { ("or" | "|") and }
//	and        = not { ("and" | "&") not }
//	not        = ("not" | "~") not | test
//	test       = "(" expression ")" | operand [ rest ]
//	rest       = comparison operand { comparison operand }      10 < x <= 20
//	           | ["not"] "in" list                              x in ["B", null]
//	           | ["not"] "between" literal "and" literal        both ends count
//	           | ["not"] "matches" text                         regular expression, anywhere in the label
//	           | "is" ["not"] "null"
//	comparison = "==" | "!=" | "<" | "<=" | ">" | ">="
//	list       = ("[" | "(") [ literal { "," literal } ] ("]" | ")")
//	operand    = column | literal | column "." method
//	literal    = number | text | "True" | "False"
//
// A column is a name of letters, digits and underscores, or anything between
// backquotes. Text stands in single or double quotes; \\ \' \" \n \t \r \xNN \uNNNN
// are escapes, and a backslash before anything else stays, so that a regular
// expression needs no doubling. Words of the grammar may be all lower or all upper case.
// null may also be written None, nan, NaN or NA. Methods are those that pandas users
// write: isna(), isnull(), notna(), notnull(), isin(list), between(a, b) and, behind
// .str, contains, match, fullmatch, startswith and endswith.
// Regular expressions are those of Go's regexp (RE2): no backreferences, linear time.
//
// # Invariants
//
//   - Parse never panics, takes time and memory linear in the text, and nests at most
//     MaxDepth deep.
//   - Every error is an *Error with a position in the text.
package expr
