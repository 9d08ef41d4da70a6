package cache

import (
	"errors"
	"strings"
)

// Kinds of errors, for errors.Is.
var (
	// ErrNotFound: the object is gone, and there is no copy of it.
	ErrNotFound = errors.New("not found")
	// ErrUnsupported: the object is of a kind that cannot be brought here.
	ErrUnsupported = errors.New("unsupported")
	// ErrInvalid: a ref, a root, or a name in a store is none.
	ErrInvalid = errors.New("invalid")
	// ErrNoSpace: the disk of the cache, or its share, is full.
	ErrNoSpace = errors.New("no space")
	// ErrChanged: the object changed while it was copied, again and again.
	ErrChanged = errors.New("source changed")
	// ErrUnreadable: the object cannot be read, or its copy not be written.
	ErrUnreadable = errors.New("unreadable")
)

// Error is what the functions of this package return, but for errors of the context.
type Error struct {
	Kind   error  // one of the kinds
	Object string // the ref, the root, or the folder
	Err    error  // what happened
	Hint   string // what to do about it; may be ""
}

// Error is one line: the object, what happened, and the cure.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Object)
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap gives the kind, and what happened.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }
