//go:build libdeflate && cgo

package codec

/*
#cgo pkg-config: libdeflate
#cgo noescape loaderd_inflate
#cgo nocallback loaderd_inflate
#include <libdeflate.h>

// Which of the library's functions, by Kind: 1 zlib, 2 gzip, 3 raw.
static int loaderd_inflate(struct libdeflate_decompressor *d, int kind, const unsigned char *src, size_t srcLen,
                           unsigned char *dst, size_t dstLen, size_t *used, size_t *made) {
	switch (kind) {
	case 1: return libdeflate_zlib_decompress_ex(d, src, srcLen, dst, dstLen, used, made);
	case 2: return libdeflate_gzip_decompress_ex(d, src, srcLen, dst, dstLen, used, made);
	}
	return libdeflate_deflate_decompress_ex(d, src, srcLen, dst, dstLen, used, made);
}
*/
import "C"

import "runtime"

// InflateLibrary names what decodes Zlib, Gzip and Deflate in this build.
const InflateLibrary = "libdeflate " + C.LIBDEFLATE_VERSION_STRING

// inflater keeps the library's decompressor, which is freed when the inflater is no longer reachable.
type inflater struct {
	d *decompressor
	// The library writes here; in the struct they need no memory of their own.
	used, made C.size_t
	none       [1]byte // stands for slices without bytes
}

type decompressor struct {
	c *C.struct_libdeflate_decompressor
}

func (f *inflater) into(k Kind, dst, src []byte) (int, error) {
	if f.d == nil {
		c := C.libdeflate_alloc_decompressor()
		if c == nil {
			return 0, &Error{Codec: k.String(), Kind: ErrTooLarge, Form: "no memory for a decompressor"}
		}
		f.d = &decompressor{c}
		runtime.AddCleanup(f.d, func(c *C.struct_libdeflate_decompressor) { C.libdeflate_free_decompressor(c) }, c)
	}
	if k != Gzip {
		n, _, err := f.one(k, dst, src)
		return n, err
	}
	// Members follow upon each other until the data end.
	at := 0
	for {
		n, used, err := f.one(k, dst[at:], src)
		if at += n; err != nil {
			return 0, err
		}
		if src = src[used:]; len(src) == 0 {
			return at, nil
		}
	}
}

// one decodes one stream and says how many bytes it gave and how many it took.
func (f *inflater) one(k Kind, dst, src []byte) (made, used int, err error) {
	in, out := &f.none[0], &f.none[0]
	if len(src) > 0 {
		in = &src[0]
	}
	if len(dst) > 0 {
		out = &dst[0]
	}
	rc := C.loaderd_inflate(f.d.c, C.int(k), (*C.uchar)(in), C.size_t(len(src)), (*C.uchar)(out), C.size_t(len(dst)),
		&f.used, &f.made)
	runtime.KeepAlive(f.d)
	switch rc {
	case C.LIBDEFLATE_SUCCESS:
		return int(f.made), int(f.used), nil
	case C.LIBDEFLATE_INSUFFICIENT_SPACE:
		return 0, 0, errMore
	}
	return 0, 0, corrupt(k.String(), "an invalid or truncated stream, or a wrong checksum")
}
