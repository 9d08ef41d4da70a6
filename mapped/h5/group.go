package h5

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Group is a folder of named objects. Its links are read once, on first use.
type Group struct {
	node

	once    sync.Once // guards the next three
	members map[string]link
	names   []string
	err     error
}

func (g *Group) load() error {
	g.once.Do(func() {
		g.members, g.err = g.f.links(g.hdr)
		for name := range g.members {
			g.names = append(g.names, name)
		}
		slices.Sort(g.names)
	})
	return g.fail(g.err)
}

// Names lists the group's members, sorted.
func (g *Group) Names() ([]string, error) {
	if err := g.load(); err != nil {
		return nil, err
	}
	return slices.Clone(g.names), nil
}

// Has reports whether the group has a member of that name (one path component).
func (g *Group) Has(name string) (bool, error) {
	if err := g.load(); err != nil {
		return false, err
	}
	_, ok := g.members[name]
	return ok, nil
}

// Object opens a member. name may be a path of several components; one that starts with "/" is
// sought from the root.
func (g *Group) Object(name string) (Object, error) {
	hops := 0
	return g.walk(name, &hops)
}

// Group opens a member that is a group; ErrType when it is a dataset.
func (g *Group) Group(name string) (*Group, error) {
	o, err := g.Object(name)
	if err != nil {
		return nil, err
	}
	sub, ok := o.(*Group)
	if !ok {
		return nil, locate(&Error{Kind: ErrType, Form: "a dataset where a group is wanted"}, g.f.name, o.Path())
	}
	return sub, nil
}

// Dataset opens a member that is a dataset; ErrType when it is a group. Each call gives a new
// *Dataset with its own chunk table: keep it.
func (g *Group) Dataset(name string) (*Dataset, error) {
	o, err := g.Object(name)
	if err != nil {
		return nil, err
	}
	d, ok := o.(*Dataset)
	if !ok {
		return nil, locate(&Error{Kind: ErrType, Form: "a group where a dataset is wanted"}, g.f.name, o.Path())
	}
	return d, nil
}

// walk opens a path below g. hops counts the soft links met, which may form a loop.
func (g *Group) walk(path string, hops *int) (Object, error) {
	var at Object = g
	if strings.HasPrefix(path, "/") {
		at = g.f.root
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." {
			continue
		}
		dir, ok := at.(*Group)
		if !ok {
			return nil, locate(&Error{Kind: ErrNotFound, Form: fmt.Sprintf("%q in a dataset", part)}, g.f.name, at.Path())
		}
		var err error
		if at, err = dir.step(part, hops); err != nil {
			return nil, err
		}
	}
	return at, nil
}

func (g *Group) step(name string, hops *int) (Object, error) {
	if err := g.load(); err != nil {
		return nil, err
	}
	path := strings.TrimSuffix(g.path, "/") + "/" + name
	l, ok := g.members[name]
	switch {
	case !ok:
		return nil, locate(&Error{Kind: ErrNotFound, Form: "no such object"}, g.f.name, path)
	case l.odd != "":
		return nil, locate(unsupported(l.odd), g.f.name, path)
	case l.soft == "":
		return g.f.object(l.addr, path)
	case *hops >= maxDepth:
		return nil, locate(corrupt("soft links form a loop"), g.f.name, path)
	}
	*hops++
	return g.walk(l.soft, hops)
}
