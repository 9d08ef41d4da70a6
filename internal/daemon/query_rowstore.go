package daemon

import (
	"context"
	"errors"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// queryRowStore answers with what the collection has in the row store.
func queryRowStore(_ context.Context, q asked) (*result, error) {
	return &result{value: q.rows.of(q.coll)}, nil
}

// queryPrepare writes all rows of the collection to the row store, and answers as queryRowStore does.
func queryPrepare(ctx context.Context, q asked) (*result, error) {
	if q.rows.get() == nil {
		return nil, noRowStore(q.rows.reason())
	}
	if err := q.coll.Prepare(ctx, q.tell); err != nil {
		return nil, err
	}
	return queryRowStore(ctx, q)
}

// noRowStore is the error of who needs one.
func noRowStore(why error) error {
	err := &mapped.Error{Kind: mapped.ErrNoSpace, Stage: "prepare", Object: "LOADERD_ROWSTORE", Err: why,
		Hint: "set LOADERD_ROWSTORE to a folder that you can write, then run `loaderd stop`: the next daemon takes it"}
	if errors.Is(why, errNoRowStore) {
		err.Kind = mapped.ErrUnsupported
		err.Hint = "unset LOADERD_ROWSTORE, or set it to a folder, then run `loaderd stop`: the next daemon takes it"
	}
	return err
}

// teller tells the client how far its request is. What it cannot hear any more it need not: its context ends.
func (c *conn) teller(id int64, what string) func(done, total int64) {
	return func(done, total int64) {
		if err := c.wire.WriteMsg(&ipc.Progress{ID: id, What: what, Done: done, Total: total}); err != nil {
			c.log.Debug("progress was not sent", "error", err)
		}
	}
}
