package h5

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/loaderd/loaderd/mapped/codec"
)

// decoder undoes one filter.
type decoder struct {
	// keeps is true of filters whose output is as long as their input, plus extra bytes.
	keeps bool
	extra int
	// ratio bounds decoded ÷ stored bytes, so that a length in the file is not believed beyond it.
	ratio int64
	// undo decodes src into dst when the decoded length is known (len(dst)).
	undo func(dst, src []byte, params []uint32, s *Scratch) error
}

// decoderOf is the zero decoder for filters that cannot be undone.
func decoderOf(f Filter) decoder {
	switch f.ID {
	case filterDeflate:
		return compressor(codec.Zlib)
	case filterLZF:
		return compressor(codec.LZF)
	case filterZstd:
		return compressor(codec.Zstd)
	case filterBlosc:
		return compressor(codec.Blosc)
	case filterLZ4:
		return decoder{ratio: int64(codec.LZ4.MaxRatio()), undo: lz4}
	case filterShuffle:
		return decoder{keeps: true, undo: unshuffle}
	case filterFletcher:
		return decoder{keeps: true, extra: 4, undo: fletcher}
	case filterBitshuffle:
		return bitshuffleOf(f.Params)
	}
	return decoder{}
}

// compressor is a filter whose output is just what the codec's name says.
func compressor(k codec.Kind) decoder {
	return decoder{ratio: int64(k.MaxRatio()), undo: func(dst, src []byte, _ []uint32, s *Scratch) error {
		return s.codec.Decode(k, dst, src)
	}}
}

// failed brings what mapped/codec says into this package's terms.
func (f Filter) failed(err error) error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, codec.ErrUnsupported):
		return &Error{Kind: ErrUnsupported, Form: "filter " + f.Name, Err: err, Hint: rewriteHint}
	}
	return &Error{Kind: ErrCorrupt, Form: "filter " + f.Name, Err: err}
}

// fletcher verifies the checksum that ends src and copies the rest.
func fletcher(dst, src []byte, _ []uint32, _ *Scratch) error {
	body, err := codec.CheckFletcher32(src)
	if err != nil {
		return err
	}
	return copyExact(dst, body)
}

// unshuffle gathers the bytes of elements that were stored plane by plane.
func unshuffle(dst, src []byte, params []uint32, _ *Scratch) error {
	size := 1
	if len(params) > 0 && uint64(params[0]) <= uint64(len(dst)) {
		size = int(params[0])
	}
	return codec.Unshuffle(dst, src, size)
}

// blocks reads what the filters lz4 and bitshuffle have in common: the decoded length in eight bytes and a block's in four,
// then blocks, each after its length in four bytes; all big-endian.
type blocks struct {
	rest []byte
	size int // decoded bytes of a block
}

func openBlocks(src []byte, decoded int) (blocks, error) {
	if len(src) < 12 {
		return blocks{}, corrupt("too short for its header")
	}
	if n := binary.BigEndian.Uint64(src); n != uint64(decoded) {
		return blocks{}, corrupt(fmt.Sprintf("%d bytes where %d belong", n, decoded))
	}
	size := binary.BigEndian.Uint32(src[8:])
	if size == 0 && decoded > 0 {
		return blocks{}, corrupt("blocks of no bytes")
	}
	return blocks{rest: src[12:], size: int(min(int64(size), MaxChunkBytes))}, nil
}

func (b *blocks) next() ([]byte, error) {
	if len(b.rest) < 4 {
		return nil, corrupt("fewer blocks than the chunk has")
	}
	n := binary.BigEndian.Uint32(b.rest)
	if b.rest = b.rest[4:]; uint64(n) > uint64(len(b.rest)) {
		return nil, corrupt("a block beyond the chunk")
	}
	block := b.rest[:n]
	b.rest = b.rest[n:]
	return block, nil
}

// lz4 decodes what the filter of that name wrote. A block as long as what it decodes to is stored.
func lz4(dst, src []byte, _ []uint32, s *Scratch) error {
	b, err := openBlocks(src, len(dst))
	if err != nil {
		return err
	}
	for at := 0; at < len(dst); {
		out := dst[at:min(at+b.size, len(dst))]
		block, err := b.next()
		if err != nil {
			return err
		}
		if len(block) == len(out) {
			copy(out, block)
		} else if err := s.codec.Decode(codec.LZ4, out, block); err != nil {
			return err
		}
		at += len(out)
	}
	return nil
}
