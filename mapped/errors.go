package mapped

import (
	"errors"
	"fmt"
	"strings"
)

// What went wrong, one sentinel per code of the wire. Every error that leaves
// this package wraps exactly one of them, except errors of a context.
var (
	// ErrInvalid is an option, an argument, or a combination of them that has no meaning.
	ErrInvalid = errors.New("invalid argument")
	// ErrNotFound is a path at which there is nothing to read.
	ErrNotFound = errors.New("not found")
	// ErrBadFile is a file that is not HDF5, is cut short, or contradicts itself.
	ErrBadFile = errors.New("bad file")
	// ErrUnsupported is a valid form that this package does not read.
	ErrUnsupported = errors.New("unsupported")
	// ErrNoElement is a part that every AnnData file must have, such as X.
	ErrNoElement = errors.New("missing element")
	// ErrUnknownKey is a name of a layer, an obs column or an obsm entry that no store has.
	ErrUnknownKey = errors.New("unknown key")
	// ErrNoSharedVars is an inner join of stores that have no variable in common.
	ErrNoSharedVars = errors.New("no shared variables")
	// ErrIndex is a row outside the collection.
	ErrIndex = errors.New("index out of range")
	// ErrNoSpace is a disk that has no room for a file that this package must write.
	ErrNoSpace = errors.New("not enough disk space")
	// ErrChanged is a file that changed after it was opened.
	ErrChanged = errors.New("source changed")
	// ErrClosed is a collection used after Close.
	ErrClosed = errors.New("closed")
)

// Stages of Error.
const (
	stageOpen   = "open"
	stageJoin   = "join"
	stageEncode = "encode"
	stageRead   = "read"

	stageStatistics = "statistics"
)

// Error is what this package returns: which sentinel, while doing what, with
// which object, and what helps.
type Error struct {
	Kind   error  // one of the sentinels
	Stage  string // "open", "join", "encode", "read" or "statistics"
	Object string // a file, or file:element, or an option's name
	Detail string // one clause: what is wrong
	Hint   string // what to do about it; may be empty
	Err    error  // the cause, may be nil
}

// Error gives object, kind, detail, cause and hint on one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Object != "" {
		b.WriteString(e.Object)
		b.WriteString(": ")
	}
	b.WriteString(e.Message())
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Message is the text without object and hint, for callers that carry these apart.
func (e *Error) Message() string {
	m := e.Kind.Error()
	if e.Detail != "" {
		m += ": " + e.Detail
	}
	if e.Err != nil {
		m += ": " + e.Err.Error()
	}
	return m
}

// Unwrap lets errors.Is find the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

func fail(kind error, stage, object, hint, format string, args ...any) error {
	return failOf(nil, kind, stage, object, hint, format, args...)
}

// failOf is fail because of err.
func failOf(err, kind error, stage, object, hint, format string, args ...any) error {
	return &Error{Kind: kind, Stage: stage, Object: object, Hint: hint, Detail: fmt.Sprintf(format, args...), Err: err}
}

// element names a part of a file in errors: "a.h5ad:/obs/cell_type".
func element(file, path string) string {
	if path == "" {
		return file
	}
	return file + ":" + path
}
