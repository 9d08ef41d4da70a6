package mapped

import (
	"context"
	"sync/atomic"
)

// Collection is the virtual concatenation of AnnData files: rows store by store
// in the order of the paths. It is immutable; all methods may be called from
// any goroutine.
type Collection struct {
	closed atomic.Bool
}

// Store is one file of a collection.
type Store struct {
	Path  string
	NObs  int64
	NVars int
}

// Shape is the size of one store; NVars is -1 when the collection has no join.
type Shape struct {
	NObs  int64
	NVars int
}

// Open opens the files in parallel. The result and the error do not depend on timing.
func Open(ctx context.Context, paths []string, o Options) (*Collection, error) { panic("todo") }

// Close releases the files. Batches that are being filled fail with ErrClosed.
func (c *Collection) Close() error { panic("todo") }

// NObs is the number of rows.
func (c *Collection) NObs() int64 { panic("todo") }

// NVars is the number of joined variables; false without a join.
func (c *Collection) NVars() (int, bool) { panic("todo") }

// Var are the joined variables, nil without a join.
func (c *Collection) Var() []string { panic("todo") }

// NObsList is the number of rows of each store.
func (c *Collection) NObsList() []int64 { panic("todo") }

// NVarsList is the number of variables of each store, nil without a join.
func (c *Collection) NVarsList() []int { panic("todo") }

// Shapes is the shape of each store.
func (c *Collection) Shapes() []Shape { panic("todo") }

// Columns describes the obs columns in the order of Options.ObsKeys.
func (c *Collection) Columns() []Column { panic("todo") }

// Hash identifies the data: equal for equal content wherever and however it is stored.
func (c *Collection) Hash() [32]byte { panic("todo") }

// Stores lists the files in the order of the paths.
func (c *Collection) Stores() []Store { panic("todo") }
