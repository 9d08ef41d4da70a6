package mapped

import "encoding/binary"

// A caster turns n elements of src into n elements of dst as numpy's astype does.
// Both are native-endian and aligned; they do not overlap.
type caster func(dst, src []byte, n int)

// casterFor is never nil for two valid types.
func casterFor(dst, src dtype) caster { return casters[src][dst] }

var casters = func() (t [numTypes][numTypes]caster) {
	castersFrom[int8](&t, int8Type)
	castersFrom[int16](&t, int16Type)
	castersFrom[int32](&t, int32Type)
	castersFrom[int64](&t, int64Type)
	castersFrom[uint8](&t, uint8Type)
	castersFrom[uint16](&t, uint16Type)
	castersFrom[uint32](&t, uint32Type)
	castersFrom[uint64](&t, uint64Type)
	castersFrom[float32](&t, float32Type)
	castersFrom[float64](&t, float64Type)
	castersBetweenSpecials(&t)
	for d := boolType; d < numTypes; d++ {
		size := d.size()
		if d != boolType {
			t[d][d] = func(dst, src []byte, n int) { copy(dst[:n*size], src) }
		}
	}
	return t
}()

func castersFrom[S number](t *[numTypes][numTypes]caster, s dtype) {
	t[s][int8Type] = cast[int8, S]
	t[s][int16Type] = cast[int16, S]
	t[s][int32Type] = cast[int32, S]
	t[s][int64Type] = cast[int64, S]
	t[s][uint8Type] = cast[uint8, S]
	t[s][uint16Type] = cast[uint16, S]
	t[s][uint32Type] = cast[uint32, S]
	t[s][uint64Type] = cast[uint64, S]
	t[s][float32Type] = cast[float32, S]
	t[s][float64Type] = cast[float64, S]
	t[s][boolType] = func(dst, src []byte, n int) {
		for i, v := range view[S](src)[:n] {
			dst[i] = truth(v != 0)
		}
	}
	t[s][float16Type] = func(dst, src []byte, n int) {
		out := view[uint16](dst)[:n]
		for i, v := range view[S](src)[:n] {
			out[i] = floatToHalf(float64(v))
		}
	}
	t[s][bfloat16Type] = func(dst, src []byte, n int) {
		out := view[uint16](dst)[:n]
		for i, v := range view[S](src)[:n] {
			out[i] = floatToBfloat(float64(v))
		}
	}
	t[boolType][s] = func(dst, src []byte, n int) {
		out := view[S](dst)[:n]
		for i, v := range src[:n] {
			out[i] = S(truth(v != 0))
		}
	}
	t[float16Type][s] = func(dst, src []byte, n int) {
		out := view[S](dst)[:n]
		for i, v := range view[uint16](src)[:n] {
			out[i] = S(halfToFloat(v))
		}
	}
	t[bfloat16Type][s] = func(dst, src []byte, n int) {
		out := view[S](dst)[:n]
		for i, v := range view[uint16](src)[:n] {
			out[i] = S(bfloatToFloat(v))
		}
	}
}

func castersBetweenSpecials(t *[numTypes][numTypes]caster) {
	t[boolType][boolType] = func(dst, src []byte, n int) {
		for i, v := range src[:n] {
			dst[i] = truth(v != 0)
		}
	}
	t[boolType][float16Type] = func(dst, src []byte, n int) {
		out := view[uint16](dst)[:n]
		for i, v := range src[:n] {
			out[i] = 0x3c00 * uint16(truth(v != 0))
		}
	}
	t[float32Type][float16Type] = func(dst, src []byte, n int) {
		out := view[uint16](dst)[:n]
		for i, v := range view[float32](src)[:n] {
			out[i] = floatToHalf32(v)
		}
	}
	for _, d := range []dtype{float16Type, bfloat16Type} {
		t[d][boolType] = func(dst, src []byte, n int) {
			for i, v := range view[uint16](src)[:n] {
				dst[i] = truth(v&0x7fff != 0)
			}
		}
	}
	castersOfBfloat(t)
}

func castersOfBfloat(t *[numTypes][numTypes]caster) {
	t[boolType][bfloat16Type] = func(dst, src []byte, n int) {
		out := view[uint16](dst)[:n]
		for i, v := range src[:n] {
			out[i] = 0x3f80 * uint16(truth(v != 0))
		}
	}
	t[float32Type][bfloat16Type] = func(dst, src []byte, n int) {
		out := view[uint16](dst)[:n]
		for i, v := range view[float32](src)[:n] {
			out[i] = floatToBfloat32(v)
		}
	}
	t[float16Type][bfloat16Type] = func(dst, src []byte, n int) {
		out := view[uint16](dst)[:n]
		for i, v := range view[uint16](src)[:n] {
			out[i] = floatToBfloat32(halfToFloat(v))
		}
	}
	t[bfloat16Type][float16Type] = func(dst, src []byte, n int) {
		out := view[uint16](dst)[:n]
		for i, v := range view[uint16](src)[:n] {
			out[i] = floatToHalf32(bfloatToFloat(v))
		}
	}
}

func cast[D, S number](dst, src []byte, n int) {
	out := view[D](dst)[:n]
	for i, v := range view[S](src)[:n] {
		out[i] = D(v)
	}
}

func truth(v bool) uint8 {
	if v {
		return 1
	}
	return 0
}

// swapBytes turns elements of size bytes from big to little endian, in place.
func swapBytes(b []byte, size int) {
	switch size {
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			binary.LittleEndian.PutUint16(b, binary.BigEndian.Uint16(b))
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			binary.LittleEndian.PutUint32(b, binary.BigEndian.Uint32(b))
		}
	case 8:
		for ; len(b) >= 8; b = b[8:] {
			binary.LittleEndian.PutUint64(b, binary.BigEndian.Uint64(b))
		}
	}
}

// toIndices widens column indices of any integer type to int32. What does not
// fit becomes -1, which no matrix accepts.
func toIndices(dst []int32, src []byte, from dtype) {
	n := len(dst)
	switch from {
	case int8Type:
		widen(dst, view[int8](src)[:n])
	case int16Type:
		widen(dst, view[int16](src)[:n])
	case uint8Type:
		widen(dst, src[:n])
	case uint16Type:
		widen(dst, view[uint16](src)[:n])
	case int32Type:
		copy(dst, view[int32](src)[:n])
	case int64Type:
		narrow(dst, view[int64](src)[:n])
	case uint32Type:
		narrow(dst, view[uint32](src)[:n])
	case uint64Type:
		narrow(dst, view[uint64](src)[:n])
	}
}

func widen[S int8 | int16 | uint8 | uint16](dst []int32, src []S) {
	for i, v := range src {
		dst[i] = int32(v)
	}
}

func narrow[S int64 | uint32 | uint64](dst []int32, src []S) {
	for i, v := range src {
		if v < 0 || uint64(v) > 1<<31-1 {
			dst[i] = -1
			continue
		}
		dst[i] = int32(v)
	}
}
