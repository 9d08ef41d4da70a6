package mapped

import "strings"

// The container interfaces are all that the rest of the package knows of a file
// format. HDF5 implements them in h5tree.go, zarr in zarrtree.go.

// container is an open file.
type container interface {
	root() (group, error)
	// size is the length of the file in bytes.
	size() int64
	// changed wraps ErrChanged when the file is not what it was when opened. No allocation.
	changed() error
	close() error
}

// node is a group or an array.
type node interface {
	// path is absolute within the file.
	path() string
	// attrText gives a string attribute; false when there is none or it is not one string.
	attrText(name string) (string, bool, error)
	// attrTexts gives an attribute that is a list of strings, or of nothing.
	attrTexts(name string) ([]string, bool, error)
	// attrInts gives an integer attribute.
	attrInts(name string) ([]int64, bool, error)
	hasAttr(name string) (bool, error)
}

// group holds named nodes.
type group interface {
	node
	names() ([]string, error)
	// child is nil when the group has no member of that name.
	child(name string) (node, error)
}

// elemKind sorts element types by what can be done with them.
type elemKind uint8

const (
	elemOther elemKind = iota
	elemNumber
	elemText
	elemRecord // a compound: has fields
)

// elem is the type of an array's elements.
type elem struct {
	kind      elemKind
	dtype     dtype // of numbers
	bigEndian bool  // of numbers, as stored
	text      string
}

// array is an n-dimensional array.
type array interface {
	node
	elem() elem
	// shape is empty for a scalar.
	shape() []int64
	// null is an array with a type and no value.
	null() bool
	// bytes reads numbers whole, in native order.
	bytes() ([]byte, error)
	// strings reads text whole.
	strings() ([]string, error)
	// fields are the names of a record's members in file order.
	fields() []string
	// field is one member of a record as an array of its own.
	field(name string) (array, error)
	blocks
}

// blocks is random access to the numbers of an array, safe for concurrent use.
type blocks interface {
	// direct says that directAt may be used: nothing needs decoding.
	direct() bool
	// directAt is the position in the file of element i (C order) and how many follow it there.
	directAt(i int64) (off, run int64, ok bool)
	// readAt reads raw bytes of the file.
	readAt(p []byte, off int64) error
	// chunkShape is nil when the array is not stored in chunks.
	chunkShape() []int64
	// readChunk decodes chunk i, counted in C order of the chunk grid, in stored byte order.
	readChunk(dst []byte, i int, s *Scratch) error
	// readRows reads rows along axis 0 in native order.
	readRows(dst []byte, first, n int64, s *Scratch) error
}

// lookup follows names downwards; nil when one is missing.
func lookup(g group, names ...string) (node, error) {
	var n node = g
	for _, name := range names {
		g, ok := n.(group)
		if !ok {
			return nil, nil
		}
		child, err := g.child(name)
		if child == nil || err != nil {
			return nil, err
		}
		n = child
	}
	return n, nil
}

// encodingOf gives the encoding-type attribute, "" in files older than it.
func encodingOf(n node) (string, error) {
	s, _, err := n.attrText("encoding-type")
	return s, err
}

func product(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// hidden members of groups are not keys that a user asks for.
func hidden(name string) bool { return strings.HasPrefix(name, "__") }
