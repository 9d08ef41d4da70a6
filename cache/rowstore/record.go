package rowstore

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// Row is one encoded row: a view of a mapping or of other memory, valid as long as that memory is. It is exactly as long
// as Length says.
type Row []byte

// What stands where in a header; see doc.go.
const (
	atCRC        = 0
	atLength     = 4
	atRow        = 8
	atCount      = 16
	atEscapes    = 20
	atExceptions = 24
	atEntries    = 26
	atDType      = 27
	atLayout     = 28
	atForm       = 29
	atMagic      = 30
	headerSize   = 32

	unit  = 16
	magic = 'r' | 'w'<<8
)

const (
	layoutDense = 1 // values of all columns, no gaps
	wasDense    = 2 // AppendDense wrote it
	minusZeros  = 4 // layout 0 of a dense row: some elements are −0.0
)

// form is how the values of a row are written.
type form uint8

const (
	rawForm form = iota
	byteForm
	wordForm
	dictionaryForm
	numForms
)

// size is how many bytes of the values section an element of d takes.
func (f form) size(d DType) int {
	switch f {
	case byteForm, dictionaryForm:
		return 1
	case wordForm:
		return 2
	}
	return d.Size()
}

const (
	// A gap is written as a signed byte, less gapBias: vector units multiply signed bytes by unsigned ones.
	gapBias    = 128
	escape     = 127              // as a gap: the next escape has it
	escapedGap = escape + gapBias // the smallest
	longEscape = 65535            // as an escape: the next four bytes have it

	tableSize     = 256
	maxEntries    = tableSize - 1 // of a dictionary: code 0 is the element without bits
	maxExceptions = math.MaxUint16
	maxColumns    = math.MaxInt32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Length is the length in bytes of the record that begins b, padding included; false when no record does, or when b ends
// before it. It looks at the header alone: Check says whether the record is sound.
func Length(b []byte) (int, bool) {
	if len(b) < headerSize || binary.LittleEndian.Uint16(b[atMagic:]) != magic {
		return 0, false
	}
	n := uint64(binary.LittleEndian.Uint32(b[atLength:])) * unit
	return int(n), n >= headerSize && n <= uint64(len(b))
}

// Number is the row's number, as it was given to AppendSparse or AppendDense.
func (r Row) Number() int64 { return int64(binary.LittleEndian.Uint64(r[atRow:])) }

// NNZ is how many values are stored: explicit zeros count; of a dense row that is stored whole, all columns.
func (r Row) NNZ() int { return int(binary.LittleEndian.Uint32(r[atCount:])) }

// DType is the type of the row's elements.
func (r Row) DType() DType { return DType(r[atDType]) }

// sections are the parts of a record; see doc.go.
type sections struct {
	n          int
	dtype      DType
	layout     uint8
	form       form
	gaps       []byte
	values     []byte
	dictionary []byte
	positions  []byte // of the exceptions
	columns    []byte
	elements   []byte
	escapes    []byte
}

// parse cuts r into sections. ok is false when they are not exactly as long as r.
func (r Row) parse() (s sections, ok bool) {
	size := DType(r[atDType]).Size()
	s.n = int(binary.LittleEndian.Uint32(r[atCount:]))
	s.dtype, s.layout, s.form = DType(r[atDType]), r[atLayout], form(r[atForm])
	exceptions := int(binary.LittleEndian.Uint16(r[atExceptions:]))
	escapes := int(binary.LittleEndian.Uint32(r[atEscapes:]))
	if uint(s.n) > uint(len(r)) || uint(escapes) > uint(len(r)) {
		return s, false
	}
	gaps, entries := s.n, 0
	if s.layout&layoutDense != 0 {
		gaps = 0
	}
	if s.form == dictionaryForm {
		entries = int(r[atEntries])
	}
	rest, ok := r[headerSize:], true
	s.gaps, rest, ok = section(rest, gaps, ok)
	s.values, rest, ok = section(rest, s.n*s.form.size(s.dtype), ok)
	s.dictionary, rest, ok = section(rest, entries*size, ok)
	s.elements, rest, ok = section(rest, exceptions*(8+size), ok)
	s.escapes, rest, ok = section(rest, 2*escapes, ok)
	if !ok {
		return s, false
	}
	s.positions = s.elements[:4*exceptions]
	s.columns = s.elements[4*exceptions : 8*exceptions]
	s.elements = s.elements[8*exceptions:]
	return s, len(rest) == 0
}

// section cuts the first n bytes off b, and their padding, up to which vector units may read.
func section(b []byte, n int, ok bool) (cut, rest []byte, still bool) {
	if !ok || padded(n) > len(b) {
		return nil, nil, false
	}
	return b[:n:padded(n)], b[padded(n):], true
}

func padded(n int) int { return (n + unit - 1) &^ (unit - 1) }

func (s *sections) exceptions() int { return len(s.positions) / 4 }

// exception gives the position among the values and the column of exception i.
func (s *sections) exception(i int) (position, column int) {
	return int(binary.LittleEndian.Uint32(s.positions[4*i:])), int(binary.LittleEndian.Uint32(s.columns[4*i:]))
}

// mustParse is for rows that have passed Check: others panic here or later.
func (r Row) mustParse() sections {
	s, ok := r.parse()
	if !ok {
		panic(r.unreadable("rowstore: a row that has not passed Check"))
	}
	return s
}
