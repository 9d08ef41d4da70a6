package codec

import (
	"errors"
	"fmt"
)

// What can be wrong with encoded bytes. Every error of this package wraps one of these.
var (
	// ErrCorrupt: bytes that are not what the codec writes, or that decode to another length than asked for.
	ErrCorrupt = errors.New("corrupt data")
	// ErrChecksum: bytes that a checksum contradicts. It is also ErrCorrupt. (Where a library does not tell a wrong
	// checksum from other damage, the error is ErrCorrupt alone.)
	ErrChecksum = fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	// ErrTooLarge: more decoded bytes than the caller's limit.
	ErrTooLarge = errors.New("too large")
	// ErrUnsupported: a valid form that is not decoded.
	ErrUnsupported = errors.New("unsupported form")
)

// Error says which codec met what.
type Error struct {
	Codec string // "zlib", "blosc" …
	Kind  error  // one of the sentinels
	Form  string // what was met: "a block beyond the frame"
}

// Error joins the parts with ": ".
func (e *Error) Error() string {
	if e.Form == "" {
		return e.Codec + ": " + e.Kind.Error()
	}
	return e.Codec + ": " + e.Kind.Error() + ": " + e.Form
}

// Unwrap gives the sentinel.
func (e *Error) Unwrap() error { return e.Kind }

func corrupt(codec, form string) error { return &Error{Codec: codec, Kind: ErrCorrupt, Form: form} }

func wrongLength(codec string, got, want int) error {
	return corrupt(codec, fmt.Sprintf("%d bytes where %d belong", got, want))
}

// errMore is what decoders say inside this package when the destination is full and data are left.
var errMore = errors.New("more data than room")
