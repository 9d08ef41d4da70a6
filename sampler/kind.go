package sampler

import (
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by every error of this package: a number or a name that no order can be made of.
var ErrInvalid = errors.New("sampler: invalid argument")

// Kind says how an epoch's positions map to rows.
type Kind uint8

const (
	// Sequential is row = position.
	Sequential Kind = iota
	// Shuffle is an exact uniform shuffle: every epoch is a permutation of all rows.
	Shuffle
)

// kindNames are the names used on the wire, in flags and in messages, indexed by Kind.
var kindNames = [...]string{Sequential: "sequential", Shuffle: "shuffle"}

// ParseKind turns "sequential" or "shuffle" into a Kind.
func ParseKind(name string) (Kind, error) {
	for k, s := range kindNames {
		if s == name {
			return Kind(k), nil
		}
	}
	return 0, fmt.Errorf("%w: order %q is not known; use \"sequential\" or \"shuffle\"", ErrInvalid, name)
}

// String returns the name that ParseKind accepts.
func (k Kind) String() string {
	if !k.valid() {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

func (k Kind) valid() bool { return int(k) < len(kindNames) }
