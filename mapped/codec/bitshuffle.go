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
	var planes [8 * tile]byte // up to eight bytes of each element of a tile, one behind the other
	for j := 0; j < row; j += 8 {
		n := min(tile, 8*(row-j))
		for first := 0; first < size; first += 8 {
			count := min(8, size-first)
			for k := range count {
				bytePlane((*[tile]byte)(planes[k*tile:]), src[8*(first+k)*row:], j, row)
			}
			out := dst[8*j*size:]
			if n == tile && count == size {
				unshuffle(out[:tile*size], planes[:tile*size], size)
				continue
			}
			for k := range count {
				for i, at := 0, first+k; i < n; i, at = i+1, at+size {
					out[at] = planes[k*tile+i]
				}
			}
		}
	}
}

// tile is how many elements are done at a time: as many as eight words of eight bytes have.
const tile = 64

// bytePlane makes one byte of each element of a tile from the eight rows of its bits, whose bytes [j, j+8) are the tile's. At
// the end of a row it reads the next one's too, for elements that are not used.
func bytePlane(dst *[tile]byte, rows []byte, j, row int) {
	var w [8]uint64
	for bit := range w {
		if p := rows[bit*row+j:]; len(p) >= 8 {
			w[bit] = binary.LittleEndian.Uint64(p)
		} else {
			for i, b := range p {
				w[bit] |= uint64(b) << (8 * i)
			}
		}
	}
	transposeBits(&w)
	transposeBytes(&w) // byte j of word e was that of element 8 j + e
	for i, v := range w {
		binary.LittleEndian.PutUint64(dst[8*i:], v)
	}
}
