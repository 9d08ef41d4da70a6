//go:build !libdeflate || !cgo

package codec

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// InflateLibrary names what decodes Zlib, Gzip and Deflate in this build.
const InflateLibrary = "klauspost/compress"

// inflater keeps the library's readers, which are reset for each chunk, and the decoder that saves asking it about the usual
// ones.
type inflater struct {
	memory  *memoryInflater
	src     bytes.Reader
	zlib    io.ReadCloser
	gzip    *gzip.Reader
	deflate io.ReadCloser
	byte    [1]byte
}

func (f *inflater) into(k Kind, dst, src []byte) (int, error) {
	if f.memory == nil {
		f.memory = new(memoryInflater)
	}
	if n, ok := f.memory.into(k, dst, src); ok {
		return n, nil
	}
	return f.ask(k, dst, src)
}

// ask decodes by the library alone.
func (f *inflater) ask(k Kind, dst, src []byte) (int, error) {
	f.src.Reset(src)
	defer f.src.Reset(nil)
	// Members are told apart here: the library takes a second one that ends inside its header for the end of the data.
	at := 0
	for {
		n, err := f.one(k, dst[at:])
		if at += n; err != nil || k != Gzip || f.src.Len() == 0 {
			return at, err
		}
	}
}

// one decodes one stream.
func (f *inflater) one(k Kind, dst []byte) (int, error) {
	r, err := f.reader(k)
	if err != nil {
		return 0, inflateError(k, err)
	}
	n, err := io.ReadFull(r, dst)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && f.ended(r) {
		return n, nil
	}
	if err != nil {
		return 0, inflateError(k, err)
	}
	// Only reading on shows the end, and verifies the checksum.
	switch extra, err := io.ReadFull(r, f.byte[:]); {
	case extra > 0:
		return 0, errMore
	case !errors.Is(err, io.EOF):
		return 0, inflateError(k, err)
	}
	return n, nil
}

// ended tells a stream that ended well from one that was cut: both are io.ErrUnexpectedEOF of ReadFull.
func (f *inflater) ended(r io.Reader) bool {
	_, err := r.Read(f.byte[:])
	return errors.Is(err, io.EOF)
}

func (f *inflater) reader(k Kind) (io.Reader, error) {
	switch {
	case k == Zlib && f.zlib == nil:
		r, err := zlib.NewReader(&f.src)
		if err == nil {
			f.zlib = r
		}
		return r, err
	case k == Zlib:
		return f.zlib, f.zlib.(zlib.Resetter).Reset(&f.src, nil)
	case k == Gzip:
		if f.gzip == nil {
			f.gzip = new(gzip.Reader)
		}
		err := f.gzip.Reset(&f.src)
		f.gzip.Multistream(false)
		return f.gzip, err
	case f.deflate == nil:
		f.deflate = flate.NewReader(&f.src)
		return f.deflate, nil
	}
	return f.deflate, f.deflate.(flate.Resetter).Reset(&f.src, nil)
}

func inflateError(k Kind, err error) error {
	if errors.Is(err, zlib.ErrChecksum) || errors.Is(err, gzip.ErrChecksum) {
		return &Error{Codec: k.String(), Kind: ErrChecksum}
	}
	return corrupt(k.String(), err.Error())
}
