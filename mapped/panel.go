package mapped

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Coverage says how many names of the panel each store has, in the order of the stores.
type Coverage struct {
	Var []int // among its variables
	Raw []int // among those of raw.X, -1 without raw.X; nil unless raw.X was asked for
	// Near has, for stores that lack more than half of the panel, names of theirs that differ from
	// names of the panel in case or version only, as a hint; "" where there are none.
	Near map[int]string
}

// Coverage compares the panel with the stores; nil without a panel.
func (c *Collection) Coverage() *Coverage {
	panel := c.options.VarNames
	if panel == nil {
		return nil
	}
	out := &Coverage{Near: make(map[int]string)}
	var raw bool
	for i, s := range c.stores {
		lists := []*nameList{s.vars}
		out.Var = append(out.Var, c.vars.covered(i, s.vars))
		out.Raw = append(out.Raw, -1)
		low := c.usesVars() && 2*out.Var[i] < len(panel)
		if s.rawVars != nil {
			raw = true
			out.Raw[i] = c.rawVars.covered(i, s.rawVars)
			low = low || 2*out.Raw[i] < len(panel)
			lists = append(lists, s.rawVars)
		}
		if low {
			out.Near[i] = nearPanel(panel, lists...)
		}
	}
	if !raw {
		out.Raw = nil
	}
	return out
}

// usesVars says whether anything is read over var, and not raw.X alone.
func (c *Collection) usesVars() bool {
	return !slices.Equal(c.options.LayersKeys, []string{"raw.X"})
}

// covered is how many of the joined names store i has.
func (j *varJoin) covered(i int, l *nameList) int {
	if m := j.maps[i]; m != nil {
		return m.kept
	}
	return len(l.names)
}

// joinPanel maps the columns of each store to the panel. Names outside it may repeat.
func joinPanel(panel []string, lists []*nameList, object func(i int) string) (*varJoin, error) {
	out := newVarJoin(len(lists))
	out.names, out.width = panel, len(panel)
	out.mapColumns(lists)
	for i, l := range distinct(lists) {
		m := out.maps[i]
		if m == nil {
			continue // the panel itself
		}
		for k, j := range m.to {
			if j >= 0 && m.from[j] != int32(k) {
				return nil, fail(ErrInvalid, stageJoin, object(i),
					"make the names unique (adata.var_names_make_unique()) or leave it out of var_names",
					"the variable %q of var_names occurs more than once", l.names[k])
			}
		}
	}
	return out, nil
}

// checkPanel refuses a panel of which no store has anything. It says what the stores have instead.
func (c *Collection) checkPanel() error {
	panel := c.options.VarNames
	if panel == nil {
		return nil
	}
	var lists, raws []*nameList
	found, foundRaw := 0, 0
	for i, s := range c.stores {
		lists = append(lists, s.vars)
		found += c.vars.covered(i, s.vars)
		if s.rawVars != nil {
			raws = append(raws, s.rawVars)
			foundRaw += c.rawVars.covered(i, s.rawVars)
		}
	}
	switch {
	case c.usesVars() && found == 0:
		return c.noneOfPanel("/var", lists, c.options.VarNames)
	case len(raws) > 0 && foundRaw == 0:
		return c.noneOfPanel("/raw/var", raws, c.options.VarNames)
	}
	return nil
}

func (c *Collection) noneOfPanel(at string, lists []*nameList, panel []string) error {
	hint := nearPanel(panel, lists...)
	if hint == "" {
		hint = c.columnWithPanel(at)
	}
	if hint == "" {
		hint = "check that var_names are named as in the files, or name a column of var with var_key"
	}
	first := lists[0].names
	return fail(ErrNoSharedVars, stageJoin, "var_names", hint,
		"none of its %d names (such as %s) is in %s of any file (the first has %d names such as %s)",
		len(panel), quoteList(panel[:min(2, len(panel))], ", "), strings.TrimPrefix(at, "/"),
		len(first), quoteList(first[:min(2, len(first))], ", "))
}

// columnWithPanel looks through var of the first store for a column of names that the panel has.
func (c *Collection) columnWithPanel(at string) string {
	f, err := c.stores[0].frameAt(strings.Split(at, "/")[1:]...)
	if err != nil || f == nil {
		return "" // only a hint is lost
	}
	keys, err := f.keys()
	if err != nil {
		return ""
	}
	wanted := make(map[string]bool, len(c.options.VarNames))
	for _, name := range c.options.VarNames {
		wanted[name] = true
	}
	for _, key := range keys {
		column, err := f.column(key)
		if err != nil || column == nil || !column.coded || key == c.options.VarKey {
			continue
		}
		n := 0
		for _, v := range column.table {
			if v.kind == textValue && wanted[v.text] {
				n++
			}
		}
		if n > 0 {
			return fmt.Sprintf("the column `%s` has %d of them: use var_key=%q", key, n, key)
		}
	}
	return ""
}

// ensemblVersion is the part of an Ensembl id that changes with the annotation: ENSG00000141510.18.
var ensemblVersion = regexp.MustCompile(`\.\d+$`)

// foldGene leaves out what often differs between two spellings of one variable.
func foldGene(name string) string {
	return strings.ToLower(ensemblVersion.ReplaceAllString(strings.TrimSpace(name), ""))
}

// nearPanel is a hint that names variables of the lists which differ from missing ones of the panel in case,
// spaces around them or version; "" without any.
func nearPanel(panel []string, lists ...*nameList) string {
	const show = 3
	have := make(map[string]string)
	there := make(map[string]bool)
	for _, l := range distinct(lists) {
		for _, name := range l.names {
			there[name] = true
			if key := foldGene(name); have[key] == "" {
				have[key] = name
			}
		}
	}
	var pairs []string
	n := 0
	for _, name := range panel {
		if near := have[foldGene(name)]; near != "" && !there[name] {
			if n++; n <= show {
				pairs = append(pairs, fmt.Sprintf("`%s` for `%s`", near, name))
			}
		}
	}
	if n == 0 {
		return ""
	}
	hint := "did you mean " + strings.Join(pairs, ", ")
	if n > show {
		hint += fmt.Sprintf(" and %d more", n-show)
	}
	return hint + "? Case and version count"
}
