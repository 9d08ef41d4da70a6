package zarr

import (
	"encoding/json"
	"slices"
	"strings"
)

// catalog is consolidated metadata: those of all nodes, by path.
type catalog struct {
	nodes map[string]entry
	// children lists the names directly below each group, sorted.
	children map[string][]string
}

// entry is what is known of a node: of zarr 3 one object, of zarr 2 up to three.
type entry struct {
	node              json.RawMessage // zarr.json
	group, array, att json.RawMessage // .zgroup, .zarray, .zattrs
}

// newCatalog3 takes the consolidated metadata out of a root's zarr.json; nil when there are none.
func newCatalog3(root fields) (*catalog, error) {
	if !root.has("consolidated_metadata") {
		return nil, nil
	}
	f, err := root.object("consolidated_metadata")
	if err != nil {
		return nil, err
	}
	if kind, ok := f.text("kind"); ok && kind != "inline" {
		return nil, unsupported("consolidated metadata of kind %q", kind)
	}
	metadata, err := f.object("metadata")
	if err != nil {
		return nil, err
	}
	c := &catalog{nodes: make(map[string]entry, len(metadata)+1)}
	rest := fields{}
	for name, raw := range root {
		if name != "consolidated_metadata" {
			rest[name] = raw
		}
	}
	text, err := json.Marshal(rest)
	if err != nil {
		return nil, corrupt("zarr.json")
	}
	c.nodes[""] = entry{node: text}
	for key, raw := range metadata {
		if validKey(key) {
			c.nodes[key] = entry{node: raw}
		}
	}
	c.link()
	return c, nil
}

// newCatalog2 takes a .zmetadata.
func newCatalog2(f fields) (*catalog, error) {
	if n, ok := asInt(f["zarr_consolidated_format"]); !ok || n != 1 {
		return nil, unsupported("zarr_consolidated_format %s", brief(f["zarr_consolidated_format"]))
	}
	metadata, err := f.object("metadata")
	if err != nil {
		return nil, err
	}
	c := &catalog{nodes: make(map[string]entry, len(metadata))}
	for name, raw := range metadata {
		key, file := "", name
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			key, file = name[:i], name[i+1:]
			if !validKey(key) {
				continue
			}
		}
		e := c.nodes[key]
		switch file {
		case ".zgroup":
			e.group = raw
		case ".zarray":
			e.array = raw
		case ".zattrs":
			e.att = raw
		default:
			continue
		}
		c.nodes[key] = e
	}
	c.link()
	return c, nil
}

// link lists children.
func (c *catalog) link() {
	c.children = make(map[string][]string)
	for key, e := range c.nodes {
		if key == "" || e.node == nil && e.group == nil && e.array == nil {
			continue
		}
		parent, name := "", key
		if i := strings.LastIndexByte(key, '/'); i >= 0 {
			parent, name = key[:i], key[i+1:]
		}
		c.children[parent] = append(c.children[parent], name)
	}
	for _, names := range c.children {
		slices.Sort(names)
	}
}
