package rowstore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Check says whether r is the sound record of that row of a matrix with elements of d and so many columns: CRC-32C,
// number, type, and that it decodes within cols. After it no kernel fails. It allocates nothing unless it returns an
// error, which wraps ErrDamaged.
func (r Row) Check(row int64, d DType, cols int) error {
	if n, ok := Length(r); !ok || n != len(r) {
		return r.damaged(row, "its header gives another length than its %d bytes", len(r))
	}
	if got, want := crc32.Checksum(r[4:], castagnoli), binary.LittleEndian.Uint32(r[atCRC:]); got != want {
		return r.damaged(row, "its CRC-32C is %08x and should be %08x", got, want)
	}
	if r.Number() != row {
		return r.damaged(row, "it is row %d", r.Number())
	}
	if !d.valid() || r.DType() != d {
		return r.damaged(row, "its type is %v and should be %v", r.DType(), d)
	}
	return r.checkSections(row, cols)
}

// checkSections does not believe what the CRC vouches for: that says nothing of who wrote it.
func (r Row) checkSections(row int64, cols int) error {
	s, ok := r.parse()
	switch {
	case !ok:
		return r.damaged(row, "its sections do not fill it")
	case s.form >= numForms || s.layout&^(layoutDense|wasDense|minusZeros) != 0:
		return r.damaged(row, "layout %d with values of form %d is unknown", s.layout, s.form)
	case s.form == wordForm && !s.dtype.hasWords():
		return r.damaged(row, "%v is not written as words", s.dtype)
	case s.n > cols:
		return r.damaged(row, "it has %d values in %d columns", s.n, cols)
	case s.layout&layoutDense != 0 && s.n != cols:
		return r.damaged(row, "it has %d columns and should have %d", s.n, cols)
	case s.form == rawForm && s.exceptions() > 0:
		return r.damaged(row, "raw values with exceptions")
	case !s.knownCodes():
		return r.damaged(row, "a value that its dictionary lacks")
	case !s.columnsWithin(cols):
		return r.damaged(row, "columns that do not lie within %d", cols)
	}
	return nil
}

func (r Row) damaged(row int64, format string, args ...any) error {
	return fmt.Errorf("%w: row %d: "+format, append([]any{ErrDamaged, row}, args...)...)
}

func (s *sections) knownCodes() bool {
	if s.form != dictionaryForm {
		return true
	}
	_, _, most := scan(s.values, 0, 0)
	return int(most) <= len(s.dictionary)/s.dtype.Size()
}

// scanEach is scan without vectors.
func scanEach(b []byte, flip, find byte) (sum uint64, found bool, most byte) {
	for _, v := range b {
		sum += uint64(v ^ flip)
		most = max(most, v)
		if v == find {
			found = true
		}
	}
	return sum, found, most
}

// columnsWithin walks over all gaps, and stops where an exception claims a column.
func (s *sections) columnsWithin(cols int) bool {
	if s.layout&layoutDense == 0 && len(s.escapes)+len(s.positions) == 0 {
		sum, found, _ := scan(s.gaps, gapBias, escape) // adding the bias turns its bit round
		return !found && sum+uint64(s.n) <= uint64(cols)
	}
	w := s.walk()
	last := -1
	for i := range s.exceptions() {
		p, c := s.exception(i)
		if p <= last || p >= s.n {
			return false
		}
		if s.layout&layoutDense != 0 {
			w.column = p
		} else if !w.skip(p - last) {
			return false
		}
		if last = p; c != w.column {
			return false
		}
	}
	if s.layout&layoutDense != 0 {
		return len(s.escapes) == 0
	}
	return w.skip(len(w.gaps)) && w.column < cols && len(w.escapes) == 0
}
