// Package mapped concatenates AnnData files virtually: rows of many files are
// numbered through, their variables are joined, their labels encoded, and any
// rows can be written into memory that the caller provides, in parallel.
//
//	Collection  files opened once, joined, encoded      Open
//	Encoder     one form of batches over a collection   Collection.NewEncoder
//	Batch       one batch being written                 Encoder.NewBatch
//	Scratch     working memory of one goroutine         NewScratch
//
// # What is read
//
// h5ad files and zarr stores as anndata 0.5 and later write them, through
// [mapped/h5] and [mapped/zarr], which implement the interfaces of tree.go. X,
// layers and raw.X may be CSR, CSC or dense; obsm entries that too, or data frames
// of numbers, and are given dense. obs columns may be numbers, booleans, text,
// categoricals (groups, `__categories` of 0.7, `uns/KEY_categories` of 0.6) and
// nullable arrays. The index is a column under its name in the file.
// The layouts are those of anndata's documentation of its on-disk format and of
// files written by its old versions.
//
// # What comes out
//
// Field order, names and the look of absent values are those of docs/protocol.md.
//
//   - Layers: the promoted type of the stores (numpy's result_type), or
//     EncoderOptions.DType by numpy's astype. Repeated columns of a sparse row are
//     summed in the file's type, as scipy does. Rows of a CSR field have
//     ascending, distinct columns; explicit zeros stay.
//   - Encoded labels: int64 codes of the sorted union of the declared categories of
//     all stores, or of the distinct values of columns that are not categorical.
//     Missing labels and the unknown label are -1; only the mask tells them apart.
//   - Text and categoricals that are not encoded: int32 codes into the same table.
//   - Numbers that are not encoded: the promoted type; NaN counts as missing.
//   - A mask for every field that some row lacks, a property of the collection and
//     not of a batch.
//
// X and layers are joined over var of all stores, raw.X over raw.var of the stores
// that have it; rows of one store may have raw.X as it is there. Equal lists in equal
// order are not joined: their order stays and names may repeat. A panel
// (Options.VarNames) takes the place of all joins. Variables are named by the index,
// or by the column Options.VarKey. Sparse rows go through the column map in one pass.
//
// # Transforms and statistics
//
// Options.Transforms are compiled once for a collection: see [Transform]. A row is
// read, its values are made float32, steps that look at nothing but a value are
// done in one pass, and only then are the values scattered over what 0 becomes. A
// total over the genes of the file is taken before the join. Statistics go the
// same way, without a batch.
//
// # Reading
//
// Sources that need no decoding are read with pread, exactly the bytes of a row,
// where the types agree straight into the batch. Others are decoded in whole
// chunks, through a cache of Options.CacheBytes that all goroutines share.
// Steady batches allocate nothing.
//
// CSC matrices are turned into rows, which stay in a file without a name in
// Options.TempDir until the collection is closed: 4 bytes and a value for each
// stored value, two and a half times as much while it is made. Open begins with that in the
// background. One pass over the columns, parallel and in 64 MB, sorts values
// into buckets of rows (in a second file where they are many); then each bucket
// is put in order. See Collection.Wait.
//
// # Row store
//
// With Options.RowStore, a matrix that is in chunks behind a filter is read so once: whoever asks for a row that the store
// lacks decodes the chunks that hold it, and all rows that these complete are written to the store, canonical (columns
// ascending, repeated ones summed). What chunks have of other rows waits until those are whole, in 32 MiB of memory and
// beyond that in a file without a name. So each chunk is decoded once, by one goroutine, whatever the order of the rows, and only
// for rows that are asked for: nobody waits for more than the chunks of his own batch. Later batches, of later
// processes too, go from the store's memory to the batch in one pass. Prepare does all of it ahead.
//
//	units       which chunks are decoded together, and which rows they complete: sparseUnits, denseUnits
//	rowTable    a matrix's rows in the store, and the units in work
//	rowWriter   encodes rows and writes them
//	rowKeeper   what the tables of a collection share
//
// Whatever goes wrong there (no room, damage, a failing disk), rows come from the source as without a row store, through
// the cache of chunks; a row whose sums its type does not hold (of halves) always does.
//
// # Invariants
//
//   - A Collection and its Encoders never change after they are made.
//   - Bytes of a batch depend on the files' content and the options: not on the
//     storage of the files, the cache, the goroutines or earlier batches.
//   - Nothing that a file says is believed unchecked: a column outside the matrix,
//     an indptr that falls or ends past the data are ErrBadFile. Lengths are
//     checked before memory is taken.
//   - A batch whose files changed since Open fails with ErrChanged, at Begin, when
//     a read comes up short, or at Finish.
//
// # Caveats
//
// The first encoder of a collection with CSC matrices waits for their rows. Data
// frames in obsm are kept in memory. Memory per row: 4 bytes for each sparse
// matrix, 1, 2 or 4 for codes, a number's own width. Close while batches are being filled is safe; they
// fail with ErrClosed. Platforms are little-endian.
//
// [mapped/h5]: https://pkg.go.dev/github.com/loaderd/loaderd/mapped/h5
// [mapped/zarr]: https://pkg.go.dev/github.com/loaderd/loaderd/mapped/zarr
package mapped
