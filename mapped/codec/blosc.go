package codec

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/snappy"
)

// A Blosc 1 chunk: 16 bytes of header, where each block starts (4 bytes each), the blocks. A block is one stream, or,
// when split, one for each byte of the element; a stream has its length before it. Integers are little-endian.
const (
	bloscHeaderLen = 16
	bloscVersion   = 2

	bloscShuffle    = 1 << 0
	bloscStored     = 1 << 1
	bloscBitShuffle = 1 << 2
	bloscReserved   = 1 << 3
	bloscWhole      = 1 << 4 // blocks are not split

	// Before the flag bloscWhole existed, elements of more bytes, or blocks of fewer elements, were not split either.
	bloscMaxSplits = 16
	bloscMinSplit  = 128
)

// What the three high bits of the flags say.
const (
	bloscLZ = iota
	bloscLZ4
	bloscSnappy
	bloscZlib
	bloscZstd
)

type bloscHeader struct {
	flags     byte
	size      int // bytes of an element
	nbytes    int // decoded
	blocksize int
	cbytes    int // encoded, this header included
}

func (h bloscHeader) has(flag byte) bool { return h.flags&flag != 0 }
func (h bloscHeader) blocks() int        { return (h.nbytes + h.blocksize - 1) / h.blocksize }

// splits is how many streams make a block of n bytes.
func (h bloscHeader) splits(n int) int {
	if h.has(bloscWhole) || h.size > bloscMaxSplits || n < h.blocksize || n/h.size < bloscMinSplit {
		return 1
	}
	return h.size
}

func bloscCorrupt(form string) error { return corrupt("blosc", form) }

// parseBlosc reads the header and holds it to the data's length.
func parseBlosc(src []byte) (bloscHeader, error) {
	if len(src) < bloscHeaderLen {
		return bloscHeader{}, bloscCorrupt("too short for a header")
	}
	if src[0] != bloscVersion {
		return bloscHeader{}, &Error{Codec: "blosc", Kind: ErrUnsupported, Form: fmt.Sprintf("format version %d", src[0])}
	}
	u32 := func(at int) int { return int(binary.LittleEndian.Uint32(src[at:])) }
	h := bloscHeader{flags: src[2], size: int(src[3]), nbytes: u32(4), blocksize: u32(8), cbytes: u32(12)}
	switch {
	case h.has(bloscReserved) || h.flags>>5 > bloscZstd:
		return h, &Error{Codec: "blosc", Kind: ErrUnsupported, Form: fmt.Sprintf("flags %#02x", h.flags)}
	case h.cbytes > len(src) || h.cbytes < bloscHeaderLen:
		return h, bloscCorrupt(fmt.Sprintf("a chunk of %d bytes in %d", h.cbytes, len(src)))
	case h.nbytes == 0:
		return h, nil
	case h.nbytes >= 1<<31 || h.blocksize == 0 || h.blocksize > h.nbytes || h.size == 0:
		return h, bloscCorrupt("an impossible header")
	case h.has(bloscStored) && h.cbytes != h.nbytes+bloscHeaderLen:
		return h, bloscCorrupt("a stored chunk of another length")
	case !h.has(bloscStored) && h.blocks() > (h.cbytes-bloscHeaderLen)/4:
		return h, bloscCorrupt("more blocks than the chunk has room for")
	}
	return h, nil
}

func (s *Scratch) bloscInto(dst, src []byte) (int, error) {
	h, err := parseBlosc(src)
	if err != nil {
		return 0, err
	}
	if h.nbytes > len(dst) {
		return 0, errMore
	}
	dst, src = dst[:h.nbytes], src[:h.cbytes]
	if h.nbytes == 0 || h.has(bloscStored) {
		return copy(dst, src[bloscHeaderLen:]), nil
	}
	defer s.trim()
	for i := range h.blocks() {
		block := dst[i*h.blocksize : min((i+1)*h.blocksize, len(dst))]
		start := int(binary.LittleEndian.Uint32(src[bloscHeaderLen+4*i:]))
		if err := s.bloscBlock(h, block, src, start); err != nil {
			return 0, err
		}
	}
	return h.nbytes, nil
}

// bloscBlock decodes the block at src[at:].
func (s *Scratch) bloscBlock(h bloscHeader, dst, src []byte, at int) error {
	unshuffle := h.has(bloscShuffle) && h.size > 1
	// What is left of bits when elements are not a multiple of eight was never brought out of order.
	unbit := !unshuffle && h.has(bloscBitShuffle) && len(dst)/h.size > 0 && len(dst)/h.size%8 == 0
	out := dst
	if unshuffle || unbit {
		out = s.block(len(dst))
	}
	splits := h.splits(len(dst))
	n := len(dst) / splits
	if n*splits != len(dst) {
		return bloscCorrupt("a block that its streams do not fill")
	}
	for i := range splits {
		if at > len(src)-4 {
			return bloscCorrupt("a block beyond the chunk")
		}
		length := int(binary.LittleEndian.Uint32(src[at:]))
		if at += 4; length > len(src)-at {
			return bloscCorrupt("a stream beyond the chunk")
		}
		if err := s.bloscStream(h, out[i*n:(i+1)*n], src[at:at+length]); err != nil {
			return err
		}
		at += length
	}
	switch {
	case unshuffle:
		return Unshuffle(dst, out, h.size)
	case unbit:
		return BitUnshuffle(dst, out, h.size)
	}
	return nil
}

// bloscStream decodes one stream, which must fill dst. One as long as dst is stored.
func (s *Scratch) bloscStream(h bloscHeader, dst, src []byte) error {
	if len(src) == len(dst) {
		copy(dst, src)
		return nil
	}
	var n int
	var err error
	switch h.flags >> 5 {
	case bloscLZ:
		n, err = bloscLZInto(dst, src)
	case bloscLZ4:
		n, err = lz4Into(dst, src)
	case bloscSnappy:
		n, err = snappyInto(dst, src)
	case bloscZlib:
		n, err = s.inf.into(Zlib, dst, src)
	case bloscZstd:
		n, err = s.zstd.into(dst, src)
	}
	if errors.Is(err, errMore) {
		return bloscCorrupt("an invalid stream, or a longer one than its block has room for")
	}
	if err != nil {
		return fmt.Errorf("blosc: %w", err)
	}
	if n != len(dst) {
		return wrongLength("blosc", n, len(dst))
	}
	return nil
}

func snappyInto(dst, src []byte) (int, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return 0, corrupt("snappy", err.Error())
	}
	if n > len(dst) {
		return 0, errMore
	}
	if _, err := snappy.Decode(dst, src); err != nil {
		return 0, corrupt("snappy", err.Error())
	}
	return n, nil
}
