package codec

import (
	"errors"

	"github.com/klauspost/compress/zstd"
)

// zstdDecoder decodes frames from memory to memory.
type zstdDecoder struct{ d *zstd.Decoder }

// zstdWindow is the largest window (and so, of frames of one segment, the largest content) that is accepted. No memory is
// taken for it.
const zstdWindow = 1 << 32

func (z *zstdDecoder) into(dst, src []byte) (int, error) {
	if z.d == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return 0, corrupt("zstd", err.Error())
		}
		z.d = d
	}
	if len(src) == 0 {
		return 0, corrupt("zstd", "no data")
	}
	out, err := z.d.DecodeAll(src, dst[:0:len(dst)])
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return 0, errMore
	case errors.Is(err, zstd.ErrCRCMismatch):
		return 0, &Error{Codec: "zstd", Kind: ErrChecksum}
	case err != nil:
		return 0, corrupt("zstd", err.Error())
	case len(out) > len(dst):
		return 0, errMore
	case len(out) > 0 && &out[0] != &dst[0]:
		copy(dst, out) // the library promises only to append
	}
	return len(out), nil
}

// zstdClaim is the first frame's content size, 0 when it tells none. Other frames may follow.
func zstdClaim(src []byte) int {
	var h zstd.Header
	if h.Decode(src) != nil || !h.HasFCS || h.FrameContentSize > 1<<40 {
		return 0
	}
	return int(h.FrameContentSize)
}
