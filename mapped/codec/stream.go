package codec

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

const (
	// StreamFrom is the size in bytes, of stored data and of what is between two codecs, from which DecodeFrom saves
	// memory that is worth its price.
	StreamFrom = 2 << 20
	// StreamHead is how many of the first bytes Streams looks at.
	StreamHead = 32

	streamWindow = 8 << 20  // the largest window of zstd that a stream may need
	streamRead   = 64 << 10 // bytes to read at a time
	streamStep   = 64 << 10 // bytes of a shuffled stream at a time
)

// Streams says whether DecodeFrom decodes data of this form that begin with head.
func Streams(k Kind, head []byte) bool {
	switch k {
	case Zlib, Gzip:
		return true
	case Zstd:
		var h zstd.Header
		if h.Decode(head) != nil || h.Skippable {
			return false
		}
		window := h.WindowSize
		if h.SingleSegment {
			window = h.FrameContentSize
		}
		return window <= streamWindow
	}
	return false
}

// DecodeFrom is Decode for data that are too large to hold beside what they decode to: it reads them piece by piece, and
// takes a few MiB of memory whatever they are, but for twice the time of Decode. When width is above 1 it undoes a
// shuffle of elements of that size as well (see Unshuffle). Only forms for which Streams is true. Errors of src are
// returned as they are.
func DecodeFrom(k Kind, dst []byte, src io.Reader, width int) error {
	in := &watched{r: src}
	err := decodeFrom(k, dst, bufio.NewReaderSize(in, streamRead), width)
	switch {
	case in.err != nil:
		return in.err
	case errors.Is(err, errMore):
		return corrupt(k.String(), "more bytes than belong")
	}
	return err
}

func decodeFrom(k Kind, dst []byte, src io.Reader, width int) error {
	r, err := streamReader(k, src)
	if err != nil {
		return streamError(k, err)
	}
	if c, ok := r.(io.Closer); ok {
		defer c.Close() // an error of the data is known from reading to their end
	}
	n, err := fill(dst, r, width)
	switch {
	case err != nil:
		return streamError(k, err)
	case n < len(dst):
		return wrongLength(k.String(), n, len(dst))
	}
	// Only reading on shows the end, and verifies the checksum.
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return errMore
	case !errors.Is(err, io.EOF):
		return streamError(k, err)
	}
	return nil
}

// fill reads until dst is full or r ends well, and says how many bytes it got.
func fill(dst []byte, r io.Reader, width int) (int, error) {
	if width < 2 || width > len(dst) {
		return readAll(r, dst)
	}
	piece := make([]byte, min(streamStep, len(dst)))
	elements := len(dst) / width
	for at := 0; at < len(dst); {
		// The rest of a plane, or what makes no whole element and stands behind all planes.
		left := len(dst) - at
		if at < elements*width {
			left = elements - at%elements
		}
		p := piece[:min(left, len(piece))]
		n, err := readAll(r, p)
		if at < elements*width {
			for i, to := 0, at%elements*width+at/elements; i < n; i, to = i+1, to+width {
				dst[to] = p[i]
			}
		} else {
			copy(dst[at:], p[:n])
		}
		if at += n; err != nil || n < len(p) {
			return at, err
		}
	}
	return len(dst), nil
}

// readAll reads until p is full or r has ended, which is no error. (io.ReadFull gives the same error for data that ended
// and for data that were cut.)
func readAll(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) {
		m, err := r.Read(p[n:])
		n += m
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func streamReader(k Kind, src io.Reader) (io.Reader, error) {
	switch k {
	case Zlib:
		return zlib.NewReader(src)
	case Gzip:
		return gzip.NewReader(src)
	case Zstd:
		d, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(streamWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, &Error{Codec: k.String(), Kind: ErrUnsupported, Form: "piece by piece"}
}

func streamError(k Kind, err error) error {
	var e *Error
	switch {
	case errors.As(err, &e), errors.Is(err, errMore):
		return err
	case errors.Is(err, zlib.ErrChecksum), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return &Error{Codec: k.String(), Kind: ErrChecksum}
	}
	return corrupt(k.String(), err.Error())
}

// watched remembers an error that is its reader's and not the data's.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}
