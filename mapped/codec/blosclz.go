package codec

// bloscLZInto decodes BloscLZ, a descendant of FastLZ: literal runs (a byte below 32: its value + 1 bytes follow) and back
// references. A reference has its length in the top three bits (7: bytes more follow, until one is not 255), and a
// distance of 13 bits, or, all of those set, one of 16 bits more. The first byte is a literal run's, whatever its
// top bits say.
func bloscLZInto(dst, src []byte) (int, error) {
	if len(src) == 0 {
		return 0, corrupt("blosclz", "no data")
	}
	at, i := 0, 1
	for ctrl := int(src[0]) & 31; ; {
		if ctrl < 32 {
			n := ctrl + 1
			if n > len(src)-i {
				return 0, corrupt("blosclz", "a run beyond the end")
			}
			if n > len(dst)-at {
				return 0, errMore
			}
			literals(dst, at, src, i, n)
			at, i = at+n, i+n
		} else {
			r, next, ok := bloscLZRef(ctrl, src, i)
			if !ok {
				return 0, corrupt("blosclz", "cut")
			}
			from := at - r.back
			if i = next; from < 0 {
				return 0, corrupt("blosclz", "a reference before the beginning")
			}
			if r.n > len(dst)-at {
				return 0, errMore
			}
			at = repeatFrom(dst, at, from, r.n)
		}
		if i >= len(src) {
			return at, nil
		}
		ctrl = int(src[i])
		i++
	}
}

// bloscLZNear is the longest distance that 13 bits hold.
const bloscLZNear = 8191

type reference struct{ n, back int }

func bloscLZRef(ctrl int, src []byte, i int) (r reference, next int, ok bool) {
	r.n = ctrl>>5 + 2
	if ctrl>>5 == 7 {
		for more := 255; more == 255; i++ {
			if i >= len(src) {
				return r, i, false
			}
			more = int(src[i])
			r.n += more
		}
	}
	if i >= len(src) {
		return r, i, false
	}
	r.back = (ctrl&31)<<8 + int(src[i]) + 1
	i++
	if r.back == bloscLZNear+1 {
		if i+2 > len(src) {
			return r, i, false
		}
		r.back = int(src[i])<<8 + int(src[i+1]) + bloscLZNear + 1
		i += 2
	}
	return r, i, true
}
