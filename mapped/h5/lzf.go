package h5

// lzf decodes Marc Lehmann's LZF: literal runs (a byte below 32: its value + 1 bytes follow) and back
// references (length in the top three bits, 7 meaning that a byte more follows, and a 13-bit distance).
func lzf(dst, src []byte, _ []uint32, _ *Scratch) error {
	at, i := 0, 0
	for i < len(src) {
		ctrl := int(src[i])
		i++
		if ctrl < 32 {
			n := ctrl + 1
			if n > len(src)-i || n > len(dst)-at {
				return corrupt("lzf: a run beyond the end")
			}
			at += copy(dst[at:], src[i:i+n])
			i += n
			continue
		}
		n := ctrl >> 5
		if n == 7 {
			if i >= len(src) {
				return corrupt("lzf: too short")
			}
			n += int(src[i])
			i++
		}
		if i >= len(src) {
			return corrupt("lzf: too short")
		}
		from := at - (ctrl&31<<8 | int(src[i])) - 1
		i++
		n += 2
		if from < 0 || n > len(dst)-at {
			return corrupt("lzf: a reference outside the chunk")
		}
		at = repeatFrom(dst, at, from, n)
	}
	if at != len(dst) {
		return corrupt("lzf: fewer bytes than the chunk has")
	}
	return nil
}

// repeatFrom copies n bytes from from to at, where the two may overlap and the copy then repeats.
func repeatFrom(dst []byte, at, from, n int) int {
	if from+n <= at {
		return at + copy(dst[at:at+n], dst[from:from+n])
	}
	for range n {
		dst[at] = dst[from]
		at++
		from++
	}
	return at
}
