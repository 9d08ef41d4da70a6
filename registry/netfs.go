package registry

// Network says whether a database lies on a file system that several machines share.
type Network int

// The values of [Network].
const (
	NetworkAuto Network = iota // ask the system
	NetworkYes
	NetworkNo
)

// networked says whether the folder of a database lies on such a file system, and how it is called.
func (n Network) networked(dir string) (kind string, yes bool) {
	switch n {
	case NetworkYes:
		return "network file system", true
	case NetworkNo:
		return "", false
	}
	return networkKind(dir)
}
