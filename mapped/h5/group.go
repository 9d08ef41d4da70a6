package h5

// Object is a *Group or a *Dataset.
type Object interface {
	// Path is the name under which the object was reached, starting with "/".
	Path() string
	// File is the file it belongs to.
	File() *File
	// Attr reads an attribute; ErrNotFound when there is none of that name.
	Attr(name string) (*Attr, error)
	// HasAttr reports whether there is an attribute of that name.
	HasAttr(name string) (bool, error)
	// AttrNames lists the attributes, sorted.
	AttrNames() ([]string, error)
}

// Group is a folder of named objects. Its links are read once, on first use.
type Group struct{}

// Path is the name under which the group was reached, starting with "/".
func (g *Group) Path() string { return "" }

// File is the file the group belongs to.
func (g *Group) File() *File { return nil }

// Names lists the group's members, sorted.
func (g *Group) Names() ([]string, error) { return nil, errTODO }

// Has reports whether the group has a member of that name (one path component).
func (g *Group) Has(name string) (bool, error) { return false, errTODO }

// Object opens a member. name may be a path of several components.
func (g *Group) Object(name string) (Object, error) { return nil, errTODO }

// Group opens a member that is a group; ErrType when it is a dataset.
func (g *Group) Group(name string) (*Group, error) { return nil, errTODO }

// Dataset opens a member that is a dataset; ErrType when it is a group. Each call gives a new
// *Dataset with its own chunk table: keep it.
func (g *Group) Dataset(name string) (*Dataset, error) { return nil, errTODO }

// Attr reads an attribute; ErrNotFound when there is none of that name.
func (g *Group) Attr(name string) (*Attr, error) { return nil, errTODO }

// HasAttr reports whether there is an attribute of that name.
func (g *Group) HasAttr(name string) (bool, error) { return false, errTODO }

// AttrNames lists the attributes, sorted.
func (g *Group) AttrNames() ([]string, error) { return nil, errTODO }

var _, _ Object = (*Group)(nil), (*Dataset)(nil)
