//go:build !unix

package h5

import (
	"os"
	"time"
)

// stater asks for an open file's size and time of modification.
type stater struct{ f *os.File }

func newStater(f *os.File) (stater, error) { return stater{f}, nil }

func (s stater) stat() (size int64, modTime time.Time, err error) {
	st, err := s.f.Stat()
	if err != nil {
		return 0, time.Time{}, err
	}
	return st.Size(), st.ModTime(), nil
}
