package zarr

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/loaderd/loaderd/mapped/codec"
)

// What can be wrong with a store or a request. Every error of this package wraps exactly one of
// these, or an error of the system beneath (os.ErrClosed, an I/O error); test with errors.Is.
var (
	// ErrNotZarr: neither zarr.json nor .zgroup where a store should begin.
	ErrNotZarr = errors.New("not a zarr store")
	// ErrTruncated: a chunk or a member that ends before its content does.
	ErrTruncated = errors.New("the store is truncated")
	// ErrCorrupt: bytes that contradict the format, a checksum, or each other.
	ErrCorrupt = errors.New("the store is corrupt")
	// ErrUnsupported: valid zarr of a form that this reader does not decode.
	ErrUnsupported = errors.New("unsupported zarr form")
	// ErrNotFound: no group, array or field of that name.
	ErrNotFound = errors.New("not found")
	// ErrChanged: a file of the store is no longer what it was when it was first read.
	ErrChanged = errors.New("the store changed since it was opened")
	// ErrTooLarge: a chunk above MaxChunkBytes, metadata above MaxMetadataBytes, or a whole read
	// that what is stored cannot justify.
	ErrTooLarge = errors.New("too large")
	// ErrType: the values are not of the kind asked for (strings asked as integers, say).
	ErrType = errors.New("wrong type of values")
	// ErrInvalid: an argument out of range (rows past the end, a buffer of the wrong size).
	ErrInvalid = errors.New("invalid argument")
)

// Error says what went wrong, where, and what to do about it.
type Error struct {
	Store  string // the path given to Open
	Object string // path of the group or array, "/" first; " (chunk 3)" behind it for a chunk
	Form   string // what was met: `codec "zfpy"`, "a shard index of 12 bytes"
	Kind   error  // one of the sentinels
	Hint   string // the cure, where one is known
	Err    error  // the cause beneath, or nil
}

// Error joins the parts that are set with ": ".
func (e *Error) Error() string {
	parts := make([]string, 0, 6)
	for _, s := range []string{e.Store, e.Object, text(e.Kind), e.Form, text(e.Err), e.Hint} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the sentinel and the cause.
func (e *Error) Unwrap() []error {
	out := make([]error, 0, 2)
	if e.Kind != nil {
		out = append(out, e.Kind)
	}
	if e.Err != nil {
		out = append(out, e.Err)
	}
	return out
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

const rewriteHint = "rewrite it with anndata: anndata.read_zarr(path).write_zarr(new_path)"

func corrupt(format string, args ...any) error {
	return &Error{Kind: ErrCorrupt, Form: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return &Error{Kind: ErrUnsupported, Form: fmt.Sprintf(format, args...), Hint: rewriteHint}
}

func tooLarge(format string, args ...any) error {
	return &Error{Kind: ErrTooLarge, Form: fmt.Sprintf(format, args...), Hint: "rewrite it with smaller chunks"}
}

func invalid(format string, args ...any) error {
	return &Error{Kind: ErrInvalid, Form: fmt.Sprintf(format, args...)}
}

func wrongType(t *Type, want string) error {
	return &Error{Kind: ErrType, Form: t.String() + " is not " + want}
}

// changed says that a file is not what it was.
func changed(key string) error {
	return &Error{Kind: ErrChanged, Form: key, Hint: "open it again once the writer has finished"}
}

// codecError turns what the codecs report into ours.
func codecError(err error) error {
	var e *codec.Error
	if !errors.As(err, &e) {
		return err
	}
	kind := ErrCorrupt
	switch {
	case errors.Is(err, codec.ErrUnsupported):
		return &Error{Kind: ErrUnsupported, Err: err, Hint: rewriteHint}
	case errors.Is(err, codec.ErrTooLarge):
		kind = ErrTooLarge
	}
	return &Error{Kind: kind, Err: err}
}

// short names a read that came up short.
func short(err error, key string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{Kind: ErrTruncated, Form: key}
	}
	return &Error{Form: key, Err: err}
}

// locate fills in where err happened, without covering what is already known nearer the cause.
func locate(err error, store, object string) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Store: store, Object: object, Err: err}
	}
	if e.Store != "" && e.Object != "" {
		return err
	}
	c := *e
	if c.Store == "" {
		c.Store = store
	}
	if c.Object == "" {
		c.Object = object
	}
	return &c
}
