// Package ipc is the wire between the daemon and its clients, and the Go client.
//
// It has four parts. docs/protocol.md describes every byte of the first two.
//
//   - Messages: one msgpack map each, length-prefixed, on a Unix stream socket ([Conn]), with file descriptors beside
//     them. One struct for each op: [Hello], [Open], [Get], [Start] … and [Welcome], [Opened], [Ready] ….
//   - Frames: a batch is laid out in shared memory as its [Schema] says ([Schema.Layout]). The memory is an anonymous
//     file ([Ring]) that is reserved in full, sealed, and passed over the socket; an [Allocator] cuts it into frames.
//   - Where the socket is and how a daemon is started: [SocketPath], [EnsureRuntimeDir], [Listen], [Lock], [Dial].
//   - The client: [Client], [Session], [Batch].
//
// # Invariants
//
//   - Ownership of a frame passes by messages only. Nothing in shared memory is ever read to decide anything.
//   - A message is read only when its length is within the limit, and decoded only when each length declared
//     inside it is within the message: bytes that came from elsewhere cost memory in proportion to their number.
//   - A ring's pages exist from the start. A process that maps one can not be killed by a fault in it, whatever the peer
//     does: the file can not shrink.
//   - Every wait of the client ends when its context ends or its peer is gone.
//
// # Caveats
//
//   - What a [Batch] shows is memory shared with the daemon. It is valid until [Batch.Release]; after that the
//     daemon writes the next batch there, and once the segment is unmapped a read faults. Copy what has to live longer.
//     Close of the client does not invalidate a batch; Release does. There are no finalizers: a batch that is never
//     released holds its frame until the client is closed, and its mapping until the process ends.
//   - A client may write into a batch that it holds. Nobody else sees it.
//   - [Client] and [Session] may be used from several goroutines; a [Batch] from one at a time, apart from reading.
//   - The lock beside the socket is a flock: do not put the runtime folder on a network file system that has none.
//   - [Session.Next] hands out batches faster than they are released only as long as the ring has room. A program
//     that keeps every batch waits for itself: ctx is the way out.
package ipc
