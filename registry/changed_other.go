//go:build !linux && !darwin

package registry

import (
	"io/fs"
	"time"
)

// changedAt is when a file was written to last: more is not known here.
func changedAt(fi fs.FileInfo) time.Time { return fi.ModTime() }
