// Command bareloop is the least that delivers batches: the limit that loaderd is held against on the same machine.
//
// It encodes the rows of a matrix with cache/rowstore, in memory. Goroutines then fill the slots of a ring with rows drawn at
// random, one batch each, with the kernels of cache/rowstore; one byte over a socket says which slot is full, one byte back
// that it is free. There is no order to keep, no join, no label, no daemon and no error to report to anybody.
//
//	bareloop FOLDER dense|csr BATCH SLOTS WORKERS SEED FD
//
// FOLDER has data.npy (float32), indices.npy (int32), indptr.npy (int64) and columns (a number), as
// bench/peers/scipy_memory.py writes them. FD is an open Unix socket. What it sends first is a line of JSON (see welcome) with
// the ring's descriptor. It ends when the other end of the socket is closed.
package main
