package ipc

import (
	"strings"

	"github.com/vmihailenco/msgpack/v5"
)

// Code says what kind of error a daemon reports. The Python client has an exception class for each.
type Code string

// The codes of docs/protocol.md.
const (
	CodeProtocol        Code = "protocol"
	CodeVersion         Code = "version"
	CodeInvalidArgument Code = "invalid_argument"
	CodeNotFound        Code = "not_found"
	CodeBadFile         Code = "bad_file"
	CodeUnsupported     Code = "unsupported"
	CodeNoElement       Code = "no_element"
	CodeUnknownKey      Code = "unknown_key"
	CodeNoSharedVars    Code = "no_shared_vars"
	CodeIndex           Code = "index"
	CodeMemory          Code = "memory"
	CodeDisk            Code = "disk"
	CodeSourceChanged   Code = "source_changed"
	CodeClosed          Code = "closed"
	CodeBusy            Code = "busy"
	CodeNoRecord        Code = "no_record"
	CodeConflict        Code = "conflict"
	CodeProtected       Code = "protected"
	CodeUnknownField    Code = "unknown_field"
	CodeValidation      Code = "validation"
	CodeRegistry        Code = "registry"
	CodeShuttingDown    Code = "shutting_down"
	CodeInternal        Code = "internal"
)

// Codes lists every code, in the order of docs/protocol.md.
var Codes = []Code{
	CodeProtocol, CodeVersion, CodeInvalidArgument, CodeNotFound, CodeBadFile, CodeUnsupported, CodeNoElement,
	CodeUnknownKey, CodeNoSharedVars, CodeIndex, CodeMemory, CodeDisk, CodeSourceChanged, CodeClosed, CodeBusy,
	CodeNoRecord, CodeConflict, CodeProtected, CodeUnknownField, CodeValidation, CodeRegistry, CodeShuttingDown, CodeInternal,
}

// Sentinels for errors.Is, one for each code: errors.Is(err, ErrMemory) holds for every [Error] of that code.
var (
	ErrProtocol        = &Error{Code: CodeProtocol}
	ErrVersion         = &Error{Code: CodeVersion}
	ErrInvalidArgument = &Error{Code: CodeInvalidArgument}
	ErrNotFound        = &Error{Code: CodeNotFound}
	ErrBadFile         = &Error{Code: CodeBadFile}
	ErrUnsupported     = &Error{Code: CodeUnsupported}
	ErrNoElement       = &Error{Code: CodeNoElement}
	ErrUnknownKey      = &Error{Code: CodeUnknownKey}
	ErrNoSharedVars    = &Error{Code: CodeNoSharedVars}
	ErrIndex           = &Error{Code: CodeIndex}
	ErrMemory          = &Error{Code: CodeMemory}
	ErrDisk            = &Error{Code: CodeDisk}
	ErrSourceChanged   = &Error{Code: CodeSourceChanged}
	ErrClosed          = &Error{Code: CodeClosed}
	ErrBusy            = &Error{Code: CodeBusy}
	ErrNoRecord        = &Error{Code: CodeNoRecord}
	ErrConflict        = &Error{Code: CodeConflict}
	ErrProtected       = &Error{Code: CodeProtected}
	ErrUnknownField    = &Error{Code: CodeUnknownField}
	ErrValidation      = &Error{Code: CodeValidation}
	ErrRegistry        = &Error{Code: CodeRegistry}
	ErrDaemonGone      = &Error{Code: CodeShuttingDown}
	ErrInternal        = &Error{Code: CodeInternal}
)

// Error is the error message of the wire, and the error type of this package. ID names the request it answers, Gen and
// Seq the batch in whose place it stands; both nil: it speaks of the connection.
type Error struct {
	Code    Code   `msgpack:"code"`
	Stage   string `msgpack:"stage"`   // what was being done: "open", "read", "ring" …
	Object  string `msgpack:"object"`  // to what: a path, a key, a row
	Message string `msgpack:"message"` // what happened
	Hint    string `msgpack:"hint"`    // what to do about it
	ID      *int64 `msgpack:"id,omitempty"`
	Gen     *int64 `msgpack:"gen,omitempty"`
	Seq     *int64 `msgpack:"seq,omitempty"`

	cause error
}

// Op is "error".
func (*Error) Op() string { return OpError }

// Error is one line: object, message, hint.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Object != "" && !strings.Contains(e.Message, e.Object) {
		b.WriteString(e.Object)
		b.WriteString(": ")
	}
	if e.Message != "" {
		b.WriteString(e.Message)
	} else {
		b.WriteString(string(e.Code))
	}
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Is reports whether target is the sentinel of e's code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == ""
}

// Unwrap is the error below, on the side where it happened.
func (e *Error) Unwrap() error { return e.cause }

// EncodeMsgpack implements the codec's interface. What is not UTF-8, such as part of a path, is replaced: no str
// may hold it.
func (e *Error) EncodeMsgpack(enc *msgpack.Encoder) error {
	type plain Error // without this method
	clean := plain(*e)
	for _, s := range []*string{(*string)(&clean.Code), &clean.Stage, &clean.Object, &clean.Message, &clean.Hint} {
		*s = strings.ToValidUTF8(*s, "\uFFFD")
	}
	return enc.Encode(&clean)
}
