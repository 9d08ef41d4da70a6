package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// asked is what a query is answered from. coll stays open until the answer is made.
type asked struct {
	coll *mapped.Collection
	args ipc.Args
	rows *rowStore
	tell func(done, total int64) // how far a long query is, in rows
}

// result is the answer to a query: a value of plain msgpack types, and arrays.
type result struct {
	value  any
	arrays []resultArray
}

// resultArray is one array of a result.
type resultArray struct {
	name       string
	dtype      string
	shape      []int64
	categories []any
	size       int64                  // bytes
	fill       func(dst []byte) error // writes all size bytes, little-endian, in C order
}

// queries has the queries by what they ask.
var queries = map[string]func(ctx context.Context, q asked) (*result, error){
	"coverage":          queryCoverage,
	"filter":            queryFilter,
	"form":              queryForm,
	"indices":           queryIndices,
	"label_classes":     queryLabelClasses,
	"merged_categories": queryMergedCategories,
	"merged_labels":     queryMergedLabels,
	"obs_columns":       queryObsColumns,
	"obs_names":         queryObsNames,
	"obs_values":        queryObsValues,
	"overview":          queryOverview,
	"prepare":           queryPrepare,
	"raw_var":           queryRawVar,
	"row_store":         queryRowStore,
	"statistics":        queryStatistics,
	"var_list":          queryVarList,
}

// query answers one query. Its arrays go out in a segment of their own, of which the daemon keeps nothing.
func (c *conn) query(m *ipc.Query) error {
	if c.data == nil {
		return c.fail(m.ID, errNotOpen("query"))
	}
	answer, ring, err := c.answer(m)
	if err != nil {
		return c.fail(m.ID, err)
	}
	if ring == nil {
		return c.wire.WriteMsg(answer)
	}
	defer ring.Close()
	return c.wire.WriteMsg(answer, ring.File())
}

func (c *conn) answer(m *ipc.Query) (*ipc.Answer, *ipc.Ring, error) {
	ask := queries[m.What]
	if ask == nil {
		known := slices.Sorted(maps.Keys(queries))
		return nil, nil, invalid("query", "what", fmt.Errorf("%q is no query of this daemon; it has %q", m.What, known))
	}
	ctx, done := c.whileConnected()
	r, err := c.guarded(func() (*result, error) {
		return ask(ctx, asked{c.data.coll, m.Args, c.server.rows, c.teller(m.ID, "rows")})
	})
	done()
	if err != nil {
		return nil, nil, err
	}
	out := &ipc.Answer{ID: m.ID, Value: r.value, Arrays: make([]ipc.AnswerArray, len(r.arrays))}
	if len(r.arrays) == 0 {
		return out, nil, nil
	}
	for i, a := range r.arrays {
		out.Arrays[i] = ipc.AnswerArray{Name: a.name, DType: a.dtype, Shape: a.shape, At: out.SegSize, Categories: a.categories}
		out.SegSize += ipc.FrameSize(a.size)
	}
	ring, err := ipc.NewRing(max(out.SegSize, ipc.Align))
	if err != nil {
		return nil, nil, err
	}
	_, err = c.guarded(func() (*result, error) {
		for i, a := range r.arrays {
			at := out.Arrays[i].At
			if err := a.fill(ring.Bytes()[at : at+a.size]); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if err != nil {
		return nil, nil, errors.Join(err, ring.Close())
	}
	out.SegSize, out.FDs = ring.Size(), 1
	return out, ring, nil
}

// hangUpEvery is how often is looked whether the client of a query still waits for its answer.
const hangUpEvery = 100 * time.Millisecond

// whileConnected gives a context that ends when the client hangs up: while it asks, nobody reads from it. The
// caller ends it by done.
func (c *conn) whileConnected() (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	var g errgroup.Group
	g.Go(func() error {
		tick := time.NewTicker(hangUpEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				if hungUp(c.sock) {
					cancel(errHungUp)
				}
			}
		}
	})
	return ctx, func() {
		cancel(nil)
		g.Wait()
	}
}

// guarded makes an error of a panic: a bug of ours costs this query, not the daemon.
func (c *conn) guarded(do func() (*result, error)) (r *result, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("panic in a query", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: panic in a query: %v", errInternal, p)
		}
	}()
	return do()
}

// bytesArray is an array of which the bytes are there.
func bytesArray(name, dtype string, shape []int64, data []byte) resultArray {
	return resultArray{name: name, dtype: dtype, shape: shape, size: int64(len(data)), fill: func(dst []byte) error {
		copy(dst, data)
		return nil
	}}
}
