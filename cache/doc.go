// Package cache turns what is registered into bytes that can be read here.
//
// A [Ref] names an object: a file or a folder by its path, or by a URL. [Cache.Path] gives a path under which it can be read:
//
//   - what lies on this machine: its own path. Nothing is copied;
//   - what lies below a root that the user calls slow (a network file system, say), or behind a URL whose scheme has a [Store]: a copy in
//     the cache's folder. The copy is renewed when the size or the modification time of a file differs from that of the source,
//     or when a file came or went.
//
// Package [rowstore] beside it keeps decoded rows, and has nothing to do with this one.
//
// # Types
//
//   - [Store]: where objects are: what they are now ([Info]), and their bytes. [Local] is the one of paths; others can be added by
//     the scheme of URLs.
//   - [Cache]: which objects are copied, and the copies.
//   - [Found]: where an object can be read, and what is to be said of it.
//
// # How copies are kept
//
//	DIR/
//	  0123…ef/        one for each source, named by a digest of its ref
//	    source        the ref, for people
//	    lock          locked (flock) by whoever makes a copy
//	    new/          a copy that is being made
//	    7/NAME        the copy, a file or a folder: the seventh
//
// A copy is made as "new" and renamed to the next number when it is whole; the number before it is removed then. It is never changed
// afterwards: its files cannot be written to, and have the modification times of their sources. Of a folder, files that are what they
// were are taken from the copy before.
//
// # Invariants
//
//   - A path that Path gives holds a copy that is whole, whatever was killed, whenever. What a killed process has left is removed by
//     the next one that makes a copy of the same source.
//   - One copy of a source is made at a time, in all processes; who waited for it uses it.
//   - Nothing outside the cache's folder is written, whatever a store calls its files.
//   - Two versions of a copy share no file, so that who reads the older one can tell by its files that it is gone: those at the
//     top, where a zarr store begins, go first.
//
// # Caveats
//
// A change that leaves size and modification time as they were is not seen. To look whether a folder's copy is outdated costs a look at each of its
// files, there and here. Copies are removed by nobody but the user, and a renewal needs room for the old one and the new one. The cache's folder must be on a file system with locks. Empty folders are
// not copied, nor links that lead nowhere; a link to a folder inside a folder is refused, because its files would be missing.
//
// [rowstore]: https://pkg.go.dev/github.com/loaderd/loaderd/cache/rowstore
package cache
