package mapped

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// tempFile is a file without a name, for what a collection makes of its sources.
// It goes with its descriptor, also when the process is killed.
type tempFile struct {
	f   *os.File
	dir string
}

func newTempFile(dir string) (*tempFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, tempError(dir, err)
	}
	f, err := os.CreateTemp(dir, "loaderd-*")
	if err != nil {
		return nil, tempError(dir, err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, tempError(dir, err)
	}
	return &tempFile{f, dir}, nil
}

const tempHint = "free some, or set LOADERD_CACHE_DIR to a folder on a larger disk and restart the daemon (loaderd stop)"

// reserve refuses what the disk has no room for. free is freeSpace, or a test's.
func (t *tempFile) reserve(bytes int64, free func(*os.File) (int64, bool)) error {
	if have, ok := free(t.f); ok && have < bytes {
		return fail(ErrNoSpace, stageRead, t.dir, tempHint, "turning a CSC matrix into rows takes %d MB, and %d MB are free", bytes/1e6+1, have/1e6)
	}
	return nil
}

func (t *tempFile) write(p []byte, off int64) error {
	_, err := t.f.WriteAt(p, off)
	return tempError(t.dir, err)
}

func (t *tempFile) read(p []byte, off int64) error {
	_, err := t.f.ReadAt(p, off)
	return tempError(t.dir, err)
}

func (t *tempFile) close() error { return t.f.Close() }

// tempError names the folder, and the cure where the disk is full.
func tempError(dir string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrClosed):
		return err
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return &Error{Kind: ErrNoSpace, Stage: stageRead, Object: dir, Hint: tempHint, Err: err}
	}
	return &Error{Kind: ErrNoSpace, Stage: stageRead, Object: dir, Err: fmt.Errorf("temporary file: %w", err),
		Hint: "set LOADERD_CACHE_DIR to a folder that can be written and restart the daemon (loaderd stop)"}
}

// span is an array of numbers in a tempFile.
type span struct {
	file *tempFile
	off  int64
	n    int64
	size int64
}

// write puts elements in their place, from element i on.
func (s *span) write(p []byte, i int64) error { return s.file.write(p, s.off+i*s.size) }

func (s *span) direct() bool { return true }

func (s *span) directAt(i int64) (off, run int64, ok bool) { return s.off + i*s.size, s.n - i, i < s.n }

func (s *span) readAt(p []byte, off int64) error { return s.file.read(p, off) }

func (s *span) chunkShape() []int64                           { return nil }
func (s *span) readChunk([]byte, int, *Scratch) error         { return errNotBlocks }
func (s *span) readRows([]byte, int64, int64, *Scratch) error { return errNotBlocks }
