package daemon

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// filterOf is what the wire's filter asks of package mapped.
func filterOf(f ipc.Filter) mapped.Filter {
	out := mapped.Filter{Expr: f.Expr}
	for _, t := range f.Terms {
		out.Terms = append(out.Terms, mapped.FilterTerm{Key: t.Key, Values: t.Values, Null: t.Null})
	}
	return out
}

// queryFilter gives the keys of the filter that no file has, each with a hint.
func queryFilter(_ context.Context, q asked) (*result, error) {
	unknown := make([][2]string, 0)
	for _, u := range q.coll.UnknownFilterKeys() {
		unknown = append(unknown, [2]string{u.Key, u.Hint})
	}
	return &result{value: map[string]any{"unknown": unknown}}, nil
}

// queryIndices gives the row in its file of each row.
func queryIndices(_ context.Context, q asked) (*result, error) {
	n := q.coll.NObs()
	return &result{arrays: []resultArray{{
		name: "indices", dtype: "int64", shape: []int64{n}, size: 8 * n,
		fill: func(dst []byte) error { return fillIndices(q.coll, dst) },
	}}}, nil
}

// fillIndices writes in pieces, which need no memory of the collection's size beside dst.
func fillIndices(c *mapped.Collection, dst []byte) error {
	var rows [4096]int64
	for first := int64(0); len(dst) > 0; {
		part := rows[:min(len(rows), len(dst)/8)]
		if err := c.Rows(part, first); err != nil {
			return err
		}
		for _, row := range part {
			binary.LittleEndian.PutUint64(dst, uint64(row))
			dst = dst[8:]
		}
		first += int64(len(part))
	}
	return nil
}

// keyArgs name one obs column.
type keyArgs struct {
	Key string `msgpack:"key"`
}

func keyOf(q asked) (string, error) {
	var args keyArgs
	err := q.args.Decode(&args)
	return args.Key, err
}

// queryMergedCategories gives the labels of an obs column in all files.
func queryMergedCategories(ctx context.Context, q asked) (*result, error) {
	key, err := keyOf(q)
	if err != nil {
		return nil, err
	}
	categories, err := q.coll.MergedCategories(ctx, key)
	return &result{value: categories}, err
}

// queryMergedLabels gives the values of an obs column in all rows.
func queryMergedLabels(ctx context.Context, q asked) (*result, error) {
	key, err := keyOf(q)
	if err != nil {
		return nil, err
	}
	l, err := q.coll.Labels(ctx, key)
	if err != nil {
		return nil, err
	}
	return &result{arrays: []resultArray{{
		name: "labels", dtype: l.DType, shape: []int64{l.N}, categories: l.Categories, size: l.Size(),
		fill: func(dst []byte) error {
			l.Write(dst)
			return nil
		},
	}}}, nil
}

// queryLabelClasses counts the labels, or combinations of labels, of obs columns; with rows, it says which each row has.
func queryLabelClasses(ctx context.Context, q asked) (*result, error) {
	var args struct {
		Keys []string `msgpack:"keys"`
		Rows bool     `msgpack:"rows"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	counts, err := q.coll.LabelClasses(ctx, args.Keys)
	if err != nil {
		return nil, err
	}
	n := []int64{int64(len(counts.Counts))}
	data := make([]byte, 0, 8*len(counts.Counts))
	for _, c := range counts.Counts {
		data = binary.LittleEndian.AppendUint64(data, uint64(c))
	}
	out := &result{arrays: []resultArray{bytesArray("counts", "int64", n, data)}}
	for i, l := range counts.Labels {
		a := bytesArray(fmt.Sprintf("labels:%d", i), l.DType, n, l.Data)
		a.categories = l.Categories
		out.arrays = append(out.arrays, a)
	}
	if !args.Rows {
		return out, nil
	}
	out.arrays = append(out.arrays, resultArray{
		name: "codes", dtype: "int32", shape: []int64{int64(len(counts.Codes))}, size: 4 * int64(len(counts.Codes)),
		fill: func(dst []byte) error {
			for i, code := range counts.Codes {
				binary.LittleEndian.PutUint32(dst[4*i:], uint32(code))
			}
			return nil
		},
	})
	return out, nil
}
