package rowstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
)

// AppendSparse appends the record of a canonical row to dst and returns the whole: columns strictly ascending in
// [0, cols), and their values, elements of d as stored, little-endian. Explicit zeros are values like others. The record
// decodes to the same bits, which is proved before it is returned. Errors wrap ErrNotCanonical and leave dst as it was.
//
// The record's sections are aligned when its first byte is: append to memory that begins at a multiple of 16 to spare
// kernels a copy. Records are multiples of 16 bytes long.
func AppendSparse(dst []byte, row int64, d DType, cols int, idx []int32, vals []byte) ([]byte, error) {
	if err := canonical(row, d, cols, len(idx), len(vals)); err != nil {
		return dst, err
	}
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	b := records{dst: dst, start: len(dst)}
	if err := e.sparse(&b, row, d, cols, idx, vals, 0); err != nil {
		return dst, err
	}
	return b.dst, e.provenSparse(b.record(), idx, vals)
}

// AppendDense appends the record of a dense row: vals holds an element of d for each column. It takes the smallest of
// three: columns and values where zeros (no bit set) prevail, values narrowed, values as they are. Otherwise it is as
// AppendSparse.
func AppendDense(dst []byte, row int64, d DType, vals []byte) ([]byte, error) {
	if err := canonical(row, d, maxColumns, len(vals)/max(1, d.Size()), len(vals)); err != nil {
		return dst, err
	}
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	b := records{dst: dst, start: len(dst)}
	if err := e.dense(&b, row, d, vals); err != nil {
		return dst, err
	}
	return b.dst, e.provenDense(b.record(), vals)
}

func canonical(row int64, d DType, cols, n, size int) error {
	switch {
	case !d.valid():
		return fmt.Errorf("%w: row %d: type %d is none of bool … float64", ErrNotCanonical, row, d)
	case row < 0:
		return fmt.Errorf("%w: row %d: numbers begin at 0", ErrNotCanonical, row)
	case cols < 0 || cols > maxColumns || n > cols:
		return fmt.Errorf("%w: row %d: %d values in %d columns; at most %d columns, each once", ErrNotCanonical, row, n, cols, maxColumns)
	case size != n*d.Size():
		return fmt.Errorf("%w: row %d: %d bytes of values for %d elements of %v", ErrNotCanonical, row, size, n, d)
	}
	return nil
}

// An encoder is working memory; it is used again and again.
type encoder struct {
	chooser
	escapes []byte
	idx     []int32 // nonzeros of a dense row; columns decoded for the proof
	vals    []byte
	proof   []byte
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

// records is the memory that a record is appended to.
type records struct {
	dst   []byte
	start int
}

func (b *records) record() Row { return Row(b.dst[b.start:]) }

func (b *records) pad() {
	n := len(b.dst) - b.start
	var zeros [unit]byte
	b.dst = append(b.dst, zeros[:padded(n)-n]...)
}

func (b *records) section(part []byte) {
	b.dst = append(b.dst, part...)
	b.pad()
}

// sparse writes a row of columns and values; layout is what else is to stand in the header.
func (e *encoder) sparse(b *records, row int64, d DType, cols int, idx []int32, vals []byte, layout uint8) error {
	var header [headerSize]byte
	b.dst = append(b.dst, header[:]...)
	if err := e.gaps(b, row, cols, idx); err != nil {
		return err
	}
	e.choose(d, vals, len(idx))
	e.finish(b, row, d, len(idx), idx, vals, layout)
	return nil
}

// gaps appends the gaps between columns, and gathers the escapes.
func (e *encoder) gaps(b *records, row int64, cols int, idx []int32) error {
	e.escapes = e.escapes[:0]
	at := len(b.dst)
	b.dst = slices.Grow(b.dst, padded(len(idx)))[:at+len(idx)]
	if smallGaps(b.dst[at:], idx) && int(idx[len(idx)-1]) < cols {
		b.pad()
		return nil
	}
	last := int32(-1)
	for i, c := range idx {
		gap := int64(c) - int64(last) - 1
		if gap < 0 {
			return fmt.Errorf("%w: row %d: column %d stands before %d", ErrNotCanonical, row, last, c)
		}
		last = c
		b.dst[at+i] = byte(min(gap, escapedGap) - gapBias)
		if gap >= escapedGap {
			e.escapes = binary.LittleEndian.AppendUint16(e.escapes, uint16(min(gap, longEscape)))
		}
		if gap >= longEscape {
			e.escapes = binary.LittleEndian.AppendUint32(e.escapes, uint32(gap))
		}
	}
	if int(last) >= cols {
		return fmt.Errorf("%w: row %d: column %d of %d", ErrNotCanonical, row, last, cols)
	}
	b.pad()
	return nil
}

// smallGaps fills gaps if none is an escape, and says so.
func smallGaps(gaps []byte, idx []int32) bool {
	if len(idx) == 0 || uint32(idx[0]) >= escapedGap {
		return false
	}
	gaps[0] = byte(idx[0] - gapBias)
	return gapsBetween(gaps, idx)
}

// gapsBetweenEach is gapsBetween without vectors.
func gapsBetweenEach(gaps []byte, idx []int32) bool {
	last, most, gaps := idx[0], uint32(0), gaps[:len(idx)]
	for i, c := range idx[1:] {
		gap := uint32(c - last - 1) // what does not ascend is large
		gaps[i+1] = byte(gap - gapBias)
		last, most = c, max(most, gap)
	}
	return most < escapedGap
}

// finish appends the sections of the values as chosen, and fills in the header. idx is nil for dense layouts.
func (e *encoder) finish(b *records, row int64, d DType, n int, idx []int32, vals []byte, layout uint8) {
	size := d.Size()
	switch e.form {
	case rawForm:
		b.section(vals)
	case byteForm, dictionaryForm:
		b.section(e.codes[:n])
	case wordForm:
		b.section(bytesOf(e.words[:n]))
	}
	b.section(e.dictionary)
	for _, p := range e.exceptions {
		b.dst = binary.LittleEndian.AppendUint32(b.dst, p)
	}
	for _, p := range e.exceptions {
		c := p
		if idx != nil {
			c = uint32(idx[p])
		}
		b.dst = binary.LittleEndian.AppendUint32(b.dst, c)
	}
	for _, p := range e.exceptions {
		b.dst = append(b.dst, vals[int(p)*size:int(p+1)*size]...)
	}
	b.pad()
	escapes := 0
	if layout&layoutDense == 0 {
		escapes = len(e.escapes) / 2
		b.section(e.escapes)
	}
	h := b.record()
	binary.LittleEndian.PutUint32(h[atLength:], uint32(len(h)/unit))
	binary.LittleEndian.PutUint64(h[atRow:], uint64(row))
	binary.LittleEndian.PutUint32(h[atCount:], uint32(n))
	binary.LittleEndian.PutUint32(h[atEscapes:], uint32(escapes))
	binary.LittleEndian.PutUint16(h[atExceptions:], uint16(len(e.exceptions)))
	h[atEntries] = uint8(len(e.dictionary) / size)
	h[atDType], h[atLayout], h[atForm] = uint8(d), layout, uint8(e.form)
	binary.LittleEndian.PutUint16(h[atMagic:], magic)
	binary.LittleEndian.PutUint32(h[atCRC:], crc32.Checksum(h[4:], castagnoli))
}

// dense writes a row of which every column has a value.
func (e *encoder) dense(b *records, row int64, d DType, vals []byte) error {
	cols := len(vals) / d.Size()
	nonzeros := e.nonzeros(d.Size(), vals)
	// A stored value takes a byte for its column and at least one for itself; where both ways may win, both are tried.
	trySparse, tryDense := nonzeros <= cols-cols/8, nonzeros >= cols/3
	if trySparse {
		kept := e.vals[:nonzeros*d.Size()]
		layout := uint8(wasDense)
		if e.hasMinusZeros(d, kept) {
			layout |= minusZeros
		}
		if err := e.sparse(b, row, d, cols, e.idx[:nonzeros], kept, layout); err != nil {
			return err
		}
	}
	if !tryDense {
		return nil
	}
	sparse := len(b.record())
	second := records{dst: b.dst, start: len(b.dst)}
	var header [headerSize]byte
	second.dst = append(second.dst, header[:]...)
	e.choose(d, vals, cols)
	e.finish(&second, row, d, cols, nil, vals, layoutDense|wasDense)
	if r := second.record(); sparse == 0 || len(r) < sparse {
		second.dst = append(second.dst[:b.start], r...)
	} else {
		second.dst = second.dst[:second.start]
	}
	b.dst = second.dst
	return nil
}

// nonzeros gathers the elements of a dense row with any bit set in e.idx and e.vals.
func (e *encoder) nonzeros(size int, vals []byte) int {
	n := len(vals) / size
	e.idx = slices.Grow(e.idx[:0], n)[:n]
	kept := grow(&e.vals, len(vals))
	copy(kept, vals)
	switch size {
	case 1:
		return compactBits(e.idx, kept)
	case 2:
		return compactBits(e.idx, view[uint16](kept))
	case 4:
		return compactBits(e.idx, view[uint32](kept))
	default:
		return compactBits(e.idx, view[uint64](kept))
	}
}

// hasMinusZeros looks at the nonzeros of a dense row.
func (e *encoder) hasMinusZeros(d DType, vals []byte) bool {
	switch zero := d.negativeZero(); d {
	case Float16:
		return slices.Contains(view[uint16](vals), uint16(zero))
	case Float32:
		return slices.Contains(view[uint32](vals), uint32(zero))
	case Float64:
		return slices.Contains(view[uint64](vals), zero)
	}
	return false
}

// provenSparse decodes what was written and compares.
func (e *encoder) provenSparse(r Row, idx []int32, vals []byte) error {
	e.idx = slices.Grow(e.idx[:0], len(idx))[:len(idx)]
	got := grow(&e.proof, len(vals))
	if n := r.Decode(e.idx, got); n != len(idx) || !bytes.Equal(bytesOf(e.idx), bytesOf(idx)) || !bytes.Equal(got, vals) {
		return fmt.Errorf("rowstore: row %d does not decode to what was encoded", r.Number())
	}
	return nil
}

func (e *encoder) provenDense(r Row, vals []byte) error {
	got := grow(&e.proof, len(vals))
	if r.DecodeDense(got); !bytes.Equal(got, vals) {
		return fmt.Errorf("rowstore: row %d does not decode to what was encoded", r.Number())
	}
	return nil
}
