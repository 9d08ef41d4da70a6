package daemon

import "context"

// queryOverview describes the stores, for people.
func queryOverview(_ context.Context, q asked) (*result, error) {
	stores := q.coll.Overview()
	files := make([]map[string]any, len(stores))
	for i, s := range stores {
		lacks := s.Lacks
		if lacks == nil {
			lacks = []string{}
		}
		files[i] = map[string]any{
			"n_obs": s.NObs, "rows": s.Rows, "n_vars": s.NVars, "joined": s.Joined, "lacks": lacks, "dtypes": s.DTypes,
		}
	}
	return &result{value: map[string]any{"files": files, "all_vars": q.coll.AllVars()}}, nil
}
