package mapped

import "github.com/edsrzf/mmap-go"

// workMemory is room for decoded chunks while they are in work.
type workMemory struct {
	buf   []byte
	chunk *cached   // small ones are spare memory of the cache
	large mmap.MMap // others the system's
}

// largeMemory is the size from which memory goes back to the system after use. The garbage collector would let
// it double first.
const largeMemory = 8 << 20

// work takes n bytes, of any content.
func (c *chunkCache) work(n int) workMemory {
	if n >= largeMemory {
		if m, err := mmap.MapRegion(nil, n, mmap.COPY, mmap.ANON, 0); err == nil {
			return workMemory{buf: m, large: m}
		}
	}
	chunk := c.take(n)
	return workMemory{buf: chunk.buf, chunk: chunk}
}

// done gives memory back.
func (c *chunkCache) done(m workMemory) {
	switch {
	case m.large != nil:
		_ = m.large.Unmap() // of a mapping that is there
	case m.chunk != nil:
		c.recycle(m.chunk)
	}
}
