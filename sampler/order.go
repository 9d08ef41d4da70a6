package sampler

import "fmt"

// Version numbers the definition of row(seed, epoch, position). A saved state carries it; a change of any row of
// any order, however small, must raise it.
const Version = 1

// Spec names an order.
type Spec struct {
	N    int64  // rows, ≥ 0
	Kind Kind   // how positions map to rows
	Seed uint64 // any value; without effect on Sequential
}

// Validate reports what is wrong with the spec; the error wraps ErrInvalid.
func (s Spec) Validate() error {
	if s.N < 0 {
		return fmt.Errorf("%w: %d rows; the number of rows must be 0 or more", ErrInvalid, s.N)
	}
	if !s.Kind.valid() {
		return fmt.Errorf("%w: %v is not an order; use Sequential or Shuffle", ErrInvalid, s.Kind)
	}
	return nil
}

// Order is the order of all epochs. It is immutable and safe for concurrent use.
type Order struct {
	spec Spec
}

// New returns the order that spec names.
func New(spec Spec) (*Order, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	return &Order{spec: spec}, nil
}

// Spec returns what the order was made from.
func (o *Order) Spec() Spec { return o.spec }

// Epoch returns the order of epoch e. It takes well under a microsecond, but for a shuffle of at most 65,536
// rows: that builds a table of 2 bytes a row (under a millisecond), so keep the Epoch and share it.
func (o *Order) Epoch(e uint64) *Epoch {
	s := o.spec
	switch {
	case s.Kind == Sequential:
		return &Epoch{n: s.N}
	case s.N <= tableMax:
		return &Epoch{n: s.N, how: byTable, table: newTable(s.N, newStream(s.Seed, s.N, e, forTable))}
	default:
		return &Epoch{n: s.N, how: byFeistel, net: newFeistel(s.N, newStream(s.Seed, s.N, e, forFeistel))}
	}
}
