package daemon

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/loaderd/loaderd/registry"
)

// maxLooks is how many looks are kept, and maxSeen of how many files what they hold, which may be a lot, is kept with them.
const (
	maxLooks = 1 << 16
	maxSeen  = 1 << 12
)

// looks keeps what files were when they were looked at, so that what is registered first and saved later is read once, and is
// not saved when it has changed between.
type looks struct {
	mu   sync.Mutex // guards what follows
	all  map[string]look
	seen map[string]*seen
}

// seen is a look, and what the file holds beside its bytes, once somebody asked.
type seen struct {
	look

	mu       sync.Mutex // guards what follows; held while the file is read
	read     bool
	contents contents
}

// at looks at a path, unless the look before still holds.
func (l *looks) at(ctx context.Context, path string, n *counted) (*seen, error) {
	found, s := l.get(path)
	if found != (look{}) {
		now, err := signatureOf(ctx, path)
		if err != nil {
			return nil, err
		}
		if now == found.signature && s != nil {
			return s, nil
		}
		if now == found.signature {
			return l.put(path, found), nil
		}
	}
	found, err := lookAt(ctx, path, n)
	if err != nil {
		return nil, err
	}
	return l.put(path, found), nil
}

// get is the last look at a path, and what the file holds, if that is kept.
func (l *looks) get(path string) (look, *seen) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[path], l.seen[path]
}

func (l *looks) put(path string, found look) *seen {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &seen{look: found}
	l.all, l.seen = with(l.all, maxLooks, path, found), with(l.seen, maxSeen, path, s)
	return s
}

// with adds to a map that has so many entries at most. Any other goes for it: what is lost is time.
func with[V any](m map[string]V, most int, key string, v V) map[string]V {
	if m == nil {
		m = make(map[string]V)
	}
	for other := range m {
		if len(m) < most {
			break
		}
		delete(m, other)
	}
	m[key] = v
	return m
}

// still is the look at a path that a record is of, or the error that the file has changed since. Where the look before does not hold, or
// another daemon looked, it is read again. A record without a hash is of a file that nobody has read, and only its size can be compared.
func (l *looks) still(ctx context.Context, path string, r registry.Record) (*seen, error) {
	if r["hash"] == nil {
		return nil, sameSize(path, r["size"])
	}
	s, err := l.at(ctx, path, new(counted))
	if err == nil && !s.content().IsOf(r) {
		err = errChanged(path)
	}
	return s, err
}

// sameSize is the error that a file has not the size that its record says.
func sameSize(path string, size any) error {
	fi, err := os.Stat(path)
	if err != nil {
		return pathError(path, err)
	}
	if size != nil && fi.Mode().IsRegular() && fmt.Sprint(size) != fmt.Sprint(fi.Size()) {
		return errChanged(path)
	}
	return nil
}

// of are the contents of the file, which are read once.
func (s *seen) of(ctx context.Context, path, suffix string) (contents, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read {
		return s.contents, nil
	}
	c, err := readContents(ctx, path, suffix)
	if err == nil {
		s.contents, s.read = c, true
	}
	return c, err
}
