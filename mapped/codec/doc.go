// Package codec decodes the compressed chunks of HDF5 and zarr from memory to memory.
//
// # Types
//
// A Scratch holds decoders that are used again and again: one for each goroutine. Its Decode fills memory of the
// caller's whose length is the decoded length, which chunked formats know; DecodeAll is for data whose length only they
// tell. Kind says in which form they are. Filters that keep the length, and checksums, are functions: Unshuffle,
// BitUnshuffle, CheckFletcher32, CheckCRC32C.
//
//	var s codec.Scratch
//	err := s.Decode(codec.Blosc, chunk, stored)
//	text, err = s.DecodeAll(codec.Zstd, text, stored, 1<<30)
//
// # Libraries
//
// Deflate is decoded by klauspost/compress, or, in builds with cgo and the tag libdeflate, by the system's libdeflate,
// which is faster by far; InflateLibrary says which. Before klauspost/compress is asked, a decoder of ours tries zlib and
// gzip from memory to memory, which is about twice as fast; what it says counts only where the checksum agrees.
// Zstd and snappy are klauspost/compress's, LZ4 is pierrec/lz4's. Blosc's frame, BloscLZ, LZF and the shuffles have no library in Go, and are
// ours.
//
// # Invariants
//
// Data are not trusted: whatever the bytes, decoding ends, writes only into the memory it was given, and takes no more
// memory for lengths that data claim than data of their size can decode to. Every error is an *Error (or wraps one) of
// kind ErrCorrupt, ErrChecksum, ErrTooLarge or ErrUnsupported. Decode succeeds only when the length is exactly
// the one asked for.
//
// # Caveats
//
//   - LZ4, LZF, Blosc and Deflate carry no checksum: damage inside them that leaves the length right is not seen.
//   - After an error the destination holds anything.
//   - Bytes behind a zlib stream, and behind a Blosc chunk, are ignored, as the reference implementations do; behind
//     gzip and zstd they must be further members or frames.
//
// Formats: RFC 1950, 1951, 1952, 8878; "LZ4 Block Format Description" (Yann Collet); Blosc's README_CHUNK_FORMAT and
// c-blosc's behaviour where that is silent (splits of old versions, bits of odd blocks, BloscLZ); LZF after
// liblzf's format by Marc Lehmann; bitshuffle after
// Masui et al., "A compression scheme for radio data in high performance computing" (2015).
package codec
