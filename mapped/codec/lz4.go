package codec

import (
	"encoding/binary"
	"fmt"

	"github.com/pierrec/lz4/v4"
)

// lz4Into decodes one block. The library does not tell a block that is corrupt from one that needs more room.
func lz4Into(dst, src []byte) (int, error) {
	if len(src) == 0 {
		return 0, corrupt("lz4", "no data")
	}
	n, err := lz4.UncompressBlock(src, dst)
	if err != nil {
		return 0, errMore
	}
	return n, nil
}

func lz4Claim(src []byte) (int, error) {
	if len(src) < 4 {
		return 0, corrupt("lz4", "too short for its length")
	}
	n := binary.LittleEndian.Uint32(src)
	if n >= 1<<31 {
		return 0, corrupt("lz4", fmt.Sprintf("a length of %d bytes", n))
	}
	return int(n), nil
}

func lz4SizedInto(dst, src []byte) (int, error) {
	n, err := lz4Claim(src)
	if err != nil {
		return 0, err
	}
	if n > len(dst) {
		return 0, errMore
	}
	if n == 0 {
		return 0, nil
	}
	got, err := lz4Into(dst[:n], src[4:])
	if err != nil || got != n {
		return 0, corrupt("lz4", fmt.Sprintf("an invalid block, or one that does not hold %d bytes", n))
	}
	return n, nil
}
