package daemon

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/loaderd/loaderd/registry"
)

// maxLooks is how many looks are kept.
const maxLooks = 4096

// looks keeps what files were when they were looked at, so that what is registered first and saved later is read once, and is
// not saved when it has changed between.
type looks struct {
	mu   sync.Mutex // guards what follows
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
	if s := l.get(path); s != nil {
		now, err := signatureOf(ctx, path)
		if err != nil {
			return nil, err
		}
		if now == s.signature {
			return s, nil
		}
	}
	found, err := lookAt(ctx, path, n)
	if err != nil {
		return nil, err
	}
	s := &seen{look: found}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = make(map[string]*seen)
	}
	for other := range l.seen { // any will do: what is lost is time
		if len(l.seen) < maxLooks {
			break
		}
		delete(l.seen, other)
	}
	l.seen[path] = s
	return s, nil
}

func (l *looks) get(path string) *seen {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[path]
}

// still is the look at a path that a record is of, or the error that the file has changed since. Where another daemon looked, only
// the size of a file can be compared: nil then.
func (l *looks) still(ctx context.Context, path string, r registry.Record) (*seen, error) {
	s := l.get(path)
	if s == nil || s.hash != r["hash"] {
		return nil, sameSize(path, r["size"])
	}
	now, err := signatureOf(ctx, path)
	if err == nil && now != s.signature {
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
