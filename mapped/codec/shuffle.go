package codec

import (
	"encoding/binary"
	"fmt"
)

// Unshuffle undoes the byte shuffle of HDF5's filter 2, numcodecs' "shuffle" and Blosc: src holds the first bytes of all
// elements, then the second ones, and so on; bytes that make no whole element end it unchanged. dst and src have the
// same length and do not overlap. A size of 0 or 1, or one of more than the data, leaves the order as it is.
func Unshuffle(dst, src []byte, size int) error {
	if len(src) != len(dst) {
		return wrongLength("shuffle", len(src), len(dst))
	}
	if size < 0 {
		return corrupt("shuffle", fmt.Sprintf("elements of %d bytes", size))
	}
	if size < 2 || size > len(dst) {
		copy(dst, src)
		return nil
	}
	unshuffle(dst, src, size)
	return nil
}

func unshuffle(dst, src []byte, size int) {
	n := len(dst) / size
	i := 0
	switch size {
	case 1:
		i = copy(dst, src)
	case 2:
		i = unshuffle2(dst, src, n)
	case 4:
		i = unshuffle4(dst, src, n)
	case 8:
		i = unshuffle8(dst, src, n)
	}
	if i < n {
		for k := range size {
			plane := src[k*n+i : (k+1)*n]
			for j, at := 0, i*size+k; j < len(plane); j, at = j+1, at+size {
				dst[at] = plane[j]
			}
		}
	}
	copy(dst[n*size:], src[n*size:])
}

// The next three do eight elements at a time, in registers, and say how many they did.

func unshuffle2(dst, src []byte, n int) int {
	a, b := src[:n], src[n:2*n]
	i := 0
	for ; i+8 <= n; i += 8 {
		x, y := binary.LittleEndian.Uint64(a[i:]), binary.LittleEndian.Uint64(b[i:])
		out := dst[2*i : 2*i+16]
		binary.LittleEndian.PutUint64(out, spread1(uint32(x))|spread1(uint32(y))<<8)
		binary.LittleEndian.PutUint64(out[8:], spread1(uint32(x>>32))|spread1(uint32(y>>32))<<8)
	}
	return i
}

// spread1 puts a zero byte above each byte.
func spread1(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	return (x | x<<8) & 0x00ff00ff00ff00ff
}

func unshuffle4(dst, src []byte, n int) int {
	a, b, c, d := src[:n], src[n:2*n], src[2*n:3*n], src[3*n:4*n]
	i := 0
	for ; i+8 <= n; i += 8 {
		w, x := binary.LittleEndian.Uint64(a[i:]), binary.LittleEndian.Uint64(b[i:])
		y, z := binary.LittleEndian.Uint64(c[i:]), binary.LittleEndian.Uint64(d[i:])
		const even, low = 0x00ff00ff00ff00ff, 0x0000ffff0000ffff
		// Pairs of bytes of elements 0 2 4 6 and 1 3 5 7, low halves and high.
		le, lo := w&even|x&even<<8, w>>8&even|x&^even
		he, ho := y&even|z&even<<8, y>>8&even|z&^even
		// Elements 0 4, 2 6, 1 5, 3 7.
		e04, e26 := le&low|he&low<<16, le>>16&low|he&^low
		e15, e37 := lo&low|ho&low<<16, lo>>16&low|ho&^low
		out := dst[4*i : 4*i+32]
		binary.LittleEndian.PutUint64(out, e04&0xffffffff|e15<<32)
		binary.LittleEndian.PutUint64(out[8:], e26&0xffffffff|e37<<32)
		binary.LittleEndian.PutUint64(out[16:], e04>>32|e15>>32<<32)
		binary.LittleEndian.PutUint64(out[24:], e26>>32|e37>>32<<32)
	}
	return i
}

func unshuffle8(dst, src []byte, n int) int {
	i := 0
	var w [8]uint64
	for ; i+8 <= n; i += 8 {
		for k := range w {
			w[k] = binary.LittleEndian.Uint64(src[k*n+i:])
		}
		transposeBytes(&w)
		out := dst[8*i : 8*i+64]
		for k, v := range w {
			binary.LittleEndian.PutUint64(out[8*k:], v)
		}
	}
	return i
}
