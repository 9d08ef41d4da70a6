package mapped

import "context"

// RowStoreUsage says where a collection's decoded rows are kept, and how much room they take.
type RowStoreUsage struct {
	Dir     string // folder of the row store; "": there is none, or nothing of the collection goes there
	Rows    int64  // rows, of all its matrices, that may be in the store
	Stored  int64  // rows that are
	Bytes   int64  // what those take on disk
	Needs   int64  // what all will take: an estimate until they are there
	Total   int64  // what the rows of all collections take
	Allowed int64  // the most they may take
	Free    int64  // free bytes of the disk
}

// RowStoreUsage looks at the tables of the collection. It is cheap, and changes as rows are stored.
func (c *Collection) RowStoreUsage() RowStoreUsage { return RowStoreUsage{} }

// Prepare fills the row store with all rows of the collection, in the order of the files and with all processors, so that
// no later batch decodes a chunk. It goes on from where an earlier one, or reading, has got to. progress, if not nil, is
// told, by one goroutine at a time, how many of how many rows are there.
//
// It fails as Fill does, and when ctx ends; what was stored by then stays. Without a row store it does nothing.
func (c *Collection) Prepare(ctx context.Context, progress func(done, total int64)) error {
	return c.Wait(ctx)
}
