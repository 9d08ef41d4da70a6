package mapped

import (
	"errors"
	"sync"
	"sync/atomic"
)

// chunkKey names a decoded chunk: which array of the collection, which chunk of it.
type chunkKey struct {
	array uint32
	chunk int
}

// A cached chunk. While refs > 0 its bytes stay as they are, evicted or not.
type cached struct {
	key chunkKey
	buf []byte

	// loading is held by the goroutine that decodes; those who wait take and drop it.
	// It guards err.
	loading sync.Mutex
	err     error

	// Guarded by the shard's mutex.
	refs       int
	listed     bool
	prev, next *cached
}

const cacheShards = 16

type cacheShard struct {
	mu sync.Mutex
	// table and the list around ring (most recent first) hold the listed chunks.
	table map[chunkKey]*cached
	ring  cached
}

// chunkCache keeps decoded chunks within a budget of bytes, least recently used
// out first. Each chunk is decoded by one goroutine while others wait for it.
// Memory of evicted chunks is used again, so steady misses allocate nothing.
//
// Lock order: a chunk's loading, then its shard's mu, then spare.mu. (A new
// chunk's loading is taken under mu, where nobody else can hold it.)
type chunkCache struct {
	budget int64
	used   atomic.Int64
	shards [cacheShards]cacheShard

	hits, misses atomic.Int64

	spare struct {
		mu    sync.Mutex
		list  []*cached
		bytes int64
	}
}

func newChunkCache(budget int64) *chunkCache {
	c := &chunkCache{budget: budget}
	for i := range c.shards {
		s := &c.shards[i]
		s.table = make(map[chunkKey]*cached)
		s.ring.prev, s.ring.next = &s.ring, &s.ring
	}
	return c
}

func (c *chunkCache) shardOf(k chunkKey) int {
	h := (uint64(k.array)<<40 ^ uint64(k.chunk)) * 0x9e3779b97f4a7c15
	return int(h >> 60)
}

// loader decodes one chunk into dst.
type loader interface {
	loadChunk(dst []byte, chunk int, s *Scratch) error
}

// get gives the decoded chunk of size bytes, from memory or from l. Every get
// without an error is followed by a put.
func (c *chunkCache) get(k chunkKey, size int, l loader, s *Scratch) (*cached, error) {
	at := c.shardOf(k)
	sh := &c.shards[at]
	sh.mu.Lock()
	if e := sh.table[k]; e != nil {
		e.refs++
		e.unlink()
		e.linkAfter(&sh.ring)
		sh.mu.Unlock()
		c.hits.Add(1)
		e.loading.Lock()
		err := e.err
		e.loading.Unlock()
		if err != nil {
			c.put(e)
			return nil, err
		}
		return e, nil
	}
	e := c.take(size)
	e.key, e.err, e.refs, e.listed = k, nil, 1, true
	e.loading.Lock() // free: nobody else knows e
	sh.table[k] = e
	e.linkAfter(&sh.ring)
	sh.mu.Unlock()
	c.misses.Add(1)
	if c.used.Add(int64(size)) > c.budget {
		c.evict(at)
	}
	if err := c.load(sh, e, l, s); err != nil {
		c.put(e)
		return nil, err
	}
	return e, nil
}

var errNotLoaded = errors.New("decoding did not finish")

// load decodes into e and lets those who wait go on, also when the decoder panics.
func (c *chunkCache) load(sh *cacheShard, e *cached, l loader, s *Scratch) (err error) {
	err = errNotLoaded
	defer func() {
		e.err = err
		if err != nil {
			sh.mu.Lock()
			c.drop(sh, e)
			sh.mu.Unlock()
		}
		e.loading.Unlock()
	}()
	err = l.loadChunk(e.buf, e.key.chunk, s)
	return err
}

// put gives back what get gave.
func (c *chunkCache) put(e *cached) {
	sh := &c.shards[c.shardOf(e.key)]
	sh.mu.Lock()
	e.refs--
	free := e.refs == 0 && !e.listed
	sh.mu.Unlock()
	if free {
		c.recycle(e)
	}
}

// drop takes e out of the shard; the caller holds its lock.
func (c *chunkCache) drop(sh *cacheShard, e *cached) {
	if !e.listed {
		return
	}
	delete(sh.table, e.key)
	e.unlink()
	e.listed = false
	c.used.Add(-int64(len(e.buf)))
}

// evict drops the oldest chunks, from shard at first, until the budget holds
// or only chunks in use are left.
func (c *chunkCache) evict(at int) {
	for i := 0; i < cacheShards && c.used.Load() > c.budget; i++ {
		sh := &c.shards[(at+i)%cacheShards]
		for c.used.Load() > c.budget {
			sh.mu.Lock()
			e := sh.ring.prev
			for e != &sh.ring && e.refs > 0 {
				e = e.prev
			}
			if e == &sh.ring {
				sh.mu.Unlock()
				break
			}
			c.drop(sh, e)
			sh.mu.Unlock()
			c.recycle(e)
		}
	}
}

// take gives an entry with size bytes, from the spare ones where one fits well.
func (c *chunkCache) take(size int) *cached {
	c.spare.mu.Lock()
	defer c.spare.mu.Unlock()
	list := c.spare.list
	for i := len(list) - 1; i >= 0; i-- {
		e := list[i]
		if n := cap(e.buf); n >= size && n <= 2*size+4096 {
			list[i] = list[len(list)-1]
			list[len(list)-1] = nil
			c.spare.list = list[:len(list)-1]
			c.spare.bytes -= int64(n)
			e.buf = e.buf[:size]
			return e
		}
	}
	return &cached{buf: alignedBytes(size)}
}

// recycle keeps the memory of a chunk nobody uses, up to a quarter of the budget
// or 1 MiB.
func (c *chunkCache) recycle(e *cached) {
	c.spare.mu.Lock()
	defer c.spare.mu.Unlock()
	if n := int64(cap(e.buf)); c.spare.bytes+n <= max(c.budget/4, 1<<20) {
		c.spare.list = append(c.spare.list, e)
		c.spare.bytes += n
	}
}

func (e *cached) unlink() {
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}

func (e *cached) linkAfter(at *cached) {
	e.prev, e.next = at, at.next
	at.next.prev = e
	at.next = e
}
