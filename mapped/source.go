package mapped

import (
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// env is what the parts of one file share.
type env struct {
	file  container
	path  string // for errors
	cache *chunkCache
	// nextArray numbers the arrays that use the cache.
	nextArray func() uint32
	// identity is what the row store knows the file by, as it was when it was opened; "" without a row store, or where the file
	// cannot be told from another. identified says whether it still is.
	source, identity string
	identified       func() bool

	seen atomic.Int64 // when the file was last seen unchanged, in nanoseconds since 1970
}

func (v *env) fail(kind error, at, hint, format string, args ...any) error {
	return fail(kind, stageOpen, element(v.path, at), hint, format, args...)
}

// believes says whether a file of this size can hold so many bytes of numbers.
// Headers may claim any shape; what is far beyond the best compression must not
// decide how much memory is taken.
func (v *env) believes(bytes int64) bool {
	return bytes <= 1<<28 || bytes/2000 <= v.file.size()
}

// wrap gives errors of the format reader the file's name and our kinds.
func (v *env) wrap(err error) error { return formatError(v.path, stageOpen, err) }

// changedEvery is for how long a file that has not changed is believed to be unchanged.
const changedEvery = time.Millisecond

// changed looks whether the file is still what it was: now, or not longer ago than changedEvery before now.
func (v *env) changed(now time.Time, strict bool) error {
	at := now.UnixNano()
	if seen := v.seen.Load(); !strict && seen <= at && at-seen < int64(changedEvery) {
		return nil
	}
	if err := v.file.changed(); err != nil {
		return err
	}
	v.seen.Store(at)
	return nil
}

// readError says why a read of the part at failed after the file was opened: a
// file that changed explains whatever else went wrong.
func (v *env) readError(at string, err error) error {
	if changed := v.file.changed(); changed != nil {
		return failOf(err, ErrChanged, stageRead, element(v.path, at), "open the files again", "the file changed while it was in use")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fail(ErrBadFile, stageRead, element(v.path, at), "", "the file ends before this part does")
	}
	return formatError(v.path, stageRead, err)
}

// source reads ranges of a numeric array of one or two dimensions, in native
// byte order, by whichever way the array allows: straight from the file, from
// decoded chunks in the cache, or from memory. Safe for concurrent use.
type source struct {
	env  *env
	arr  blocks
	path string // of the array
	id   uint32 // in the cache
	elem elem
	size int   // bytes of an element
	rows int64 // elements along the first axis
	cols int64 // elements of a row; 1 for vectors

	mem    []byte // everything, where the array is neither direct nor in chunks
	direct bool
	// Chunks, when neither of the above.
	chunkRows, chunkCols int64
	gridCols             int64
	chunkBytes           int
}

// chunked says whether elements have to be decoded in chunks.
func (s *source) chunked() bool { return s.chunkBytes > 0 }

// maxChunkBytes bounds what one decoded chunk may take.
const maxChunkBytes = 1 << 30

// newSource refuses arrays that hold no numbers or have more than two dimensions.
func newSource(v *env, a array) (*source, error) {
	e, shape := a.elem(), a.shape()
	if e.kind != elemNumber || a.null() {
		return nil, v.fail(ErrUnsupported, a.path(), "only numbers can be given as batches", "elements of type %s", e.text)
	}
	if len(shape) < 1 || len(shape) > 2 {
		return nil, v.fail(ErrUnsupported, a.path(), rewriteHint, "%d dimensions", len(shape))
	}
	s := &source{env: v, arr: a, path: a.path(), elem: e, size: e.dtype.size(), rows: shape[0], cols: 1}
	if len(shape) == 2 {
		s.cols = shape[1]
	}
	chunks := a.chunkShape()
	switch {
	case a.direct():
		s.direct = true
	case len(chunks) == len(shape):
		s.chunkRows, s.chunkCols = chunks[0], 1
		if len(shape) == 2 {
			s.chunkCols = chunks[1]
		}
		if s.chunkRows < 1 || s.chunkCols < 1 {
			return nil, v.fail(ErrBadFile, a.path(), rewriteHint, "chunks of shape %v", chunks)
		}
		if s.chunkRows > maxChunkBytes/s.chunkCols/int64(s.size) {
			return nil, v.fail(ErrUnsupported, a.path(), rewriteHint, "chunks of shape %v are larger than %d bytes", chunks, maxChunkBytes)
		}
		if size := s.chunkRows * s.chunkCols * int64(s.size); !v.believes(size) {
			return nil, v.fail(ErrBadFile, a.path(), rewriteHint, "chunks of %d bytes in a file of %d", size, v.file.size())
		}
		s.gridCols = (s.cols + s.chunkCols - 1) / s.chunkCols
		s.chunkBytes = int(s.chunkRows * s.chunkCols * int64(s.size))
		s.id = v.nextArray()
	default:
		var err error
		if s.mem, err = a.bytes(); err != nil {
			return nil, v.wrap(err)
		}
		if int64(len(s.mem)) < s.rows*s.cols*int64(s.size) {
			return nil, v.fail(ErrBadFile, a.path(), rewriteHint, "less data than its shape")
		}
		mem := alignedBytes(len(s.mem))
		copy(mem, s.mem)
		s.mem = mem
	}
	return s, nil
}

// loadChunk decodes for the cache.
func (s *source) loadChunk(dst []byte, chunk int, sc *Scratch) error {
	if err := s.arr.readChunk(dst, chunk, sc); err != nil {
		return err
	}
	if s.elem.bigEndian {
		swapBytes(dst, s.size)
	}
	return nil
}

func (s *source) chunk(i int64, sc *Scratch) (*cached, error) {
	return s.env.cache.get(chunkKey{s.id, int(i)}, s.chunkBytes, s, sc)
}

// borrow gives n elements of the flattened array from first. They lie in *buf,
// or in a chunk of the cache that *hold keeps until sc.release.
func (s *source) borrow(first, n int64, sc *Scratch, buf *[]byte, hold **cached) ([]byte, error) {
	size := int64(s.size)
	if n == 0 {
		return nil, nil
	}
	if s.mem != nil {
		return s.mem[first*size : (first+n)*size], nil
	}
	// Chunks exactly as wide as the array hold its elements in order.
	if !s.direct && s.chunkCols == s.cols {
		span := s.chunkRows * s.chunkCols
		if first/span == (first+n-1)/span {
			c, err := s.chunk(first/span, sc)
			if err != nil {
				return nil, err
			}
			*hold = c
			at := first % span * size
			return c.buf[at : at+n*size], nil
		}
	}
	b := grow(buf, int(n*size))
	return b, s.readInto(b, first, n, sc)
}

// readInto copies n elements of the flattened array from first into dst.
func (s *source) readInto(dst []byte, first, n int64, sc *Scratch) error {
	size := int64(s.size)
	if s.mem != nil {
		copy(dst, s.mem[first*size:(first+n)*size])
		return nil
	}
	if s.direct {
		return s.readDirect(dst, first, n, sc)
	}
	for n > 0 {
		row, col := first/s.cols, first%s.cols
		run := min(n, s.cols-col, s.chunkCols-col%s.chunkCols)
		if s.chunkCols == s.cols {
			run = min(n, s.chunkRows*s.cols-first%(s.chunkRows*s.cols))
		}
		c, err := s.chunk(row/s.chunkRows*s.gridCols+col/s.chunkCols, sc)
		if err != nil {
			return err
		}
		at := (row%s.chunkRows*s.chunkCols + col%s.chunkCols) * size
		copy(dst[:run*size], c.buf[at:])
		s.env.cache.put(c)
		dst, first, n = dst[run*size:], first+run, n-run
	}
	return nil
}

func (s *source) readDirect(dst []byte, first, n int64, sc *Scratch) error {
	size := int64(s.size)
	whole := dst[:n*size]
	for n > 0 {
		off, run, ok := s.arr.directAt(first)
		if !ok {
			// A chunk that was never written: the reader knows the fill value.
			return s.readFilled(whole, first+n-int64(len(whole))/size, int64(len(whole))/size, sc)
		}
		run = min(run, n)
		if err := s.arr.readAt(dst[:run*size], off); err != nil {
			return err
		}
		dst, first, n = dst[run*size:], first+run, n-run
	}
	if s.elem.bigEndian {
		swapBytes(whole, s.size)
	}
	return nil
}

// readFilled reads by rows of the array what directAt cannot locate.
func (s *source) readFilled(dst []byte, first, n int64, sc *Scratch) error {
	r0, r1 := first/s.cols, (first+n-1)/s.cols
	rows := grow(&sc.filled, int((r1-r0+1)*s.cols)*s.size)
	if err := s.arr.readRows(rows, r0, r1-r0+1, sc); err != nil {
		return err
	}
	copy(dst, rows[(first-r0*s.cols)*int64(s.size):])
	return nil
}
