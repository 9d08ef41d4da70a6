package h5

import (
	"fmt"

	"github.com/loaderd/loaderd/mapped/codec"
)

// Parameters of the bitshuffle filter: two of its version, the element's size, a block's elements (0: the default), and
// what compresses the blocks.
const (
	bitshuffleSize = iota + 2
	bitshuffleBlock
	bitshuffleCodec

	bitshufflePlain = 0
	bitshuffleLZ4   = 2
	bitshuffleZstd  = 3
)

func param(params []uint32, i int) uint32 {
	if i < len(params) {
		return params[i]
	}
	return 0
}

func bitshuffleOf(params []uint32) decoder {
	switch param(params, bitshuffleCodec) {
	case bitshufflePlain:
		return decoder{keeps: true, undo: bitUnshuffle}
	case bitshuffleLZ4:
		return bitCompressor(codec.LZ4)
	case bitshuffleZstd:
		return bitCompressor(codec.Zstd)
	}
	return decoder{}
}

// eachBlock calls do with every block of dst: of elements as many as block says, the last of as many as are left, but
// always of a multiple of eight; and gives how many bytes those are. What is left is fewer than eight elements.
func eachBlock(dst []byte, size, block int, do func(out []byte) error) (int, error) {
	if size == 0 || size > MaxChunkBytes || len(dst)%size != 0 || block < 8 || block%8 != 0 {
		return 0, corrupt(fmt.Sprintf("blocks of %d elements of %d bytes", block, size))
	}
	whole := len(dst) / size / 8 * 8 * size
	for at := 0; at < whole; {
		n := min(block, (whole-at)/size) * size
		if err := do(dst[at : at+n]); err != nil {
			return 0, err
		}
		at += n
	}
	return whole, nil
}

// bitUnshuffle undoes a filter that shuffled and did not compress.
func bitUnshuffle(dst, src []byte, params []uint32, _ *Scratch) error {
	if len(src) != len(dst) {
		return corrupt(fmt.Sprintf("%d bytes where %d belong", len(src), len(dst)))
	}
	size := int(param(params, bitshuffleSize))
	block := int(param(params, bitshuffleBlock))
	if block == 0 && size > 0 {
		block = max(8192/size/8*8, 128)
	}
	rest := src
	whole, err := eachBlock(dst, size, block, func(out []byte) error {
		in := rest[:len(out)]
		rest = rest[len(out):]
		return codec.BitUnshuffle(out, in, size)
	})
	if err != nil {
		return err
	}
	copy(dst[whole:], rest)
	return nil
}

// bitCompressor undoes a filter that shuffled blocks and compressed each.
func bitCompressor(k codec.Kind) decoder {
	return decoder{ratio: int64(k.MaxRatio()), undo: func(dst, src []byte, params []uint32, s *Scratch) error {
		b, err := openBlocks(src, len(dst))
		if err != nil {
			return err
		}
		size := int(param(params, bitshuffleSize))
		if size == 0 || b.size%size != 0 {
			return corrupt(fmt.Sprintf("blocks of %d bytes for elements of %d", b.size, size))
		}
		whole, err := eachBlock(dst, size, b.size/size, func(out []byte) error {
			in, err := b.next()
			if err != nil {
				return err
			}
			tmp := grow(&s.block, len(out))
			if err := s.codec.Decode(k, tmp, in); err != nil {
				return err
			}
			return codec.BitUnshuffle(out, tmp, size)
		})
		if err != nil {
			return err
		}
		return copyExact(dst[whole:], b.rest)
	}}
}
