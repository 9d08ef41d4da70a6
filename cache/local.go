package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// parallel is how many files of a folder are looked at, or copied, at a time: what is slow answers slowly, and not less to several.
const parallel = 8

// Local is the store of the files and folders that paths of this machine lead to. Links to files count as files.
type Local struct{}

// Stat looks at a file, or at every file below a folder.
func (Local) Stat(ctx context.Context, ref Ref) (Info, error) {
	root, err := filepath.EvalSymlinks(string(ref)) // WalkDir follows no link, not even this one
	if err != nil {
		return Info{}, err
	}
	fi, err := os.Stat(root)
	switch {
	case err != nil:
		return Info{}, err
	case fi.Mode().IsRegular():
		return Info{Files: []File{{"", fi.Size(), fi.ModTime()}}}, nil
	case !fi.IsDir():
		return Info{}, &Error{Kind: ErrUnsupported, Object: string(ref), Err: errors.New("it is neither a file nor a folder")}
	}
	names, err := namesIn(ctx, root)
	if err != nil {
		return Info{}, err
	}
	files, there := make([]File, len(names)), make([]bool, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, name := range names {
		g.Go(func() (err error) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			files[i], there[i], err = lookAt(root, name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Info{}, err
	}
	kept := files[:0]
	for i, f := range files {
		if there[i] {
			kept = append(kept, f)
		}
	}
	return Info{Dir: true, Files: kept}, nil
}

// namesIn lists what is below a folder and is no folder, sorted.
func namesIn(ctx context.Context, root string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case !d.IsDir():
			names = append(names, filepath.ToSlash(strings.TrimPrefix(path[len(root):], string(filepath.Separator))))
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// lookAt gives a file below a folder; none for a link that leads nowhere, and for a file that has just gone.
func lookAt(root, name string) (f File, there bool, err error) {
	path := filepath.Join(root, name)
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return File{}, false, nil
	case err != nil:
		return File{}, false, err
	case fi.Mode().IsRegular():
		return File{name, fi.Size(), fi.ModTime()}, true, nil
	}
	what := "it is neither a file nor a folder"
	if fi.IsDir() {
		what = "it is a link to a folder, which a copy would lack"
	}
	return File{}, false, &Error{Kind: ErrUnsupported, Object: path, Err: errors.New(what), Hint: "take its root out of LOADERD_CACHE_COPY, and it is read in place"}
}

// fetchStep is how many bytes are copied between two looks at the context.
const fetchStep = 16 << 20

// Fetch copies a file.
func (Local) Fetch(ctx context.Context, ref Ref, name string, into *os.File, progress func(n int64)) error {
	return copyFile(ctx, filepath.Join(string(ref), filepath.FromSlash(name)), into, progress)
}

func copyFile(ctx context.Context, from string, into *os.File, progress func(n int64)) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return errors.Join(err, fmt.Errorf("%s is no regular file", from))
	}
	for {
		n, err := io.CopyN(into, f, fetchStep)
		progress(n)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
	}
}
