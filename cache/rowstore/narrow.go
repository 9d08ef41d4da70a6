package rowstore

import (
	"bytes"
	"slices"
)

// tryBytes fills codes with the bytes that the elements equal, if they equal any, and counts those that do not.
func (c *chooser) tryBytes(d DType, vals []byte) (misfits int) {
	switch d {
	case Int16, Uint16:
		guess(c.codes, view[uint16](vals))
	case Int32, Uint32:
		guess(c.codes, view[uint32](vals))
	case Int64, Uint64:
		guess(c.codes, view[uint64](vals))
	case Float16:
		guessHalves(c.codes, view[uint16](vals))
	case Float32:
		bytesOfFloats(c.codes, view[float32](vals))
	case Float64:
		guessFloats(c.codes, view[float64](vals))
	}
	c.back(d, byteForm, vals)
	return c.misfits(d.Size(), vals)
}

// tryWords is tryBytes for words.
func (c *chooser) tryWords(d DType, vals []byte) (misfits int) {
	n := len(vals) / d.Size()
	c.words = slices.Grow(c.words[:0], n)[:n]
	switch d {
	case Int32, Uint32:
		guess(c.words, view[uint32](vals))
	case Int64, Uint64:
		guess(c.words, view[uint64](vals))
	case Float32:
		guessFloats(c.words, view[float32](vals))
	case Float64:
		guessFloats(c.words, view[float64](vals))
	}
	c.back(d, wordForm, vals)
	return c.misfits(d.Size(), vals)
}

func guess[N uint8 | uint16, T word](narrow []N, vals []T) {
	narrow = narrow[:len(vals)]
	for i, v := range vals {
		narrow[i] = N(v)
	}
}

// guessFloats need not mind what a conversion makes of numbers that do not fit: it is compared with them.
func guessFloats[N uint8 | uint16, T float32 | float64](narrow []N, vals []T) {
	narrow = narrow[:len(vals)]
	for i, v := range vals {
		narrow[i] = N(int32(v))
	}
}

func guessHalves(codes []byte, vals []uint16) {
	codes = codes[:len(vals)]
	for i, v := range vals {
		codes[i] = 0
		if e := v >> 10; e >= 15 && e < 23 { // 1 … 255
			codes[i] = byte((v&(1<<10-1) | 1<<10) >> (25 - e))
		}
	}
}

// back widens codes or words again, to see which elements they stand for.
func (c *chooser) back(d DType, f form, vals []byte) {
	c.widened = grow(&c.widenedMemory, len(vals))
	if f == byteForm {
		t := newCodeTable(byteTables[d], d.Size())
		t.expand(c.widened, c.codes[:len(vals)/d.Size()], false)
	} else {
		widenWords(d, c.widened, bytesOf(c.words), len(c.words))
	}
}

// misfits counts elements that are not what was widened.
func (c *chooser) misfits(size int, vals []byte) int {
	if bytes.Equal(c.widened, vals) {
		return 0
	}
	switch size {
	case 2:
		return countUnequal(view[uint16](c.widened), view[uint16](vals))
	case 4:
		return countUnequal(view[uint32](c.widened), view[uint32](vals))
	default:
		return countUnequal(view[uint64](c.widened), view[uint64](vals))
	}
}

func countUnequal[T word](a, b []T) (n int) {
	b = b[:len(a)]
	for i, v := range a {
		if v != b[i] {
			n++
		}
	}
	return n
}

// except makes exceptions of the elements that are not what was widened, and 0 of their codes or words.
func (c *chooser) except(size int, vals []byte) {
	if bytes.Equal(c.widened[:len(vals)], vals) {
		return // as nearly always
	}
	for i := range len(vals) / size {
		if bytes.Equal(c.widened[i*size:(i+1)*size], vals[i*size:(i+1)*size]) {
			continue
		}
		c.exceptions = append(c.exceptions, uint32(i))
		if c.form == byteForm {
			c.codes[i] = 0
		} else {
			c.words[i] = 0
		}
	}
}
