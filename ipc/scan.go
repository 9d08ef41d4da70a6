package ipc

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// Bytes of msgpack's table that decide between kinds.
const (
	codeNil   = 0xc0
	codeFalse = 0xc2
	codeTrue  = 0xc3
)

func isString(code byte) bool {
	return msgpcode.IsFixedString(code) || code == msgpcode.Str8 || code == msgpcode.Str16 || code == msgpcode.Str32
}

// scanner walks a message without allocating, before anything is decoded: the decoder below makes slices and maps
// of the length a message declares, and recurses as deep as it nests.
type scanner struct {
	b      []byte
	values int // left
	stack  [maxDepth]level
	depth  int
	op     []byte
	seenOp bool
}

// level is a map or array that is being walked.
type level struct {
	left  int // values to come; a map's keys count
	isMap bool
}

// scan checks that body is one map with string keys, well-formed to its last byte, of at most so many values, and returns
// the value of its key "op", nil when it has none.
func scan(body []byte, values int) (op []byte, err error) {
	s := scanner{b: body, values: values}
	for first := true; first || s.depth > 0; first = false {
		if err := s.value(first); err != nil {
			return nil, err
		}
		for s.depth > 0 && s.stack[s.depth-1].left == 0 {
			s.depth--
		}
	}
	if len(s.b) > 0 {
		return nil, protocolErrorf("%d bytes after the message's map", len(s.b))
	}
	return s.op, nil
}

// value reads one value's head and, where it has no parts of its own, the whole of it.
func (s *scanner) value(first bool) error {
	if len(s.b) == 0 {
		return errCut
	}
	if s.values--; s.values < 0 {
		return protocolErrorf("the message has more values than any message needs")
	}
	code := s.b[0]
	if first && !isMap(code) {
		return protocolErrorf("the message is not a map (first byte %#02x)", code)
	}
	key := false
	if s.depth > 0 {
		l := &s.stack[s.depth-1]
		key = l.isMap && l.left%2 == 0
		l.left--
		if key && !isString(code) {
			return protocolErrorf("a map key is no string (byte %#02x)", code)
		}
	}
	wasOp := s.seenOp && s.op == nil && s.depth == 1
	if wasOp && !isString(code) {
		return protocolErrorf("op is no string (byte %#02x)", code)
	}
	text, err := s.skip(code)
	if err != nil {
		return err
	}
	switch {
	case wasOp:
		s.op = text
	case key && s.depth == 1 && string(text) == "op":
		if s.seenOp {
			return protocolErrorf("the key op comes twice")
		}
		s.seenOp = true
	}
	return nil
}

func isMap(code byte) bool {
	return msgpcode.IsFixedMap(code) || code == msgpcode.Map16 || code == msgpcode.Map32
}

var errCut = protocolErrorf("the message ends inside a value")

// skip moves behind a scalar, or into a map or array. It returns the bytes of a string, never nil for one.
func (s *scanner) skip(code byte) (text []byte, err error) {
	switch {
	case msgpcode.IsFixedNum(code), code == codeNil, code == codeFalse, code == codeTrue:
		_, err = s.take(1)
		return nil, err
	case msgpcode.IsFixedMap(code):
		return nil, s.enter(1, int(code&msgpcode.FixedMapMask), true)
	case msgpcode.IsFixedArray(code):
		return nil, s.enter(1, int(code&msgpcode.FixedArrayMask), false)
	case msgpcode.IsFixedString(code):
		return s.text(1, int(code&msgpcode.FixedStrMask))
	}
	switch code {
	case msgpcode.Uint8, msgpcode.Int8:
		_, err = s.take(2)
	case msgpcode.Uint16, msgpcode.Int16:
		_, err = s.take(3)
	case msgpcode.Uint32, msgpcode.Int32, msgpcode.Float:
		_, err = s.take(5)
	case msgpcode.Uint64, msgpcode.Int64, msgpcode.Double:
		_, err = s.take(9)
	default:
		return s.sized(code)
	}
	return nil, err
}

// sized handles the codes that a length of 1, 2 or 4 bytes follows.
func (s *scanner) sized(code byte) (text []byte, err error) {
	width := 0
	switch code {
	case msgpcode.Str8, msgpcode.Bin8:
		width = 1
	case msgpcode.Str16, msgpcode.Bin16, msgpcode.Array16, msgpcode.Map16:
		width = 2
	case msgpcode.Str32, msgpcode.Bin32, msgpcode.Array32, msgpcode.Map32:
		width = 4
	default:
		return nil, protocolErrorf("the message holds a value of a kind not in use (byte %#02x)", code)
	}
	if len(s.b) < 1+width {
		return nil, errCut
	}
	var n int
	switch width {
	case 1:
		n = int(s.b[1])
	case 2:
		n = int(binary.BigEndian.Uint16(s.b[1:]))
	default:
		n = int(binary.BigEndian.Uint32(s.b[1:]))
	}
	switch code {
	case msgpcode.Array16, msgpcode.Array32:
		return nil, s.enter(1+width, n, false)
	case msgpcode.Map16, msgpcode.Map32:
		return nil, s.enter(1+width, n, true)
	case msgpcode.Bin8, msgpcode.Bin16, msgpcode.Bin32:
		if _, err := s.take(1 + width); err != nil {
			return nil, err
		}
		_, err = s.take(n)
		return nil, err
	}
	return s.text(1+width, n)
}

func (s *scanner) take(n int) ([]byte, error) {
	if n > len(s.b) {
		return nil, errCut
	}
	head := s.b[:n:n]
	s.b = s.b[n:]
	return head, nil
}

func (s *scanner) text(head, n int) ([]byte, error) {
	if _, err := s.take(head); err != nil {
		return nil, err
	}
	t, err := s.take(n)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(t) {
		return nil, protocolErrorf("a string is not UTF-8")
	}
	return t, nil
}

// enter starts a map of n pairs or an array of n values. Each value takes a byte at least.
func (s *scanner) enter(head, n int, isMap bool) error {
	if _, err := s.take(head); err != nil {
		return err
	}
	if isMap {
		n *= 2
	}
	if n > len(s.b) {
		return errCut
	}
	if s.depth == maxDepth {
		return protocolErrorf("the message nests deeper than %d", maxDepth)
	}
	s.stack[s.depth] = level{left: n, isMap: isMap}
	s.depth++
	return nil
}
