// Package h5 reads HDF5 files, in pure Go, on an io.ReaderAt: what anndata writes and has written, and
// what is near to it.
//
// # Types
//
// Open gives a File; Lookup or Root lead to its objects, each a *Group or a *Dataset, with attributes. Small
// arrays are read whole (Dataset.Ints, Strings, Values …). Large ones are read by rows: Rows into memory of
// the caller's, ReadChunk for callers that keep decoded chunks themselves, and, where nothing needs
// decoding, DirectAt, which says at which byte of the file an element lies. That is the way of uncompressed
// sparse matrices, which anndata stores in unfiltered chunks of some 20,000 elements: one pread of exactly
// a row's bytes, straight to where they are wanted.
//
// # What is read
//
//   - superblocks 0–3, behind a user block or not; files whose addresses have 2, 4 or 8 bytes
//   - object headers 1 and 2, continued, with committed datatypes and shared messages
//   - groups of symbol tables, and of links in the header or in fractal heaps (direct and indirect blocks, huge and
//     tiny objects, filters); soft links
//   - attributes in the header and in heaps
//   - integers and IEEE floats of any byte order, enumerations (booleans), strings of fixed and variable length,
//     sequences, compounds, arrays, object references, bitfields, opaque bytes
//   - contiguous, compact and chunked layouts, messages 1–5 (5 is HDF5 2.0's), every chunk index, fill
//     values, filter masks, unfiltered edges
//   - the filters deflate, shuffle, fletcher32, lzf, zstd, lz4, bitshuffle (alone, with lz4, with zstd) and blosc, all of
//     them decoded by mapped/codec
//
// All else is an ErrUnsupported that names the file, the object, the form and a cure; never a wrong number. Among
// it: external links, virtual datasets, values in external files, region references, long double, complex
// (as a class of HDF5 2.0; h5py's compounds of r and i are read), time, integers of odd widths, the other filters (szip, nbit, scale-offset, blosc2, bzip2, zfp
// …), two compressors one upon the other.
//
// # Invariants
//
// An open file is immutable: any number of goroutines may read anything at once. What is read lazily (a group's
// links, an object's attributes, a dataset's chunk table) is read once and never changes; after that, reading
// rows takes no lock. With a Scratch that has grown to its chunks, Rows, ReadChunk and DirectAt do not
// allocate.
//
// Files are not trusted. Every address and length is checked against the file before memory is taken; checksums of
// metadata are verified, and so are those of deflate, zstd (where the writer made one) and fletcher32; nesting is bounded and blocks are
// visited once, so that no file makes reading endless. A chunk of more than MaxChunkBytes, and a whole read that
// what is stored cannot justify, are ErrTooLarge.
//
// # Caveats
//
//   - Group.Object and Lookup parse the object anew each time: keep a *Dataset that is read often.
//   - Bytes are read when they are asked for. A file that is written to meanwhile gives whatever it then holds;
//     Changed tells, by size and modification time. A file that was cut gives ErrTruncated.
//   - Old formats (what anndata writes by default) carry no checksums over metadata, nor over unfiltered values.
//   - Strings of one heap block share memory: keeping one keeps its neighbours, some 4 KiB.
//
// Formats: The HDF Group, "HDF5 File Format Specification Version 3.0"; layout message 5 after files that HDF5 2.0
// writes. Filters: the HDF Group's registry of filters, and what hdf5plugin writes.
package h5
