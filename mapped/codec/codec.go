package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Kind names a compressed form.
type Kind uint8

// The compressed forms that Decode and DecodeAll read.
const (
	Zlib     Kind = iota + 1 // RFC 1950, as HDF5's deflate filter and numcodecs' "zlib" write
	Gzip                     // RFC 1952, one member or several
	Deflate                  // RFC 1951 without a wrapper, and so without a checksum
	Zstd                     // RFC 8878, one frame or several; a content checksum is verified where there is one
	LZ4                      // one LZ4 block, nothing before it
	LZ4Sized                 // numcodecs' "lz4": the decoded length in four bytes, little-endian, then an LZ4 block
	Blosc                    // a Blosc 1 chunk: blosclz, lz4, lz4hc, snappy, zlib or zstd; shuffle, bitshuffle or neither
	LZF                      // liblzf's, as h5py's filter 32000 writes it
)

// String is the codec's name as errors give it.
func (k Kind) String() string {
	switch k {
	case Zlib:
		return "zlib"
	case Gzip:
		return "gzip"
	case Deflate:
		return "deflate"
	case Zstd:
		return "zstd"
	case LZ4, LZ4Sized:
		return "lz4"
	case Blosc:
		return "blosc"
	case LZF:
		return "lzf"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// MaxRatio is a bound of decoded ÷ encoded bytes, which no valid data exceed by more than 4 KiB. (A zstd block of
// four bytes may stand for 128 KiB.)
func (k Kind) MaxRatio() int {
	switch k {
	case Zlib, Gzip, Deflate:
		return 1040
	case LZ4, LZ4Sized:
		return 256
	case LZF:
		return 132
	}
	return 1 << 15
}

const slack = 4096

// Plausible reports whether stored bytes in this form can hold decoded ones at all. Callers ask before they
// take memory for a length that only the file vouches for.
func (k Kind) Plausible(decoded, stored int64) bool {
	return decoded <= slack || (decoded-slack)/int64(k.MaxRatio()) <= stored
}

// Decode decodes src into dst, which it must fill exactly; another length is ErrCorrupt. dst and src must
// not overlap. After an error dst's contents are undefined.
func (s *Scratch) Decode(k Kind, dst, src []byte) error {
	n, err := s.into(k, dst, src)
	switch {
	case errors.Is(err, errMore) && k == LZ4:
		return corrupt("lz4", fmt.Sprintf("an invalid block, or more bytes than the %d that belong", len(dst)))
	case errors.Is(err, errMore):
		return corrupt(k.String(), fmt.Sprintf("more bytes than the %d that belong", len(dst)))
	case err != nil:
		return err
	case n != len(dst):
		return wrongLength(k.String(), n, len(dst))
	}
	return nil
}

// DecodeAll decodes src whatever its length is, into buf's memory when that is large enough (its length does not
// matter) and else into new memory, and returns the decoded bytes: buf, err = s.DecodeAll(k, buf, src, limit). More than
// limit bytes are ErrTooLarge. It takes memory for what data claim to hold only as far as their length
// makes that plausible.
func (s *Scratch) DecodeAll(k Kind, buf, src []byte, limit int) ([]byte, error) {
	size, known, err := claim(k, src)
	if err != nil {
		return nil, err
	}
	ceiling := min(limit, k.ceiling(len(src)))
	if known && size > ceiling {
		return nil, k.overrun(size, limit)
	}
	if !known {
		size = max(size, cap(buf))
	}
	if size == 0 && !known {
		size = 4 * len(src)
	}
	for size = min(size, ceiling); ; size = min(max(2*size, 1<<12), ceiling) {
		if cap(buf) < size {
			buf = make([]byte, size)
		}
		n, err := s.into(k, buf[:size], src)
		if !errors.Is(err, errMore) {
			return buf[:n], err
		}
		if known || size == ceiling {
			return nil, k.overrun(size+1, limit)
		}
	}
}

// ceiling is the most that n bytes can decode to.
func (k Kind) ceiling(n int) int {
	if n > (1<<62)/k.MaxRatio() {
		return 1 << 62
	}
	return n*k.MaxRatio() + slack
}

func (k Kind) overrun(size, limit int) error {
	if size > limit {
		return &Error{Codec: k.String(), Kind: ErrTooLarge, Form: fmt.Sprintf("more than %d bytes", limit)}
	}
	return corrupt(k.String(), "a length that the data cannot have")
}

// claim is the decoded length that data begin or end with, 0 where they tell none; known means that it binds, else it
// is a hint.
func claim(k Kind, src []byte) (size int, known bool, err error) {
	switch k {
	case Gzip: // of the last member, modulo 2³²: a hint alone
		if len(src) >= 18 {
			return int(binary.LittleEndian.Uint32(src[len(src)-4:])), false, nil
		}
	case Zstd:
		size = zstdClaim(src)
	case LZ4Sized:
		size, err = lz4Claim(src)
		known = true
	case Blosc:
		var h bloscHeader
		h, err = parseBlosc(src)
		size, known = h.nbytes, true
	}
	return size, known, err
}

// into decodes into dst and says how many bytes it gave: at most len(dst), else errMore.
func (s *Scratch) into(k Kind, dst, src []byte) (int, error) {
	switch k {
	case Zlib, Gzip, Deflate:
		return s.inf.into(k, dst, src)
	case Zstd:
		return s.zstd.into(dst, src)
	case LZ4:
		return lz4Into(dst, src)
	case LZ4Sized:
		return lz4SizedInto(dst, src)
	case Blosc:
		return s.bloscInto(dst, src)
	case LZF:
		return lzfInto(dst, src)
	}
	return 0, &Error{Codec: k.String(), Kind: ErrUnsupported, Form: "no such codec"}
}
