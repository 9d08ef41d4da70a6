package rowstore

import (
	"encoding/binary"
	"math"
)

// hasWords says whether integers of 16 bits are worth writing for elements of d.
func (d DType) hasWords() bool { return d.Size() >= 4 }

// byteTables has, for each type, the elements that stand for the bytes 0…255. Types of one byte: the byte itself.
var byteTables = func() (t [numTypes][]byte) {
	bytes := make([]byte, 256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	t[Bool], t[Int8], t[Uint8] = bytes, bytes, bytes
	t[Int16], t[Uint16] = tableOf[int16](bytes), tableOf[uint16](bytes)
	t[Int32], t[Uint32] = tableOf[int32](bytes), tableOf[uint32](bytes)
	t[Int64], t[Uint64] = tableOf[int64](bytes), tableOf[uint64](bytes)
	t[Float32], t[Float64] = tableOf[float32](bytes), tableOf[float64](bytes)
	halves := make([]uint16, 256)
	for i := range halves {
		halves[i] = halfOf(uint8(i))
	}
	t[Float16] = bytesOf(halves)
	return t
}()

func tableOf[T number](bytes []byte) []byte {
	t := make([]T, len(bytes))
	for i, b := range bytes {
		t[i] = T(b)
	}
	return bytesOf(t)
}

// halfOf is the IEEE 754 binary16 that equals v.
func halfOf(v uint8) uint16 {
	if v == 0 {
		return 0
	}
	// A float32 has the same fraction, 13 bits further up, and an exponent that is larger by 112.
	return uint16((math.Float32bits(float32(v)) - 112<<23) >> 13)
}

// widenWords makes elements of d of n words, which may stand anywhere.
func widenWords(d DType, dst, words []byte, n int) {
	switch d {
	case Int32, Uint32:
		widen(view[uint32](dst)[:n], words)
	case Int64, Uint64:
		widen(view[uint64](dst)[:n], words)
	case Float32:
		widenFloats(view[float32](dst)[:n], words)
	case Float64:
		widen(view[float64](dst)[:n], words)
	}
}

func widen[T number](dst []T, words []byte) {
	words = words[:2*len(dst)]
	for i := range dst {
		dst[i] = T(binary.LittleEndian.Uint16(words[2*i:]))
	}
}
