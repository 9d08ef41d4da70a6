package daemon

import (
	"context"
	"encoding/binary"

	"github.com/loaderd/loaderd/mapped"
)

// queryVarList gives the names of the variables of each store: every name once, and each distinct list as positions among them.
func queryVarList(_ context.Context, q asked) (*result, error) {
	var args struct {
		Raw bool `msgpack:"raw"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	lists := q.coll.VarLists(args.Raw)
	var text, ends, codes []byte
	for _, name := range lists.Names {
		text = append(text, name...)
		ends = binary.LittleEndian.AppendUint64(ends, uint64(len(text)))
	}
	lengths := make([]int, len(lists.Lists))
	n := int64(0)
	for i, list := range lists.Lists {
		lengths[i] = len(list)
		n += int64(len(list))
		for _, code := range list {
			codes = binary.LittleEndian.AppendUint32(codes, uint32(code))
		}
	}
	return &result{
		value: map[string]any{"stores": lists.Stores, "lengths": lengths},
		arrays: []resultArray{
			bytesArray("text", "uint8", []int64{int64(len(text))}, text),
			bytesArray("ends", "int64", []int64{int64(len(lists.Names))}, ends),
			bytesArray("codes", "int32", []int64{n}, codes),
		},
	}, nil
}

// queryCoverage says how much of the panel each store has; nil without a panel.
func queryCoverage(_ context.Context, q asked) (*result, error) {
	c := q.coll.Coverage()
	if c == nil {
		return &result{}, nil
	}
	var raw any
	if c.Raw != nil {
		raw = c.Raw
	}
	near := make([]string, len(c.Var))
	for store, hint := range c.Near {
		near[store] = hint
	}
	return &result{value: map[string]any{"var": c.Var, "raw": raw, "near": near}}, nil
}

// queryForm makes an encoder, so that what cannot be a batch is known before a stream is begun.
func queryForm(ctx context.Context, q asked) (*result, error) {
	var args struct {
		Format string `msgpack:"format"`
		DType  string `msgpack:"dtype"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	_, err := newEncoding(ctx, q.coll, args.Format, args.DType, mapped.EncoderOptions{})
	return &result{}, err
}
