// Package h5 reads HDF5 files, in pure Go, on an io.ReaderAt.
package h5
