package daemon

import (
	"encoding/hex"
	"fmt"
	"math"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

// schemaOf is the wire's form of an encoder's fields.
func schemaOf(fields []mapped.Field) ipc.Schema {
	s := make(ipc.Schema, len(fields))
	for i, f := range fields {
		kind := ipc.Kind(f.Kind.String())
		s[i] = ipc.Field{
			Name: f.Name, Kind: kind, DType: f.DType, Width: f.Width, Buffers: kind.Buffers(),
			Of: f.Of, Categories: f.Categories,
		}
	}
	return s
}

// optionsOf is what a spec asks of package mapped.
func optionsOf(spec ipc.Spec) (mapped.Options, error) {
	join, err := mapped.ParseJoin(string(spec.JoinOrDefault()))
	if err != nil {
		return mapped.Options{}, err
	}
	return mapped.Options{
		LayersKeys: spec.LayersKeys, ObsKeys: spec.ObsKeys, ObsmKeys: spec.ObsmKeys, Join: join,
		VarNames: spec.VarNames, VarKey: spec.VarKey,
		Encode: spec.EncodedKeys(), UnknownLabel: spec.UnknownLabels(), Encoders: encodersOf(spec.Encoders),
		Filter: filterOf(spec.Filter), Transforms: transformsOf(spec.Transforms),
	}, nil
}

// encodersOf is the wire's tables of codes.
func encodersOf(tables map[string][]ipc.Pair) map[string][]mapped.Label {
	if tables == nil {
		return nil
	}
	out := make(map[string][]mapped.Label, len(tables))
	for key, table := range tables {
		labels := make([]mapped.Label, len(table))
		for i, pair := range table {
			code, ok := pair[1].(int64)
			if !ok {
				code = math.MinInt64 // no code, which package mapped refuses by the label's name
			}
			labels[i] = mapped.Label{Value: pair[0], Code: code}
		}
		out[key] = labels
	}
	return out
}

// openedMessage answers m with what the client needs to know of c.
func openedMessage(m *ipc.Open, c *mapped.Collection) *ipc.Opened {
	hash := c.Hash()
	out := &ipc.Opened{ID: m.ID, Hash: hex.EncodeToString(hash[:]), NObs: c.NObs()}
	if n, ok := c.NVars(); ok {
		n64 := int64(n)
		out.NVars = &n64
	}
	if m.Brief {
		return out
	}
	out.NObsList, out.Var = c.NObsList(), c.Var()
	for _, n := range c.NVarsList() {
		out.NVarsList = append(out.NVarsList, int64(n))
	}
	for _, s := range c.Shapes() {
		out.Shapes = append(out.Shapes, ipc.Shape{s.NObs, int64(s.NVars)})
	}
	for _, col := range c.Columns() {
		w := ipc.Column{
			Key: col.Key, DType: col.DType, Encoded: col.Encoded, Categories: col.Categories,
			Source: col.Source, Absent: col.Absent, Missing: col.Missing,
		}
		for _, l := range col.Encoder {
			w.Encoder = append(w.Encoder, [2]any{l.Value, l.Code})
		}
		out.Columns = append(out.Columns, w)
	}
	return out
}

// negative is the error for a number that must not be one.
func negative(what string, n int64) error {
	return invalid("start", what, fmt.Errorf("must not be negative, got %d", n))
}

// transformsOf is the wire's list of transforms as package mapped takes it: nil is nil.
func transformsOf(list []ipc.Transform) (out []mapped.Transform) {
	for _, t := range list {
		out = append(out, mapped.Transform{Name: t.Name, Args: t.Args})
	}
	return out
}
