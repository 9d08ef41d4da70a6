package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// attempts is how often a copy is begun anew because its source changed while it was made.
const attempts = 3

// renew makes the copy that the source wants, unless another has made it by then, and gives its path and what it is of.
func (e *entry) renew(ctx context.Context, store Store, source Info, progress func(done, total int64)) (string, Info, error) {
	for range attempts {
		path, err := e.attempt(ctx, store, source, progress)
		if err == nil || !errors.Is(err, errMoved) {
			return path, source, err
		}
		if source, err = store.Stat(ctx, e.ref); err != nil {
			return "", source, e.fault(ctx, err)
		}
	}
	return "", source, &Error{Kind: ErrChanged, Object: string(e.ref), Err: errors.New("it changes while it is copied"), Hint: "try again when whoever writes it is done"}
}

// errMoved: the source was not what it had been.
var errMoved = errors.New("the source moved")

func (e *entry) attempt(ctx context.Context, store Store, source Info, progress func(done, total int64)) (string, error) {
	held, err := e.hold(ctx)
	if err != nil {
		return "", e.unusable(ctx, err)
	}
	defer held.Close()
	if path := e.current(ctx, source); path != "" {
		return path, nil
	}
	if err := e.sweep(); err != nil {
		return "", e.unusable(ctx, err)
	}
	fresh := filepath.Join(e.dir, newName)
	path, err := e.make(ctx, store, fresh, source, progress)
	if err == nil {
		return path, nil
	}
	if left := os.RemoveAll(fresh); left != nil {
		err = errors.Join(err, left)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESTALE) { // of the source, or of the cache that somebody clears
		return "", errMoved
	}
	return "", e.fault(ctx, err)
}

// hold makes the folder of the entry and takes its lock.
func (e *entry) hold(ctx context.Context) (*os.File, error) {
	for {
		if err := os.MkdirAll(e.dir, 0o700); err != nil {
			return nil, err
		}
		held, err := lock(ctx, filepath.Join(e.dir, lockName))
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody clears the cache
		}
		if err != nil {
			return nil, err
		}
		about := filepath.Join(e.dir, sourceName)
		if have, err := os.ReadFile(about); err == nil && string(have) == string(e.ref)+"\n" {
			return held, nil
		}
		if err := os.WriteFile(about, []byte(string(e.ref)+"\n"), 0o600); err != nil {
			return nil, errors.Join(err, held.Close())
		}
		return held, nil
	}
}

// make copies the source into the folder fresh, and makes that the newest version.
func (e *entry) make(ctx context.Context, store Store, fresh string, source Info, progress func(done, total int64)) (string, error) {
	if err := e.room(source); err != nil {
		return "", err
	}
	to, total := filepath.Join(fresh, e.name), source.Size()
	dir := fresh
	if source.Dir {
		dir = to
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	var mu sync.Mutex
	done := int64(0)
	more := func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		done += n
		progress(done, total)
	}
	old, _ := e.last()
	g, fetching := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, f := range source.Files {
		if fetching.Err() != nil {
			break
		}
		if err := checkName(e.ref, source, i); err != nil {
			return "", errors.Join(err, g.Wait())
		}
		g.Go(func() error {
			if old != "" && e.same(old, f) { // of its own: two versions share no file
				return e.write(to, f, func(into *os.File) error {
					return copyFile(fetching, filepath.Join(old, filepath.FromSlash(f.Name)), into, more)
				})
			}
			return e.write(to, f, func(into *os.File) error { return store.Fetch(fetching, e.ref, f.Name, into, more) })
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if now, err := store.Stat(ctx, e.ref); err != nil {
		return "", err
	} else if !now.equal(source) {
		return "", errMoved
	}
	if err := e.store(fresh, source); err != nil {
		return "", err
	}
	return e.publish(fresh)
}

// store has a copy on the disk, before its name says that it is whole.
func (e *entry) store(fresh string, source Info) error {
	if source.Dir {
		return e.cache.flush(fresh)
	}
	f, err := os.Open(filepath.Join(fresh, e.name))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// publish gives a copy that is whole its number, and removes those before it.
func (e *entry) publish(fresh string) (string, error) {
	next := uint64(1)
	if v := e.versions(); len(v) > 0 {
		next = v[0] + 1
	}
	if err := os.Rename(fresh, e.version(next)); err != nil {
		return "", err
	}
	_ = e.sweep() // what stays is removed the next time
	return filepath.Join(e.version(next), e.name), nil
}

// checkName refuses a name that would lead out of the copy, or that comes twice: stores are not believed.
func checkName(ref Ref, source Info, i int) error {
	name := source.Files[i].Name
	switch {
	case !source.Dir && len(source.Files) == 1 && name == "":
		return nil
	case source.Dir && filepath.IsLocal(filepath.FromSlash(name)) && filepath.Clean(name) == name && name != "." && (i == 0 || source.Files[i-1].Name < name):
		return nil
	}
	return &Error{Kind: ErrInvalid, Object: string(ref), Err: fmt.Errorf("its store has %q for one of its files, which is no name within it, or comes twice", name)}
}

// write makes a file of a copy.
func (e *entry) write(to string, f File, fill func(into *os.File) error) (err error) {
	path := filepath.Join(to, filepath.FromSlash(f.Name))
	if f.Name != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
	}
	into, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if e := into.Close(); err == nil {
			err = e
		}
		if err == nil {
			err = os.Chtimes(path, f.ModTime, f.ModTime)
		}
	}()
	if err := fill(into); err != nil {
		return err
	}
	if fi, err := into.Stat(); err != nil {
		return err
	} else if fi.Size() != f.Size {
		return errMoved
	}
	return into.Chmod(0o400)
}

// room is the error that a copy finds no place.
func (e *entry) room(source Info) error {
	free, err := e.cache.free(e.dir)
	if err != nil {
		return err
	}
	if need := source.Size(); need > free {
		return e.full(fmt.Errorf("its copy needs %d bytes, and %s has %d free", need, e.cache.dir, free))
	}
	return nil
}

func (e *entry) full(err error) error {
	return &Error{Kind: ErrNoSpace, Object: string(e.ref), Err: err,
		Hint: "free some space there, set LOADERD_CACHE_DIR to a folder on a larger disk, or take the root out of LOADERD_CACHE_COPY"}
}

// unusable is the error that nothing can be done in the cache's folder.
func (e *entry) unusable(ctx context.Context, err error) error {
	if ctx.Err() != nil || isFull(err) {
		return e.fault(ctx, err)
	}
	return &Error{Kind: ErrUnreadable, Object: string(e.ref), Err: fmt.Errorf("its copy cannot be kept in %s: %w", e.cache.dir, err),
		Hint: "set LOADERD_CACHE_DIR to a folder of your own, on a disk of this machine"}
}

// fault gives an error of the system the kind and the object that it is about.
func (e *entry) fault(ctx context.Context, err error) error {
	var own *Error
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &own), errors.Is(err, errMoved):
		return err
	case isFull(err):
		return e.full(fmt.Errorf("no place for its copy in %s: %w", e.cache.dir, err))
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Kind: ErrNotFound, Object: string(e.ref), Err: err}
	}
	return &Error{Kind: ErrUnreadable, Object: string(e.ref), Err: err}
}
