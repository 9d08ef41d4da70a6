package registry

import (
	"errors"
	"fmt"
	"strings"
)

// What went wrong. Every error that leaves this package wraps exactly one of them, except errors of a context.
var (
	// ErrInvalid is an argument, a field or a value that has no meaning here.
	ErrInvalid = errors.New("invalid argument")
	// ErrUnknownField is a field in a query that the model has not.
	ErrUnknownField = errors.New("unknown field")
	// ErrNoRecord is a record, or a database, that is not there.
	ErrNoRecord = errors.New("no such record")
	// ErrConflict is a change that contradicts what is there: a version that is taken, a label of that name.
	ErrConflict = errors.New("conflict")
	// ErrProtected is a record that others need.
	ErrProtected = errors.New("protected")
	// ErrBadFile is a database file that is broken, or is no registry.
	ErrBadFile = errors.New("bad database file")
	// ErrNewer is a database file that a newer loaderd wrote.
	ErrNewer = errors.New("the database file is newer than this program")
	// ErrHeld is a database file that another machine, or another process, does not let go of.
	ErrHeld = errors.New("the database is in use")
	// ErrNoSpace is a disk that has no room, or that can not be written.
	ErrNoSpace = errors.New("the disk can not be written")
	// ErrClosed is a database used after Close.
	ErrClosed = errors.New("closed")
)

// Error is what this package returns: which sentinel, while doing what, with which object, and what helps.
type Error struct {
	Kind   error  // one of the sentinels
	Op     string // "open", "save", "get", "query", "delete" …
	Object string // a file, a uid, a field
	Detail string // one clause: what is wrong
	Hint   string // what to do about it; may be empty
	Err    error  // the cause; may be nil
}

// Error gives object, kind, detail, cause and hint on one line.
func (e *Error) Error() string {
	m := e.Message()
	if e.Object != "" {
		m = e.Object + ": " + m
	}
	if e.Hint != "" {
		m += "; " + e.Hint
	}
	return m
}

// Message is the text without object and hint, for callers that carry these apart.
func (e *Error) Message() string {
	parts := []string{e.Kind.Error()}
	if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap lets errors.Is find the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

func fail(kind error, op, object, hint, format string, args ...any) error {
	return &Error{Kind: kind, Op: op, Object: object, Hint: hint, Detail: fmt.Sprintf(format, args...)}
}
