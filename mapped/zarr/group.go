package zarr

import (
	"encoding/json"
	"slices"
)

// Object is a *Group or an *Array.
type Object interface {
	// Path is absolute within the store.
	Path() string
	// Attr gives an attribute; false when there is none of that name.
	Attr(name string) (Attr, bool)
	// AttrNames are sorted.
	AttrNames() []string
}

// Group is a group of groups and arrays.
type Group struct{ node }

// node reads the node at a key that is known to be valid; nil when there is none.
func (s *Store) node(key string) (Object, error) {
	e, meta, err := s.entry(key)
	if err != nil {
		return nil, err
	}
	n := node{s: s, key: key}
	if e.node != nil {
		return s.node3(n, e, meta)
	}
	if e.group == nil && e.array == nil {
		return nil, nil
	}
	if e.att != nil {
		if n.attrs, err = parseObject(e.att); err != nil {
			return nil, located2(err, ".zattrs")
		}
	}
	if e.array == nil {
		f, err := parseObject(e.group)
		if err != nil {
			return nil, located2(err, ".zgroup")
		}
		if v, ok := asInt(f["zarr_format"]); !ok || v != 2 {
			return nil, corrupt("zarr_format is %s in a .zgroup", brief(f["zarr_format"]))
		}
		return &Group{n}, nil
	}
	f, err := parseObject(e.array)
	if err != nil {
		return nil, located2(err, ".zarray")
	}
	l, err := parseArray2(f)
	if err != nil {
		return nil, err
	}
	return newArray(n, l, meta)
}

func (s *Store) node3(n node, e entry, meta metaFile) (Object, error) {
	f, err := parseObject(e.node)
	if err != nil {
		return nil, located2(err, "zarr.json")
	}
	if v, ok := asInt(f["zarr_format"]); !ok || v != 3 {
		return nil, corrupt("zarr_format is %s in a zarr.json", brief(f["zarr_format"]))
	}
	if n.attrs, err = f.object("attributes"); err != nil {
		return nil, err
	}
	switch kind, _ := f.text("node_type"); kind {
	case "group":
		return &Group{n}, checkMembers3(f)
	case "array":
		l, err := parseArray3(f)
		if err != nil {
			return nil, err
		}
		return newArray(n, l, meta)
	}
	return nil, corrupt("node_type is %s", brief(f["node_type"]))
}

// metaFile is the file that says what a node is, and what it was like when the node was read.
type metaFile struct {
	key string
	was object
}

// entry reads a node's metadata from the catalog or from its files.
func (s *Store) entry(key string) (e entry, meta metaFile, err error) {
	names := []string{"zarr.json"}
	parts := []*json.RawMessage{&e.node}
	if s.version == 2 {
		names, parts = []string{".zarray", ".zgroup", ".zattrs"}, []*json.RawMessage{&e.array, &e.group, &e.att}
	}
	if s.catalog != nil {
		e = s.catalog.nodes[key]
		meta.key = join(key, names[0])
		if e.array != nil || e.node != nil {
			meta.was, err = s.st.stat(meta.key)
		}
		return e, meta, err
	}
	for i, name := range names {
		if name == ".zattrs" && e.array == nil && e.group == nil || name == ".zgroup" && e.array != nil {
			continue
		}
		file := join(key, name)
		data, ok, err := s.st.small(file, MaxMetadataBytes)
		if err != nil {
			return e, meta, err
		}
		if !ok {
			continue
		}
		*parts[i] = data
		if i == 0 {
			meta.key = file
			if meta.was, err = s.st.stat(file); err != nil {
				return e, meta, err
			}
		}
	}
	return e, meta, nil
}

// Names lists the members, sorted.
func (g *Group) Names() ([]string, error) {
	if c := g.s.catalog; c != nil {
		return slices.Clone(c.children[g.key]), nil
	}
	names, err := g.s.st.folders(g.key)
	if err != nil {
		return nil, g.fail(err)
	}
	marks := []string{"zarr.json"}
	if g.s.version == 2 {
		marks = []string{".zarray", ".zgroup"}
	}
	var out []string
	for _, name := range names {
		for _, mark := range marks {
			o, err := g.s.st.stat(join(join(g.key, name), mark))
			if err != nil {
				return nil, g.fail(err)
			}
			if !o.missing {
				out = append(out, name)
				break
			}
		}
	}
	return out, nil
}

// Object gives a member; ErrNotFound when there is none of that name. The name is one name, not a path.
func (g *Group) Object(name string) (Object, error) {
	var o Object
	if validName(name) {
		key := join(g.key, name)
		var err error
		if o, err = g.s.node(key); err != nil {
			return nil, locate(err, g.s.name, "/"+key)
		}
	}
	if o == nil {
		return nil, &Error{Store: g.s.name, Object: g.Path(), Kind: ErrNotFound, Form: name}
	}
	return o, nil
}

// Group gives a member that is a group; ErrType when it is an array.
func (g *Group) Group(name string) (*Group, error) {
	o, err := g.Object(name)
	if err != nil {
		return nil, err
	}
	if sub, ok := o.(*Group); ok {
		return sub, nil
	}
	return nil, &Error{Store: g.s.name, Object: o.Path(), Kind: ErrType, Form: "an array, not a group"}
}

// Array gives a member that is an array; ErrType when it is a group.
func (g *Group) Array(name string) (*Array, error) {
	o, err := g.Object(name)
	if err != nil {
		return nil, err
	}
	if a, ok := o.(*Array); ok {
		return a, nil
	}
	return nil, &Error{Store: g.s.name, Object: o.Path(), Kind: ErrType, Form: "a group, not an array"}
}
