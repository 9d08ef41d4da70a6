// Command decode reads arrays of an h5ad or zarr file by mapped/h5 or mapped/zarr, and tells how long that took and how
// much memory. It is the Go half of bench/readers; the harness builds it once for each inflate.
//
//	decode whole  GOROUTINES FILE ARRAY…   all arrays into memory, twice; the second time counts
//	decode stream GOROUTINES FILE ARRAY…   all arrays, keeping one chunk for each goroutine
//	decode index  GOROUTINES FILE ARRAY…   only where the chunks of the arrays lie (HDF5)
//
// It prints one line of JSON: see answer.
package main
