package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/mapped"
	"github.com/loaderd/loaderd/registry"
)

// look is what a file or a folder is, all bytes read.
type look struct {
	hash, hashType string
	rest           string // hash of what that leaves out, "" where it leaves out nothing
	size           int64
	files          int64  // of a folder; -1: it is a file
	signature      uint64 // of names, sizes and times: whether it is still what it was
	settled        bool   // a change after the look shows in the signature
}

// counted tells how far a look is: files and bytes. It may be called from several goroutines.
type counted struct {
	found, done, bytes atomic.Int64
	all                atomic.Bool // found is all there are
}

// lookAt reads a file, or every file below a folder, and hashes as lamindb does: links to files count as files, links to folders
// not at all, and of a folder neither names nor the order of its files count; what that leaves out is hashed beside. The file must stay as it is meanwhile.
func lookAt(ctx context.Context, path string, n *counted) (look, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return look{}, pathError(path, err)
	}
	if fi.Mode().IsRegular() {
		n.found.Store(1)
		n.all.Store(true)
		return lookAtFile(ctx, path, "", n)
	}
	if !fi.IsDir() {
		return look{}, &mapped.Error{Kind: mapped.ErrInvalid, Stage: "register", Object: path, Detail: "it is neither a file nor a folder"}
	}
	l := &folderLook{n: n}
	if err := l.walk(ctx, path, l.hash); err != nil {
		return look{}, err
	}
	if len(l.files) == 0 {
		return look{}, &mapped.Error{Kind: mapped.ErrInvalid, Stage: "register", Object: path, Detail: "the folder has no files"}
	}
	hashes := make([]string, len(l.files))
	for i, f := range l.files {
		hashes[i] = f.Hash
	}
	rest := registry.HashRestOfFolder(l.files)
	return look{registry.HashOfFolder(hashes), registry.HashFolder, rest, l.size, int64(len(hashes)), l.signature, false}, nil
}

// content is what the registry compares of what was seen.
func (l look) content() registry.FileOf { return registry.FileOf{Hash: l.hash, Rest: l.rest} }

// signatureOf is the signature that a look at the path would have now, without reading any file.
func signatureOf(ctx context.Context, path string) (uint64, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return 0, pathError(path, err)
	}
	if !fi.IsDir() {
		return sign("", fi), nil
	}
	l := &folderLook{n: new(counted)}
	err = l.walk(ctx, path, func(_ context.Context, file, name string) error {
		fi, err := os.Stat(file)
		if err != nil {
			return pathError(file, err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.signature += sign(name, fi)
		return nil
	})
	return l.signature, err
}

// folderLook adds up the files of a folder.
type folderLook struct {
	n *counted

	mu        sync.Mutex // guards what follows
	files     []registry.FileOf
	size      int64
	signature uint64
}

// walk calls each with every file below a folder and its name within it, from several goroutines.
func (l *folderLook) walk(ctx context.Context, root string, each func(ctx context.Context, file, name string) error) error {
	root, err := filepath.EvalSymlinks(root) // of links below it none is followed
	if err != nil {
		return pathError(root, err)
	}
	g, ctx := errgroup.WithContext(ctx)
	files := make(chan string, 1024)
	g.Go(func() error {
		defer close(files)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return pathError(path, err)
			}
			if !isFile(path, d) {
				return nil
			}
			l.n.found.Add(1)
			select {
			case files <- path:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		l.n.all.Store(err == nil)
		return err
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			for path := range files {
				if err := each(ctx, path, path[len(root):]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func isFile(path string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type().IsRegular()
	}
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}

func (l *folderLook) hash(ctx context.Context, file, name string) error {
	f, err := lookAtFile(ctx, file, name, l.n)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files = append(l.files, registry.FileOf{Name: name, Hash: f.hash, Rest: f.rest})
	l.size += f.size
	l.signature += f.signature
	return nil
}

// lookAtFile reads one file, called name in its folder.
func lookAtFile(ctx context.Context, path, name string, n *counted) (look, error) {
	f, err := os.Open(path)
	if err != nil {
		return look{}, pathError(path, err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return look{}, pathError(path, err)
	}
	hash, kind, err := registry.HashFile(ctx, f, before.Size())
	rest := ""
	if err == nil {
		rest, err = registry.HashRest(ctx, f, before.Size())
	}
	if err != nil && ctx.Err() != nil {
		return look{}, err
	}
	after, statErr := f.Stat()
	if statErr == nil && sign(name, before) != sign(name, after) {
		return look{}, errChanged(path)
	}
	if err != nil {
		return look{}, pathError(path, err)
	}
	n.done.Add(1)
	n.bytes.Add(before.Size())
	return look{hash, kind, rest, before.Size(), -1, sign(name, before), registry.Settled(before, time.Now())}, nil
}

// sign is a digest of what changes with a file. Those of a folder's files are added up, in any order. That of a file without a name is the
// registry's signature.
func sign(name string, fi fs.FileInfo) uint64 {
	signature := uint64(registry.Signature(fi))
	if name == "" {
		return signature
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], signature)
	h.Write(b[:])
	return h.Sum64()
}

// seen is the signature by which a file that stays as it is is known later; 0 where there is none.
func (l look) seen() int64 {
	if l.files >= 0 || !l.settled {
		return 0
	}
	return int64(l.signature)
}

func errChanged(path string) error {
	return &mapped.Error{Kind: mapped.ErrChanged, Stage: "register", Object: path, Detail: "it changed while it was looked at", Hint: "register it again when it is complete"}
}

// pathError is an error of the file system with the kind that it has on the wire.
func pathError(path string, err error) error {
	var done *mapped.Error
	if errors.As(err, &done) || errors.Is(err, context.Canceled) {
		return err
	}
	kind := mapped.ErrBadFile
	if errors.Is(err, fs.ErrNotExist) {
		kind, err = mapped.ErrNotFound, fmt.Errorf("there is nothing")
	}
	return &mapped.Error{Kind: kind, Stage: "register", Object: path, Err: err}
}
