//go:build cgo

package registry

import (
	"errors"

	"github.com/mattn/go-sqlite3"
)

// sqlCode is SQLite's code of an error, the primary one and the extended one.
func sqlCode(err error) (primary, extended int, ok bool) {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return 0, 0, false
	}
	return int(e.Code), int(e.ExtendedCode), true
}

// hasSQLite says whether this program holds SQLite.
const hasSQLite = true
