package codec

// lzfInto decodes LZF: literal runs (a byte below 32: its value + 1 bytes follow) and back references (length in the
// top three bits, 7 meaning that a byte more follows, and a distance of 13 bits).
func lzfInto(dst, src []byte) (int, error) {
	at, i := 0, 0
	for i < len(src) {
		ctrl := int(src[i])
		i++
		if ctrl < 32 {
			n := ctrl + 1
			if n <= 8 && at+8 <= len(dst) && i+8 <= len(src) { // as literals does, without the call
				*(*[8]byte)(dst[at:]) = *(*[8]byte)(src[i:])
				at, i = at+n, i+n
				continue
			}
			if n > len(src)-i {
				return 0, corrupt("lzf", "a run beyond the end")
			}
			if n > len(dst)-at {
				return 0, errMore
			}
			literals(dst, at, src, i, n)
			at, i = at+n, i+n
			continue
		}
		n := ctrl >> 5
		if n == 7 {
			if i >= len(src) {
				return 0, corrupt("lzf", "cut")
			}
			n += int(src[i])
			i++
		}
		if i >= len(src) {
			return 0, corrupt("lzf", "cut")
		}
		from := at - (ctrl&31<<8 | int(src[i])) - 1
		i++
		if n += 2; from < 0 {
			return 0, corrupt("lzf", "a reference before the beginning")
		}
		if n > len(dst)-at {
			return 0, errMore
		}
		if n <= 8 && at-from >= 4 && at+8 <= len(dst) { // as repeatFrom does, without the call
			*(*[4]byte)(dst[at:]) = *(*[4]byte)(dst[from:])
			*(*[4]byte)(dst[at+4:]) = *(*[4]byte)(dst[from+4:])
			at += n
			continue
		}
		at = repeatFrom(dst, at, from, n)
	}
	return at, nil
}
