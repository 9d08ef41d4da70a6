package codec

import "encoding/binary"

// literals copies src[i:i+n] to dst[at:]; both have room. It may write up to 31 bytes more, which the next copy covers:
// most runs are short, and copies of a fixed length cost least.
func literals(dst []byte, at int, src []byte, i, n int) {
	if n <= 32 && at+32 <= len(dst) && i+32 <= len(src) {
		*(*[32]byte)(dst[at:]) = *(*[32]byte)(src[i:])
		return
	}
	copy(dst[at:at+n], src[i:i+n])
}

// repeatFrom copies n bytes from from to at, where the two may overlap and the copy then repeats, and gives at + n. It may write
// up to seven bytes more.
func repeatFrom(dst []byte, at, from, n int) int {
	end := at + n
	switch back := at - from; {
	case back >= n && n > 32:
		copy(dst[at:end], dst[from:])
	case back >= 8 && end+8 <= len(dst):
		for ; at < end; at, from = at+8, from+8 {
			binary.LittleEndian.PutUint64(dst[at:], binary.LittleEndian.Uint64(dst[from:]))
		}
	case n < 16:
		for ; at < end; at, from = at+1, from+1 {
			dst[at] = dst[from]
		}
	default:
		for at < end {
			at += copy(dst[at:end], dst[from:at]) // what is there to copy doubles with each round
		}
	}
	return end
}
