package daemon

import "context"

// queryVarList gives the names of the variables of each store, each distinct list once.
func queryVarList(_ context.Context, q asked) (*result, error) {
	lists, stores := q.coll.VarLists()
	return &result{value: map[string]any{"lists": lists, "stores": stores}}, nil
}
