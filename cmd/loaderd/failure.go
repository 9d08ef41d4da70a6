package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/loaderd/loaderd/ipc"
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	name string // of the code, for programs
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// invalid is an error of what the user wrote, object.
func invalid(object, hint, format string, args ...any) error {
	return &ipc.Error{Code: ipc.CodeInvalidArgument, Stage: "command line", Object: object, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// fail prints an error, for people or for programs, and gives the exit code.
func fail(w io.Writer, err error, asJSON bool) int {
	code := 1
	var coded *exitError
	if errors.As(err, &coded) {
		code = coded.code
	}
	if asJSON {
		failJSON(w, err)
		return code
	}
	var wire *ipc.Error
	if errors.As(err, &wire) && wire.Hint != "" && coded == nil {
		fmt.Fprintf(w, "loaderd: %s\n  → %s\n", strings.TrimSuffix(err.Error(), "; "+wire.Hint), wire.Hint)
		return code
	}
	fmt.Fprintln(w, "loaderd:", err)
	return code
}

// failJSON prints {"error": {code, message, object, hint}}: the code is one of the wire's, or usage, not_running, running, canceled or
// failed; object and hint are null where there is none.
func failJSON(w io.Writer, err error) {
	var said struct {
		Code    string  `json:"code"`
		Message string  `json:"message"`
		Object  *string `json:"object"`
		Hint    *string `json:"hint"`
	}
	said.Code, said.Message = "failed", err.Error()
	var coded *exitError
	var wire *ipc.Error
	var usage *kong.ParseError
	switch {
	case errors.As(err, &coded):
		said.Code = coded.name
	case errors.As(err, &usage):
		said.Code = "usage"
	case errors.As(err, &wire):
		said.Code = string(wire.Code)
		if wire.Message != "" && err.Error() == wire.Error() { // else more is said around it
			said.Message = wire.Message
		}
		if wire.Object != "" {
			said.Object = &wire.Object
		}
		if wire.Hint != "" {
			said.Hint = &wire.Hint
		}
	case errors.Is(err, context.Canceled):
		said.Code = "canceled"
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	enc.Encode(map[string]any{"error": said}) // where standard error is closed there is nobody to tell
}

// wantsJSON reports whether the verb was told to print JSON.
func wantsJSON(parsed *kong.Context) bool {
	return slices.ContainsFunc(parsed.Flags(), func(f *kong.Flag) bool { return f.Name == "json" && f.Target.Bool() })
}
