package registry

import "context"

// typed gives the records of a query as structs.
func typed[T any](ctx context.Context, db *DB, m Model, q Query, of func(Record) *T) ([]*T, error) {
	if q.Model != "" && q.Model != m {
		return nil, fail(ErrInvalid, "query", "model", "leave it out", "the query asks for records of %s; here it gives those of %s", q.Model, m)
	}
	q.Model = m
	found, err := db.Records(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]*T, len(found))
	for i, r := range found {
		out[i] = of(r)
	}
	return out, nil
}

// whole is the value of a number that may be absent.
func (r Record) whole(name string) *int64 {
	n, ok := r[name].(int64)
	if !ok {
		return nil
	}
	return &n
}
