package mapped

// VarLists are the names of the variables of stores. Stores with the same list share it.
type VarLists struct {
	Names  []string  // every name once, in the order of first appearance
	Lists  [][]int32 // the distinct lists, as positions in Names
	Stores []int     // of each store the number of its list; -1: the store has none
}

// VarLists gives the variables of each store, or those of its raw.X, where raw.X was asked for.
func (c *Collection) VarLists(raw bool) VarLists {
	var out VarLists
	at := make(map[string]int32)
	number := make(map[*nameList]int)
	for _, s := range c.stores {
		l := s.vars
		if raw {
			l = s.rawVars
		}
		if l == nil {
			out.Stores = append(out.Stores, -1)
			continue
		}
		i, known := number[l]
		if !known {
			i = len(out.Lists)
			number[l] = i
			out.Lists = append(out.Lists, out.number(l.names, at))
		}
		out.Stores = append(out.Stores, i)
	}
	return out
}

// number gives the positions of names in v.Names, to which new ones are added.
func (v *VarLists) number(names []string, at map[string]int32) []int32 {
	list := make([]int32, len(names))
	for i, name := range names {
		k, known := at[name]
		if !known {
			k = int32(len(v.Names))
			at[name] = k
			v.Names = append(v.Names, name)
		}
		list[i] = k
	}
	return list
}
