package mapped

import "slices"

// StoreOverview is what sets a store apart from the others.
type StoreOverview struct {
	Path string
	NObs int64 // rows that the filter keeps
	Rows int64 // of the file
	// NVars are the variables of the file, and Joined those of them that X of the collection has.
	NVars, Joined int
	// Lacks are the keys asked for that the file does not have: "obs/NAME", "obsm/NAME", or a layer.
	Lacks []string
	// DTypes are the types, numpy's names, of the layers asked for and of columns of numbers ("obs/NAME").
	DTypes map[string]string
}

// Overview describes each store.
func (c *Collection) Overview() []StoreOverview {
	out := make([]StoreOverview, len(c.stores))
	joined := make(map[string]struct{}, len(c.vars.names))
	for _, name := range c.vars.names {
		joined[name] = struct{}{}
	}
	counts := make(map[*nameList]int)
	for i, s := range c.stores {
		o := StoreOverview{Path: s.env.path, NObs: s.kept(), Rows: s.rows, NVars: len(s.vars.names), DTypes: map[string]string{}}
		if _, known := counts[s.vars]; !known {
			n := 0
			for _, name := range s.vars.names {
				if _, ok := joined[name]; ok {
					n++
				}
			}
			counts[s.vars] = n
		}
		o.Joined = counts[s.vars]
		o.matrices("", c.options.LayersKeys, s.layers)
		o.matrices("obsm/", c.options.ObsmKeys, s.obsm)
		for _, col := range c.columns {
			switch part := col.parts[i].column; {
			case part == nil:
				o.Lacks = append(o.Lacks, "obs/"+col.Key)
			case part.valueType() != noType:
				o.DTypes["obs/"+col.Key] = part.valueType().String()
			default:
				o.DTypes["obs/"+col.Key] = "text"
			}
		}
		out[i] = o
	}
	return out
}

func (o *StoreOverview) matrices(prefix string, keys []string, found []*matrix) {
	for i, key := range keys {
		switch m := found[i]; {
		case m == nil:
			o.Lacks = append(o.Lacks, prefix+key)
		case m.sparse != nil || m.dense != nil: // the rows of a CSC matrix may not be there yet
			o.DTypes[prefix+key] = m.dtype().String()
		}
	}
}

// AllVars is the number of different variables of all stores together.
func (c *Collection) AllVars() int {
	seen := make(map[string]struct{}, len(c.vars.names))
	var done []*nameList
	for _, s := range c.stores {
		if slices.Contains(done, s.vars) {
			continue
		}
		done = append(done, s.vars)
		for _, name := range s.vars.names {
			seen[name] = struct{}{}
		}
	}
	return len(seen)
}
