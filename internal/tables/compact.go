package tables

import (
	"encoding/binary"
	"errors"
)

// The types of Thrift's compact protocol
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
const (
	compactStop, compactTrue, compactFalse, compactByte      = 0, 1, 2, 3
	compactI16, compactI32, compactI64, compactDouble        = 4, 5, 6, 7
	compactBinary, compactList, compactSet, compactMap  byte = 8, 9, 10, 11
	compactStruct                                       byte = 12
)

// maxNesting is how deep what is skipped may nest.
const maxNesting = 64

// compact reads Thrift's compact protocol from memory. After an error all it reads is zero.
type compact struct {
	b   []byte
	err error
}

func (r *compact) fail(why string) {
	if r.err == nil {
		r.err = errors.New(why)
	}
	r.b = nil
}

func (r *compact) byte() byte {
	if len(r.b) == 0 {
		r.fail("it ends in the middle")
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
}

func (r *compact) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("it ends in the middle of a number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *compact) zigzag() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// bytes shares memory with what is read.
func (r *compact) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail("it ends in the middle of a text")
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// fields calls each with every field of a struct; it must read or skip the value.
func (r *compact) fields(each func(id int16, kind byte)) {
	id := int16(0)
	for r.err == nil {
		head := r.byte()
		if head == compactStop {
			return
		}
		if delta := head >> 4; delta != 0 {
			id += int16(delta)
		} else {
			id = int16(r.zigzag())
		}
		each(id, head&0xf)
	}
}

// list calls each for every element of a list; it must read or skip it.
func (r *compact) list(each func(kind byte)) {
	head := r.byte()
	n, kind := uint64(head>>4), head&0xf
	if n == 15 {
		n = r.uvarint()
	}
	if n > uint64(len(r.b)) { // an element has at least a byte
		r.fail("a list that is longer than what is left")
	}
	for i := uint64(0); i < n && r.err == nil; i++ {
		each(kind)
	}
}

// skip reads over the value of a field. Of a bool the type is the value.
func (r *compact) skip(kind byte, depth int) {
	if depth > maxNesting {
		r.fail("it nests too deep")
		return
	}
	switch kind {
	case compactTrue, compactFalse:
	case compactByte:
		r.byte()
	case compactI16, compactI32, compactI64:
		r.uvarint()
	case compactDouble:
		for range 8 {
			r.byte()
		}
	case compactBinary:
		r.bytes()
	case compactList, compactSet:
		r.list(func(kind byte) { r.skipElement(kind, depth+1) })
	case compactMap:
		r.skipMap(depth)
	case compactStruct:
		r.fields(func(_ int16, kind byte) { r.skip(kind, depth+1) })
	default:
		r.fail("a type that the protocol has not")
	}
}

// skipElement reads over a value outside of a field, where a bool has a byte.
func (r *compact) skipElement(kind byte, depth int) {
	if kind == compactTrue || kind == compactFalse {
		kind = compactByte
	}
	r.skip(kind, depth)
}

func (r *compact) skipMap(depth int) {
	n := r.uvarint()
	if n == 0 {
		return
	}
	if n > uint64(len(r.b)) {
		r.fail("a map that is longer than what is left")
		return
	}
	kinds := r.byte()
	for i := uint64(0); i < n && r.err == nil; i++ {
		r.skipElement(kinds>>4, depth+1)
		r.skipElement(kinds&0xf, depth+1)
	}
}
