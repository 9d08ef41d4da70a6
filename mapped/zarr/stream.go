package zarr

import (
	"cmp"
	"io"

	"github.com/loaderd/loaderd/mapped/codec"
)

// streamed says by which codec, and with a shuffle of how many bytes before it (0: none), chunks are written, when
// that is all that is done to them.
func (c *chain) streamed() (kind codec.Kind, width int, ok bool) {
	if c.inner != plain || c.order != nil || len(c.steps) == 0 || c.steps[0].op != opDecode {
		return 0, 0, false
	}
	switch rest := c.steps[1:]; {
	case len(rest) == 0:
		return c.steps[0].kind, 0, true
	case len(rest) == 1 && rest[0].op == opShuffle:
		return c.steps[0].kind, rest[0].width, true
	}
	return 0, 0, false
}

// streamPlace decodes a large chunk while it is read. done is false when its form, or where it lies, does not allow
// that: it must then be read as a whole before it is decoded.
func (a *Array) streamPlace(dst []byte, p place, c *chain) (done bool, err error) {
	kind, width, ok := c.streamed()
	between := int64(0)
	if width > 1 {
		between = a.chunkBytes
	}
	if !ok || p.n+between < cmp.Or(a.s.streamFrom, codec.StreamFrom) || !a.inShards && !a.random {
		return false, nil
	}
	r := io.NewSectionReader(placed{a, p}, 0, p.n)
	head := make([]byte, min(codec.StreamHead, p.n))
	if _, err := io.ReadFull(r, head); err != nil {
		return true, err
	}
	if !codec.Streams(kind, head) {
		return false, nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return true, err
	}
	return true, codecErrorOrNil(codec.DecodeFrom(kind, dst, r, width))
}

// placed reads the stored bytes of one chunk.
type placed struct {
	a *Array
	p place
}

// ReadAt reads all of b, as storage does, or fails.
func (r placed) ReadAt(b []byte, off int64) (int, error) {
	if err := r.a.s.st.readAt(objectID{r.a, r.p.object}, r.p.o, b, r.p.off+off); err != nil {
		return 0, err
	}
	return len(b), nil
}
