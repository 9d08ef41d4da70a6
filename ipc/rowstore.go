package ipc

import "context"

// RowStore says where the rows of a collection are kept, small and fast to read, and how much that takes, in bytes. In a
// [Status] it speaks of the rows of all collections.
type RowStore struct {
	Dir      string `msgpack:"dir" json:"dir"`           // "": there is no row store
	Rows     int64  `msgpack:"rows" json:"rows"`         // rows, of all matrices of the collection, that may be there
	Stored   int64  `msgpack:"stored" json:"stored"`     // rows that are
	Needs    int64  `msgpack:"needs" json:"needs"`       // what all rows take: an estimate until they are there
	Has      int64  `msgpack:"has" json:"has"`           // what those that are there take
	Total    int64  `msgpack:"total" json:"total"`       // what the rows of all collections take
	Allowed  int64  `msgpack:"allowed" json:"allowed"`   // what those may take
	Free     int64  `msgpack:"free" json:"free"`         // on the disk
	Complete bool   `msgpack:"complete" json:"complete"` // nothing is left to be written
	Problem  string `msgpack:"problem" json:"problem"`   // why there is no row store, or not for all rows
}

// RowStore asks what the open collection has in the row store; nil where nothing of it goes there, as of dense matrices that
// are not compressed, or because the daemon has no row store and is to have none.
func (c *Client) RowStore(ctx context.Context) (*RowStore, error) {
	return c.rowStore(ctx, "row_store", nil)
}

// Prepare has the daemon write all rows of the open collection to the row store, so that later batches decode nothing. It goes on
// where an earlier call, or reading, has got to, and ends early only when the client is closed; what is written by then stays.
// Calls to progress, where it is not nil, come from another goroutine, and end before Prepare does. It returns what
// [Client.RowStore] says then.
func (c *Client) Prepare(ctx context.Context, progress func(done, total int64)) (*RowStore, error) {
	told := func(p Progress) {
		if progress != nil {
			progress(p.Done, p.Total)
		}
	}
	return c.rowStore(ctx, "prepare", told)
}

func (c *Client) rowStore(ctx context.Context, what string, progress func(Progress)) (*RowStore, error) {
	var answer struct {
		Value *RowStore `msgpack:"value"`
	}
	id := c.nextID.Add(1)
	w := &waiter{take: expect(OpAnswer, &answer), done: make(chan error, 1), progress: progress}
	if err := c.callWith(ctx, id, &Query{ID: id, What: what}, w); err != nil {
		return nil, err
	}
	return answer.Value, nil
}
