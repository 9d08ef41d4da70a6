package codec

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// CheckFletcher32 verifies the checksum in the last four bytes of src, little-endian, as HDF5's filter 3 and numcodecs'
// "fletcher32" write it, and gives what stands before it.
func CheckFletcher32(src []byte) ([]byte, error) {
	n := len(src) - 4
	if n < 0 {
		return nil, corrupt("fletcher32", "too short for its checksum")
	}
	sum, want := Fletcher32(src[:n]), binary.LittleEndian.Uint32(src[n:])
	// Before HDF5 1.6.3 the checksum was stored with the bytes of each half exchanged.
	old := sum&0x00ff00ff<<8 | sum>>8&0x00ff00ff
	if sum != want && old != want {
		return nil, mismatch("fletcher32", sum, want)
	}
	return src[:n], nil
}

// Fletcher32 is the checksum over 16-bit words, high byte first, modulo 65535.
func Fletcher32(p []byte) uint32 {
	var a, b uint32
	for len(p) > 1 {
		// 360 words are as many as can be summed before the high sum may overflow.
		n := 2 * min(len(p)/2, 360)
		for q := p[:n]; len(q) > 1; q = q[2:] {
			a += uint32(binary.BigEndian.Uint16(q))
			b += a
		}
		p = p[n:]
		a, b = a&0xffff+a>>16, b&0xffff+b>>16
	}
	if len(p) == 1 {
		a += uint32(p[0]) << 8
		b += a
		a, b = a&0xffff+a>>16, b&0xffff+b>>16
	}
	a, b = a&0xffff+a>>16, b&0xffff+b>>16
	return b<<16 | a
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CRC32C is the Castagnoli checksum.
func CRC32C(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

// CheckCRC32C verifies the checksum in the last four bytes of src, little-endian, as zarr's "crc32c" codec writes it, and
// gives what stands before it.
func CheckCRC32C(src []byte) ([]byte, error) {
	n := len(src) - 4
	if n < 0 {
		return nil, corrupt("crc32c", "too short for its checksum")
	}
	if sum, want := CRC32C(src[:n]), binary.LittleEndian.Uint32(src[n:]); sum != want {
		return nil, mismatch("crc32c", sum, want)
	}
	return src[:n], nil
}

func mismatch(codec string, sum, want uint32) error {
	return &Error{Codec: codec, Kind: ErrChecksum, Form: fmt.Sprintf("%08x, stored %08x", sum, want)}
}
