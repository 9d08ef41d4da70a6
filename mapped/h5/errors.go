package h5

import (
	"errors"
	"strings"
)

// What can be wrong with a file or a request. Every error of this package wraps exactly one of
// these, or an error of the reader beneath (os.ErrClosed, an I/O error); test with errors.Is.
var (
	// ErrNotHDF5: no HDF5 signature where one may stand.
	ErrNotHDF5 = errors.New("not an HDF5 file")
	// ErrTruncated: the file ends before something it refers to.
	ErrTruncated = errors.New("the file is truncated")
	// ErrCorrupt: bytes that contradict the format, a checksum, or each other.
	ErrCorrupt = errors.New("the file is corrupt")
	// ErrUnsupported: valid HDF5 of a form this reader does not decode.
	ErrUnsupported = errors.New("unsupported HDF5 form")
	// ErrNotFound: no object, attribute or field of that name.
	ErrNotFound = errors.New("not found")
	// ErrChanged: the file is no longer what it was when it was opened.
	ErrChanged = errors.New("the file changed since it was opened")
	// ErrTooLarge: a chunk above MaxChunkBytes, or a whole read that what is stored cannot justify.
	ErrTooLarge = errors.New("too large")
	// ErrType: the values are not of the kind asked for (strings asked as integers, say).
	ErrType = errors.New("wrong type of values")
	// ErrInvalid: an argument out of range (rows past the end, a buffer of the wrong size).
	ErrInvalid = errors.New("invalid argument")
)

// Error says what went wrong, where, and what to do about it.
type Error struct {
	File   string // the file's name as given to Open or NewFile
	Object string // path of the object within the file; an attribute is "path@name"
	Form   string // what was met: "filter 4 (szip)", "fractal heap checksum"
	Kind   error  // one of the sentinels
	Hint   string // the cure, where one is known
	Err    error  // the cause beneath, or nil
}

// Error joins the parts that are set with ": ".
func (e *Error) Error() string {
	parts := make([]string, 0, 6)
	for _, s := range []string{e.File, e.Object, text(e.Kind), e.Form, text(e.Err), e.Hint} {
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

const rewriteHint = `rewrite it with anndata: adata.write_h5ad(path, compression="gzip")`

func corrupt(form string) error { return &Error{Kind: ErrCorrupt, Form: form} }

func unsupported(form string) error {
	return &Error{Kind: ErrUnsupported, Form: form, Hint: rewriteHint}
}

func invalid(form string) error { return &Error{Kind: ErrInvalid, Form: form} }

// locate fills in where err happened, without covering what is already known nearer the cause.
func locate(err error, file, object string) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return &Error{File: file, Object: object, Err: err}
	}
	if e.File != "" && e.Object != "" {
		return err
	}
	c := *e
	if c.File == "" {
		c.File = file
	}
	if c.Object == "" {
		c.Object = object
	}
	return &c
}
