package rowstore

import "unsafe"

// number are the element types that Go computes with.
type number interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64
}

// word are the types that stand for elements that are moved and not looked at.
type word interface {
	uint8 | uint16 | uint32 | uint64
}

// view sees b as elements of T in native byte order. A remainder shorter than an element is left out. b must be aligned
// to T. The view lives as long as b.
//
// This file is the only one of the package with unsafe.
func view[T number](b []byte) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(b) < size {
		return nil
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(p)%unsafe.Alignof(zero) != 0 {
		panic("rowstore: misaligned memory")
	}
	return unsafe.Slice((*T)(p), len(b)/size)
}

// bytesOf sees v as bytes.
func bytesOf[T number](v []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(zero)))
}

// aligned says whether b starts at a multiple of size bytes.
func aligned(b []byte, size int) bool {
	return len(b) == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(size) == 0
}

// alignedBytes is n bytes that start at a multiple of 8.
func alignedBytes(n int) []byte {
	if n == 0 {
		return nil
	}
	return bytesOf(make([]uint64, (n+7)/8))[:n]
}

// grow gives n bytes of *buf, aligned, with any content, and replaces it when it is too short.
func grow(buf *[]byte, n int) []byte {
	if cap(*buf) < n {
		*buf = alignedBytes(n + n/4)
	}
	return (*buf)[:n]
}

// realigned is b, or a copy of it in *buf where b does not start at a multiple of size bytes.
func realigned(b []byte, size int, buf *[]byte) []byte {
	if aligned(b, size) {
		return b
	}
	out := grow(buf, len(b))
	copy(out, b)
	return out
}

// address is where b lies. Only what does not move may be asked for: mappings, and memory that is kept on the heap.
func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
