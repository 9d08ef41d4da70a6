package h5

import "strings"

// trim cuts the padding off a string's bytes.
func trim(s string, p Padding) string {
	switch p {
	case PadSpace:
		return strings.TrimRight(s, " ")
	case PadNull:
		return strings.TrimRight(s, "\x00")
	}
	if i := strings.IndexByte(s, 0); i >= 0 {
		return s[:i]
	}
	return s
}
