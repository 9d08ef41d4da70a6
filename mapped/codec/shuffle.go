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
	for len(a) >= 8 && len(b) >= 8 && len(c) >= 8 && len(d) >= 8 && len(dst) >= 32 {
		w, x := binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b)
		y, z := binary.LittleEndian.Uint64(c), binary.LittleEndian.Uint64(d)
		// Two rounds of transposeBytes, of a matrix half as high.
		const m1, m2 = 0x00ff00ff00ff00ff, 0x0000ffff0000ffff
		t, u := (w>>8^x)&m1, (y>>8^z)&m1
		w, x, y, z = w^t<<8, x^t, y^u<<8, z^u
		t, u = (w>>16^y)&m2, (x>>16^z)&m2
		w, y, x, z = w^t<<16, y^t, x^u<<16, z^u
		binary.LittleEndian.PutUint32(dst, uint32(w))
		binary.LittleEndian.PutUint32(dst[4:], uint32(x))
		binary.LittleEndian.PutUint32(dst[8:], uint32(y))
		binary.LittleEndian.PutUint32(dst[12:], uint32(z))
		binary.LittleEndian.PutUint32(dst[16:], uint32(w>>32))
		binary.LittleEndian.PutUint32(dst[20:], uint32(x>>32))
		binary.LittleEndian.PutUint32(dst[24:], uint32(y>>32))
		binary.LittleEndian.PutUint32(dst[28:], uint32(z>>32))
		a, b, c, d, dst = a[8:], b[8:], c[8:], d[8:], dst[32:]
	}
	return n - len(a)
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
