package codec

import (
	"encoding/binary"
	"fmt"
)

// BitUnshuffle undoes the bit shuffle of Blosc and of HDF5's filter 32008, of one block: src holds the lowest bits of the
// first bytes of all elements, eight to a byte, then the next bits, and so on. Elements beyond a multiple of eight, and bytes
// beyond a whole element, end it unchanged. dst and src have the same length and do not overlap.
func BitUnshuffle(dst, src []byte, size int) error {
	if len(src) != len(dst) {
		return wrongLength("bitshuffle", len(src), len(dst))
	}
	if size < 1 {
		return corrupt("bitshuffle", fmt.Sprintf("elements of %d bytes", size))
	}
	row := len(dst) / size / 8 // bytes of one bit of all elements
	whole := 8 * row * size
	bitUnshuffle(dst[:whole], src[:whole], size, row)
	copy(dst[whole:], src[whole:])
	return nil
}

func bitUnshuffle(dst, src []byte, size, row int) {
	var w [8]uint64
	var planes [8][64]byte // of 64 elements: up to eight bytes of each
	for j := 0; j < row; j += 8 {
		cols := min(8, row-j)
		for first := 0; first < size; first += 8 {
			bytes := min(8, size-first)
			for k := range bytes {
				from := src[8*(first+k)*row+j:]
				for bit := range w {
					w[bit] = load(from[bit*row:], cols)
				}
				transpose(&w, 1)
				// Byte j of word e is now that of element 8 j + e.
				transpose(&w, 8)
				for i, v := range w {
					binary.LittleEndian.PutUint64(planes[k][8*i:], v)
				}
			}
			interleave(dst[8*j*size:], &planes, first, bytes, size, 8*cols)
		}
	}
}

// load reads up to eight bytes.
func load(p []byte, n int) uint64 {
	if len(p) >= 8 {
		return binary.LittleEndian.Uint64(p) // those beyond n give elements that are not used
	}
	var v uint64
	for i := range min(n, len(p)) {
		v |= uint64(p[i]) << (8 * i)
	}
	return v
}

// interleave writes bytes [first, first+bytes) of n ≤ 64 elements.
func interleave(dst []byte, planes *[8][64]byte, first, bytes, size, n int) {
	if n == 64 && first == 0 && bytes == size {
		switch size {
		case 1:
			copy(dst, planes[0][:])
			return
		case 4:
			for i := range 64 {
				v := uint32(planes[0][i]) | uint32(planes[1][i])<<8 | uint32(planes[2][i])<<16 | uint32(planes[3][i])<<24
				binary.LittleEndian.PutUint32(dst[4*i:], v)
			}
			return
		}
	}
	for k := range bytes {
		for i, at := 0, first+k; i < n; i, at = i+1, at+size {
			dst[at] = planes[k][i]
		}
	}
}
