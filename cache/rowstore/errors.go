package rowstore

import "errors"

var (
	// ErrDamaged is wrapped by what Check says of bytes that are not the record asked for.
	ErrDamaged = errors.New("damaged record")
	// ErrNotCanonical is wrapped by errors about rows that cannot be encoded: columns that do not ascend strictly within
	// the matrix, values that are not as many, an unknown type.
	ErrNotCanonical = errors.New("not a canonical row")
)
