package mapped

import (
	"slices"
	"sort"
	"strings"
)

// lackedKey is a var frame without the column that Options.VarKey names.
type lackedKey struct {
	at   string   // the frame within the file
	have []string // its columns
}

// frameAt opens a frame of the store; nil when there is none.
func (s *store) frameAt(path ...string) (*frame, error) {
	root, err := s.env.file.root()
	if err != nil {
		return nil, err
	}
	n, err := lookup(root, path...)
	if n == nil || err != nil {
		return nil, err
	}
	return openFrame(s.env, root, n)
}

// varNames reads the names of variables: the index, or the column that Options.VarKey names. Where that is not
// there, it is noted, and the index takes its place until all stores are known.
func (o *opener) varNames(s *store, f *frame, at string) ([]string, error) {
	key := o.options.VarKey
	if key == "" {
		return f.names()
	}
	c, err := f.column(key)
	if err != nil {
		return nil, err
	}
	if c == nil {
		have, err := f.keys()
		if err != nil {
			return nil, err
		}
		if s.lacks == nil {
			s.lacks = &lackedKey{at, slices.Clone(have)}
		}
		return f.names()
	}
	if c.source == SourceBool || !c.coded && c.dtype.isFloat() {
		return nil, s.env.fail(ErrInvalid, f.at(key), "name a column of text or whole numbers", "var_key=%q is a column of %s", key, c.dtype)
	}
	first := make(map[string]int, c.n)
	names := c.texts()
	for i, name := range names {
		if !c.has(int64(i)) {
			return nil, s.env.fail(ErrInvalid, f.at(key), "give every variable a value, or choose another var_key",
				"var_key=%q has no value for %s", key, f.variable(i))
		}
		if before, ok := first[name]; ok {
			return nil, s.env.fail(ErrInvalid, f.at(key), "make its values unique, or choose another var_key",
				"var_key=%q has %q twice: for %s and %s", key, name, f.variable(before), f.variable(i))
		}
		first[name] = i
	}
	return names, nil
}

// variable names variable i in errors.
func (f *frame) variable(i int) string {
	names, err := f.names()
	if err != nil || i >= len(names) {
		return "a variable"
	}
	return "the variable `" + names[i] + "`"
}

// checkVarKey refuses a key that some store lacks.
func (c *Collection) checkVarKey() error {
	key := c.options.VarKey
	var have []string
	lacking := -1
	n := 0
	for i, s := range c.stores {
		if s.lacks == nil {
			continue
		}
		n++
		have = append(have, s.lacks.have...)
		if lacking < 0 {
			lacking = i
		}
	}
	if lacking < 0 {
		return nil
	}
	if n == len(c.stores) {
		sort.Strings(have)
		have = slices.Compact(have)
		return fail(ErrUnknownKey, stageOpen, "var_key", didYouMean(key, have), "no file has the column %q in var", key)
	}
	s := c.stores[lacking]
	at := strings.TrimPrefix(s.lacks.at, "/")
	return fail(ErrUnknownKey, stageOpen, element(s.env.path, s.lacks.at), didYouMean(key, s.lacks.have),
		"var_key=%q is no column of %s here", key, at)
}
