package h5

import (
	"cmp"
	"io"

	"github.com/loaderd/loaderd/mapped/codec"
)

// streamed says by which of the filters a chunk was compressed, and with a shuffle of how many bytes before it (0: none),
// when that is all that was done to it.
func (p pipeline) streamed(mask uint32, chunk int64) (at int, kind codec.Kind, width int, ok bool) {
	for k, f := range p {
		switch {
		case !active(mask, k):
		case ok: // something behind the codec
			return 0, 0, 0, false
		case f.ID == filterShuffle && width == 0 && len(f.Params) > 0 && int64(f.Params[0]) <= chunk:
			width = int(f.Params[0])
		case f.ID == filterDeflate:
			at, kind, ok = k, codec.Zlib, true
		case f.ID == filterZstd:
			at, kind, ok = k, codec.Zstd, true
		default:
			return 0, 0, 0, false
		}
	}
	return at, kind, width, ok
}

// streamChunk decodes a large chunk while it is read. done is false when its form does not allow that: it must then be
// read as a whole before it is decoded.
func (d *Dataset) streamChunk(dst []byte, k chunkRec, mask uint32) (done bool, err error) {
	at, kind, width, ok := d.pipe.streamed(mask, d.chunkBytes)
	between := int64(0)
	if width > 1 {
		between = d.chunkBytes
	}
	if !ok || int64(k.size)+between < cmp.Or(d.f.streamFrom, codec.StreamFrom) {
		return false, nil
	}
	head := make([]byte, min(codec.StreamHead, int64(k.size)))
	if _, err := d.f.ReadAt(head, k.off); err != nil {
		return true, err
	}
	if !codec.Streams(kind, head) {
		return false, nil
	}
	err = codec.DecodeFrom(kind, dst, io.NewSectionReader(d.f, k.off, int64(k.size)), width)
	if err != nil {
		err = d.pipe[at].failed(err)
	}
	return true, err
}
