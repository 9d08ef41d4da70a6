package tables

import (
	"encoding/binary"
	"errors"
)

// flat reads FlatBuffers (https://flatbuffers.dev/internals/) from memory. Every offset is checked; after an error all it reads is
// zero, and no position is above zero.
type flat struct {
	b   []byte
	err error
}

func (r *flat) fail(why string) {
	if r.err == nil {
		r.err = errors.New(why)
	}
}

// at is n bytes at a position, or zeros.
func (r *flat) at(pos, n int64) []byte {
	if r.err == nil && (pos < 0 || pos > int64(len(r.b))-n) {
		r.fail("an offset that leads out of it")
	}
	if r.err != nil {
		return make([]byte, n)
	}
	return r.b[pos : pos+n]
}

func (r *flat) u8(pos int64) byte   { return r.at(pos, 1)[0] }
func (r *flat) u16(pos int64) int64 { return int64(binary.LittleEndian.Uint16(r.at(pos, 2))) }
func (r *flat) u32(pos int64) int64 { return int64(binary.LittleEndian.Uint32(r.at(pos, 4))) }
func (r *flat) i32(pos int64) int64 { return int64(int32(binary.LittleEndian.Uint32(r.at(pos, 4)))) }

// table follows the offset at a position.
func (r *flat) table(pos int64) int64 { return pos + r.u32(pos) }

// field is the position of field i of a table; 0 where the table has it not.
func (r *flat) field(table, i int64) int64 {
	vtable := table - r.i32(table)
	if 4+2*i+2 > r.u16(vtable) {
		return 0
	}
	off := r.u16(vtable + 4 + 2*i)
	if off == 0 || r.err != nil {
		return 0
	}
	return table + off
}

// vector follows the offset at a position to the elements of a vector, each of which takes four bytes at least.
func (r *flat) vector(pos int64) (first, n int64) {
	if pos == 0 {
		return 0, 0
	}
	at := r.table(pos)
	if n = r.u32(at); n > int64(len(r.b))/4 {
		r.fail("a vector that is longer than it")
		return 0, 0
	}
	return at + 4, n
}

func (r *flat) text(pos int64) string {
	if pos == 0 {
		return ""
	}
	at := r.table(pos)
	n := r.u32(at)
	if n > int64(len(r.b)) {
		r.fail("a text that is longer than it")
		return ""
	}
	return string(r.at(at+4, n))
}
