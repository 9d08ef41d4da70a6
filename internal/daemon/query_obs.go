package daemon

import (
	"context"
	"encoding/binary"
)

// queryObsColumns lists the columns of obs, each with the stores that lack it.
func queryObsColumns(ctx context.Context, q asked) (*result, error) {
	columns, err := q.coll.ObsColumns(ctx)
	if err != nil {
		return nil, err
	}
	value := make([]map[string]any, len(columns))
	for i, c := range columns {
		value[i] = map[string]any{"key": c.Key, "absent": c.Absent}
	}
	return &result{value: value}, nil
}

// queryObsNames gives the names of a store's rows: their UTF-8 one after the other, and where each ends.
func queryObsNames(_ context.Context, q asked) (*result, error) {
	var args struct {
		Store int `msgpack:"store"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	names, index, err := q.coll.ObsNames(args.Store)
	if err != nil {
		return nil, err
	}
	total := int64(0)
	for _, name := range names {
		total += int64(len(name))
	}
	n := int64(len(names))
	ends := resultArray{name: "ends", dtype: "int64", shape: []int64{n}, size: 8 * n, fill: func(dst []byte) error {
		end := 0
		for i, name := range names {
			end += len(name)
			binary.LittleEndian.PutUint64(dst[8*i:], uint64(end))
		}
		return nil
	}}
	text := resultArray{name: "text", dtype: "uint8", shape: []int64{total}, size: total, fill: func(dst []byte) error {
		for _, name := range names {
			dst = dst[copy(dst, name):]
		}
		return nil
	}}
	return &result{value: map[string]any{"index": index}, arrays: []resultArray{ends, text}}, nil
}

// queryObsValues gives an obs column as a data frame has it.
func queryObsValues(ctx context.Context, q asked) (*result, error) {
	key, err := keyOf(q)
	if err != nil {
		return nil, err
	}
	v, err := q.coll.ObsValues(ctx, key)
	if err != nil {
		return nil, err
	}
	out := &result{
		value: map[string]any{"kind": string(v.Kind), "nullable": v.Nullable, "order": v.Order},
		arrays: []resultArray{{
			name: "values", dtype: v.DType, shape: []int64{v.N}, categories: v.Categories, size: v.Size(),
			fill: func(dst []byte) error {
				v.Write(dst)
				return nil
			},
		}},
	}
	if v.Missing && v.Categories == nil {
		out.arrays = append(out.arrays, resultArray{name: "present", dtype: "bool", shape: []int64{v.N}, size: v.N, fill: func(dst []byte) error {
			v.Present(dst)
			return nil
		}})
	}
	return out, nil
}

// queryRawVar gives the joined variables of raw.X.
func queryRawVar(_ context.Context, q asked) (*result, error) {
	return &result{value: q.coll.RawVar()}, nil
}
