package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options say what a [Cache] copies, and where to.
type Options struct {
	Dir    string           // folder of the copies, absolute; it is made with the first of them. "": nothing is copied
	Roots  []string         // absolute paths: what lies below them is slow, and copied. They need not exist
	Stores map[string]Store // by the scheme of URLs ("s3"); their objects are copied. "" is that of the roots; default [Local]
}

// Cache knows which objects are copied. Its methods may be called from several goroutines, and several processes may have one folder.
type Cache struct {
	dir    string
	roots  []string
	stores map[string]Store
	free   func(dir string) (int64, error) // other in tests
	flush  func(dir string) error          // other in tests
	grain  func() time.Duration
}

// Found is where an object can be read.
type Found struct {
	Path string // absolute
	Copy bool   // it is a copy; else the object itself
	Note string // what the user should hear of: that the source is gone, and its copy is used. "": nothing

	// Source is what the source is now, as far as that was looked at: nil where it is gone. Of a folder that is used in place, nothing
	// is known but that it is one.
	Source *Info
}

// New makes a cache; nothing is written or looked at yet. ErrInvalid for a folder or a root that is not absolute.
func New(o Options) (*Cache, error) {
	c := &Cache{dir: o.Dir, stores: map[string]Store{"": Local{}}, free: freeIn, flush: flush}
	if o.Dir != "" {
		c.dir = filepath.Clean(o.Dir)
	}
	if copies := len(o.Roots)+len(o.Stores) > 0; !filepath.IsAbs(c.dir) && (copies || c.dir != "") {
		return nil, &Error{Kind: ErrInvalid, Object: o.Dir, Err: errors.New("the folder of copies must be an absolute path")}
	}
	for _, root := range o.Roots {
		if !filepath.IsAbs(root) {
			return nil, &Error{Kind: ErrInvalid, Object: root, Err: errors.New("a root whose files are copied must be an absolute path, such as /nfs/lab"),
				Hint: "LOADERD_CACHE_COPY names them, with : between"}
		}
		c.roots = append(c.roots, filepath.Clean(root))
	}
	for scheme, s := range o.Stores {
		c.stores[scheme] = s
	}
	c.grain = sync.OnceValue(func() time.Duration { return grainIn(c.dir) })
	return c, nil
}

// Path gives a path under which an object can be read: its own, or that of a copy, which is made or renewed first. progress, where it
// is not nil, hears how many bytes of how many are copied, from several goroutines, but one at a time.
//
// It fails with ErrNotFound, ErrUnsupported (a URL without a store), ErrInvalid, ErrNoSpace, ErrChanged, ErrUnreadable, and with the
// cause of ctx. Where the source cannot be looked at and there is a copy, that is no error, but a note.
func (c *Cache) Path(ctx context.Context, ref Ref, progress func(done, total int64)) (Found, error) {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	scheme, rest, url := splitURL(ref)
	if !url {
		if !filepath.IsAbs(string(ref)) {
			return Found{}, &Error{Kind: ErrInvalid, Object: string(ref), Err: errors.New("it must be an absolute path, or a URL")}
		}
		ref, rest = Ref(filepath.Clean(string(ref))), filepath.Clean(string(ref))
	}
	store := c.stores[scheme]
	if store == nil {
		return Found{}, &Error{Kind: ErrUnsupported, Object: string(ref), Err: errors.New("remote data are noted, not read"), Hint: "copy it here, and make an artifact of the copy"}
	}
	e, err := c.entryOf(ref, rest)
	if err != nil {
		return Found{}, err
	}
	if !url && !c.slow(string(ref)) {
		return e.inPlace(ctx)
	}
	info, err := store.Stat(ctx, ref)
	if err != nil {
		return e.instead(ctx, err)
	}
	path := e.current(ctx, info)
	if path == "" {
		if path, info, err = e.renew(ctx, store, info, progress); err != nil {
			return Found{}, err
		}
	}
	return Found{Path: path, Copy: true, Source: &info}, nil
}

// splitURL cuts the scheme off a URL; what follows "?" or "#" is no part of the rest.
func splitURL(ref Ref) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(string(ref), "://")
	if !ok || scheme == "" || strings.Contains(scheme, "/") {
		return "", "", false
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	return strings.ToLower(scheme), rest, true
}

// slow says whether a path lies below one of the roots, by its name or where links lead. Copies never do.
func (c *Cache) slow(path string) bool {
	if within(path, c.dir) {
		return false
	}
	for _, root := range c.roots {
		if within(path, root) {
			return true
		}
	}
	if len(c.roots) == 0 {
		return false
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil || within(real, c.dir) {
		return false
	}
	for _, root := range c.roots {
		if to, err := filepath.EvalSymlinks(root); err == nil && within(real, to) {
			return true
		}
	}
	return false
}

// within says whether a clean path is that of a folder, or below it.
func within(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == filepath.Separator || strings.HasSuffix(dir, string(filepath.Separator)))
}

// inPlace gives the object itself.
func (e *entry) inPlace(ctx context.Context) (Found, error) {
	fi, err := os.Stat(string(e.ref))
	if err != nil {
		return e.instead(ctx, err)
	}
	info := &Info{Dir: fi.IsDir()}
	if !info.Dir {
		info.Files = []File{{"", fi.Size(), fi.ModTime()}}
	}
	return Found{Path: string(e.ref), Source: info}, nil
}

// instead gives the copy of a source that cannot be looked at, or says why not.
func (e *entry) instead(ctx context.Context, why error) (Found, error) {
	if ctx.Err() != nil {
		return Found{}, why
	}
	var own *Error
	if errors.As(why, &own) {
		return Found{}, why // it is there, and of a kind that is not copied
	}
	what := fmt.Sprintf("cannot be looked at (%v)", why)
	gone := errors.Is(why, fs.ErrNotExist)
	if gone {
		what = "is gone"
	}
	if path, made := e.last(); path != "" {
		return Found{Path: path, Copy: true, Note: fmt.Sprintf("%s %s; its copy of %s is used", e.ref, what, made.Format(time.DateTime))}, nil
	}
	if gone {
		return Found{}, &Error{Kind: ErrNotFound, Object: string(e.ref), Err: errors.New("there is nothing, and no copy of it"), Hint: "it was moved or deleted since it was registered"}
	}
	return Found{}, &Error{Kind: ErrUnreadable, Object: string(e.ref), Err: why}
}
