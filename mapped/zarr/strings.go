package zarr

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// parseVaried reads what the codecs vlen-utf8 and vlen-bytes write for n elements: how many, and before each its
// length, in four bytes, little-endian. All strings are parts of one.
func parseVaried(data []byte, n int64, isText bool) ([]string, error) {
	if len(data) < 4 {
		return nil, &Error{Kind: ErrTruncated, Form: "strings without their number"}
	}
	if have := int64(binary.LittleEndian.Uint32(data)); have != n {
		return nil, corrupt("%d strings where %d belong", have, n)
	}
	if int64(len(data))-4 < 4*n {
		return nil, &Error{Kind: ErrTruncated, Form: "strings without their lengths"}
	}
	all := string(data)
	out := make([]string, n)
	at := 4
	for i := range out {
		if len(all)-at < 4 {
			return nil, &Error{Kind: ErrTruncated, Form: "strings"}
		}
		size := int64(binary.LittleEndian.Uint32(data[at:]))
		at += 4
		if size > int64(len(all)-at) {
			return nil, &Error{Kind: ErrTruncated, Form: "strings"}
		}
		out[i] = all[at : at+int(size)]
		at += int(size)
		if isText && !utf8.ValidString(out[i]) {
			return nil, corrupt("string %d is not UTF-8", i)
		}
	}
	if at != len(all) {
		return nil, corrupt("%d bytes behind the last string", len(all)-at)
	}
	return out, nil
}

// permuteTexts brings the strings of a chunk into C order: stored axis i is axis order[i].
func permuteTexts(stored []string, shape []int64, order []int) []string {
	out := make([]string, len(stored))
	storedShape := make([]int64, len(shape))
	for i, axis := range order {
		storedShape[i] = shape[axis]
	}
	var c [maxRank]int64
	var x [maxRank]int64
	for i, s := range stored {
		for k, v := range coords(&c, storedShape, int64(i)) {
			x[order[k]] = v
		}
		at := int64(0)
		for k := range shape {
			at = at*shape[k] + x[k]
		}
		out[at] = s
	}
	return out
}

// fixedStrings reads native elements of ClassString or ClassUnicode.
func fixedStrings(raw []byte, t *Type) ([]string, error) {
	n := len(raw) / t.Size
	out := make([]string, n)
	if t.Class == ClassString {
		all := string(raw)
		for i := range out {
			out[i] = strings.TrimRight(all[i*t.Size:(i+1)*t.Size], "\x00")
		}
		return out, nil
	}
	// One memory for all, as for strings of variable length.
	var all bytes.Buffer
	ends := make([]int, n)
	for i := range out {
		e := raw[i*t.Size : (i+1)*t.Size]
		for len(e) > 0 && binary.LittleEndian.Uint32(e[len(e)-4:]) == 0 {
			e = e[:len(e)-4]
		}
		for ; len(e) > 0; e = e[4:] {
			r := binary.LittleEndian.Uint32(e)
			if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
				return nil, corrupt("string %d: %#x is no character", i, r)
			}
			all.WriteRune(rune(r))
		}
		ends[i] = all.Len()
	}
	text, from := all.String(), 0
	for i, end := range ends {
		out[i] = text[from:end]
		from = end
	}
	return out, nil
}
