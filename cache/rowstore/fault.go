package rowstore

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

// ErrFault is wrapped by what Guard gives after a fault in memory that a segment was mapped to.
var ErrFault = errors.New("fault in a mapped segment")

// unreadable is the panic over a row that cannot be taken apart. To Guard it is a fault at the row's memory: in a row that has passed
// Check, it means damage that came later.
type unreadable struct {
	what string
	at   uintptr
}

func (r Row) unreadable(what string) unreadable { return unreadable{what, address(r)} }

func (u unreadable) Error() string { return u.what }

// Addr is where the row begins.
func (u unreadable) Addr() uintptr { return u.at }

// RuntimeError makes it a runtime.Error, as faults are.
func (unreadable) RuntimeError() {}

// Guard runs fn, which may touch rows of the store's tables, in this goroutine: faults in others that fn starts are theirs. A
// memory fault inside a mapping of the store, or a row there that can no longer be read, means that the file was changed under it or that the disk failed. The
// segment is then forgotten, with all its rows, and the error wraps ErrFault: fn was not completed, and may be run again.
// Other panics pass on.
func (s *Store) Guard(fn func() error) error { return catch(fn, s.fault) }

// fault forgets the segment in which addr lies. The error is nil when there is none.
func (s *Store) fault(addr uintptr) error {
	s.mu.Lock()
	open := make([]*Table, 0, len(s.tables))
	for _, t := range s.tables {
		open = append(open, t)
	}
	s.mu.Unlock()
	for _, t := range open {
		for _, g := range t.segments.Load().all {
			if g.holds(addr) {
				err := fmt.Errorf("%w %s at byte %d: was it changed, or is the disk failing?", ErrFault, t.path(g.name+sealedEnding), addr-g.from)
				t.forget(g, err)
				return fmt.Errorf("rowstore: %w", err)
			}
		}
	}
	return nil
}

// catch runs fn, and asks owner about the address of a memory fault. Where owner has no error for it, and after any other
// panic, the panic goes on.
func catch(fn func() error, owner func(addr uintptr) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		fault, ok := p.(interface {
			runtime.Error
			Addr() uintptr
		})
		if !ok {
			panic(p)
		}
		if err = owner(fault.Addr()); err == nil {
			panic(p)
		}
	}()
	return fn()
}
