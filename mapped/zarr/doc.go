// Package zarr reads zarr stores, versions 2 and 3, from folders and zip archives: what anndata writes and has
// written, and what is near to it.
//
// # Types
//
// Open gives a Store; Lookup or Root lead to its objects, each a *Group or an *Array, with attributes. Small arrays are
// read whole (Array.Read, Strings). Large ones are read by rows: Rows into memory of the caller's, ReadChunk for
// callers that keep decoded chunks themselves, and, where nothing needs decoding, DirectAt and ReadAt, which
// read exactly the bytes of a row.
//
// # What is read
//
//   - metadata of version 2 (.zarray, .zgroup, .zattrs, .zmetadata) and 3 (zarr.json), consolidated or not
//   - folders, and zip archives with stored or deflated members; a member that was written again counts as written last
//   - every separator and encoding of chunk keys, C and F order, the codec transpose
//   - shards (sharding_indexed) with the index at either end, within one another, or encoded as a whole. A chunk
//     inside a shard is read and decoded alone; the index of a shard is read once
//   - the codecs bytes, gzip, zlib, zstd, lz4, blosc, shuffle, and the checksums crc32c, crc32, adler32 and
//     fletcher32, which are verified; in version 3 also under numcodecs' names
//   - booleans, integers, floats of 2, 4 and 8 bytes in any byte order, strings (vlen-utf8, fixed bytes, fixed code
//     points), bytes of any length, records
//   - missing chunks, which are the fill value: NaN, the infinities and bit patterns included
//
// All else is an ErrUnsupported that names the store, the object, the form and a cure; never a wrong number. Among it:
// the other codecs and filters of numcodecs (delta, packbits, lzma …), objects encoded by pickle or JSON, storage
// transformers, irregular grids, members that metadata say must be understood. Complex numbers and times are
// read as bytes.
//
// # Invariants
//
// What was parsed never changes: any number of goroutines may read anything at once. Where a chunk lies is looked up
// once, under a short lock. With a Scratch that has grown to its chunks, DirectAt and ReadAt do not allocate, and
// ReadChunk allocates only what opening a file does. All stores together keep at most 128 chunk files open.
//
// Stores are not trusted. Every size is checked before memory is taken for it; a chunk of more than MaxChunkBytes, metadata of
// more than MaxMetadataBytes, and a whole read that what is stored cannot justify, are ErrTooLarge. Names that lead
// out of the store are not followed; loops of symbolic links, pipes and folders in place of chunks are errors.
//
// # Change
//
// A folder is written to piece by piece. What a chunk's file was (size, time) when it was first read, it must still be
// when it is read again; one that is gone or cut, one written after Open, and chunks of an array whose metadata changed, are
// ErrChanged. Changed looks at the file in which the store begins.
//
// # Caveats
//
//   - Group.Object and Lookup parse the object anew each time: keep an *Array that is read often.
//   - Consolidated metadata are believed, as zarr-python does: what was added to a store later is not seen.
//   - Reading a part of a shard that is a deflated member of an archive inflates the member.
//   - Strings of one chunk share memory: keeping one keeps the others.
//
// Formats: the Zarr storage specification version 2; the Zarr core specification version 3 and its codecs; numcodecs' documentation of
// its own.
package zarr
