// Package daemon is loaderd itself: it owns the files, the order, the buffers and the sessions.
//
// It is the only package that imports all the others. A batch travels through it like this:
//
//	conn (one per socket) ── open ──► datasets (collections, shared by all sessions)
//	  │ start                              │
//	  ▼                                    ▼
//	stream: planner ── frame ──► pool (row ranges, fair between sessions) ──► announcer ── ready ──► socket
//	  ▲                                                                           │
//	  └────────────── release ◄───────────────────────────────────────────────────┘
//
// # Types
//
//   - [Server]: the listening socket, the idle clock, the life of the process.
//   - conn: one client connection. It reads messages in order and owns what they made.
//   - datasets: open collections by content key, counted by use, kept a little longer than used.
//   - stream: one start…end: plans frames in order, has them filled in parallel, announces them in order.
//   - getter: the frames that answer get.
//   - pool: the worker goroutines. Work is cut by (frame, row range) and taken from the sessions in turn.
//
// # Invariants
//
//   - A frame is allocated in order, filled by any worker, announced in order, and freed only by a release
//     message or by the end of its connection. Nothing is read back from a frame.
//   - A ring is unmapped only after the last worker has left it.
//   - What a connection holds is free once its socket or its peer's process is gone, whichever is first.
//   - A panic in a worker fails the batch it was filling, and that stream; no other.
//   - One session cannot take another's memory (each has a ring of its own) nor change its order (a pure
//     function of the session's own request), and gets at most its turn of the workers.
//
// # Caveats
//
// Memory beside rings: the decoded chunk cache of each open collection, its index (about 5 bytes a row and layer,
// 4 bytes a row and obs key), and a few MiB of scratch for each worker.
package daemon
