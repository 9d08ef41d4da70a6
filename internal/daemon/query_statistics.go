package daemon

import (
	"context"
	"encoding/binary"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// statisticsArgs are the arguments of the query "statistics".
type statisticsArgs struct {
	Layer      string          `msgpack:"layer"`
	Transforms []ipc.Transform `msgpack:"transforms"` // nil: those of the collection; empty: none
	SkipAbsent bool            `msgpack:"skip_absent"`
}

// queryStatistics gives the statistics of a layer, and the counts of labels.
func queryStatistics(ctx context.Context, q asked) (*result, error) {
	var args statisticsArgs
	if err := q.args.Decode(&args); err != nil {
		return nil, invalid("query", "args", err)
	}
	o := mapped.StatisticsOptions{Layer: args.Layer, SkipAbsent: args.SkipAbsent}
	if args.Transforms != nil {
		o.Transforms = append([]mapped.Transform{}, transformsOf(args.Transforms)...)
	}
	s, err := q.coll.Statistics(ctx, o)
	if err != nil {
		return nil, err
	}
	labels, err := q.coll.ColumnCounts(ctx)
	if err != nil {
		return nil, err
	}
	out := &result{arrays: []resultArray{
		numbersArray("mean", "float64", s.Mean), numbersArray("var", "float64", s.Var),
		numbersArray("nonzero", "int64", s.NonZero), numbersArray("present", "int64", s.Present),
		numbersArray("total", "float64", s.Total), numbersArray("cell_nonzero", "int32", s.CellNonZeros),
	}}
	columns := make([]map[string]any, 0, len(labels))
	for _, l := range labels {
		a := numbersArray("labels/"+l.Key, "int64", l.Counts)
		column := columnOf(q.coll, l.Key)
		a.categories = column.Categories
		out.arrays = append(out.arrays, a)
		columns = append(columns, map[string]any{
			"key": l.Key, "missing": l.Missing, "unknown": l.Unknown, "unknown_label": unknownLabel(column),
		})
	}
	out.value = map[string]any{"n": s.N, "labels": columns}
	return out, nil
}

func columnOf(c *mapped.Collection, key string) mapped.Column {
	for _, col := range c.Columns() {
		if col.Key == key {
			return col
		}
	}
	return mapped.Column{}
}

// unknownLabel is the label that has code -1, nil where there is none.
func unknownLabel(c mapped.Column) any {
	for _, l := range c.Encoder {
		if l.Code < 0 {
			return l.Value
		}
	}
	return nil
}

// numbersArray is a vector of numbers that stay as they are until it is sent.
func numbersArray[T int32 | int64 | float64](name, dtype string, values []T) resultArray {
	size := binary.Size(values)
	return resultArray{name: name, dtype: dtype, shape: []int64{int64(len(values))}, size: int64(size), fill: func(dst []byte) error {
		_, err := binary.Encode(dst, binary.LittleEndian, values)
		return err
	}}
}
