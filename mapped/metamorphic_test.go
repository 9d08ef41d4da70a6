package mapped

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
)

// Whatever way the files are stored, whatever the cache, however the rows of a
// batch are cut among goroutines, the bytes of a batch are the same.
func TestBatchesDoNotShowHowTheyWereMade(t *testing.T) {
	stored := []string{"contiguous", "chunked", "gzip", "lzf"}
	r := rand.New(rand.NewPCG(3, 9))
	var rows [][]int64
	for range 12 {
		batch := make([]int64, 1+r.IntN(50))
		for i := range batch {
			batch[i] = r.Int64N(120)
		}
		rows = append(rows, batch)
	}
	for _, o := range []EncoderOptions{{}, {Format: CSR}, {DType: "float64"}, {Format: CSR, DType: "float16"}} {
		var want [][]byte
		for try := range 24 {
			a, b := pick(r, stored...), pick(r, stored...)
			cacheBytes, parts := int64(1)<<r.IntN(20), 1+r.IntN(6)
			what := fmt.Sprintf("%+v from %s and %s, cache of %d bytes, %d goroutines", o, a, b, cacheBytes, parts)
			got := batchBytes(t, []string{"same_" + a + ".h5ad", "same_" + b + ".h5ad"}, o, cacheBytes, parts, rows)
			if try == 0 {
				want = got
			}
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					t.Fatalf("%s: batch %d differs", what, i)
				}
			}
		}
	}
}

// batchBytes gives all bytes of each batch, in the order of the buffers.
func batchBytes(t *testing.T, files []string, o EncoderOptions, cacheBytes int64, parts int, batches [][]int64) (out [][]byte) {
	t.Helper()
	for i := range files {
		files[i] = filepath.Join(fixtures, files[i])
	}
	c, err := Open(context.Background(), files, Options{ObsmKeys: []string{"band"}, CacheBytes: cacheBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	e, err := c.NewEncoder(o)
	if err != nil {
		t.Fatal(err)
	}
	b := e.NewBatch()
	for _, rows := range batches {
		caps := e.Bounds(rows, nil)
		bufs := layout(e, len(rows), caps)
		nnz, err := write(b, rows, 0, bufs, caps, parts)
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		at, k := 0, 0
		for _, f := range e.Fields() {
			d, _ := parseDType(f.DType)
			if f.Kind != KindCSR {
				all = append(all, bufs[at]...)
				at++
				continue
			}
			all = append(all, bufs[at]...)
			all = append(all, bufs[at+1][:nnz[k]*4]...)
			all = append(all, bufs[at+2][:nnz[k]*d.size()]...)
			at, k = at+3, k+1
		}
		out = append(out, all)
	}
	return out
}

func TestChunksAreDecodedOnceWhenTheyFit(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	m := &modelStore{file: &memFile{}, vars: []string{"a", "b", "c", "d"}}
	for range 300 {
		m.rows = append(m.rows, []modelEntry{{0, 1}, {2, 3}})
	}
	m.write(r, float32Type)
	x := m.file.top.members["X"].(*memGroup)
	for _, name := range []string{"data", "indices"} {
		a := x.members[name].(*memArray)
		a.as, a.e.bigEndian = storage{chunks: []int64{32}}, false
	}
	chunks := int64(2 * ((600 + 31) / 32))
	for _, limit := range []struct {
		what  string
		bytes int64
		max   int64
	}{{"a cache of all chunks", 1 << 20, chunks}, {"a cache of nearly nothing", 1, 1 << 40}} {
		m.file.decoded.Store(0)
		c, err := openModel([]*modelStore{m}, Options{CacheBytes: limit.bytes})
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.NewEncoder(EncoderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := encode(e, sequence(300), 0, 8); err != nil {
				t.Fatal(err)
			}
		}
		if n := m.file.decoded.Load(); n < chunks || n > limit.max {
			t.Errorf("%s: %d chunks decoded, of %d", limit.what, n, chunks)
		}
		if used := c.cache.used.Load(); used > max(limit.bytes, 0) && limit.bytes > 1 {
			t.Errorf("%s: %d bytes kept", limit.what, used)
		}
		c.cache.check(t)
		c.Close()
	}
}

// check is what must hold of a cache that nobody is using.
func (c *chunkCache) check(t *testing.T) {
	t.Helper()
	var used int64
	for i := range c.shards {
		s := &c.shards[i]
		n := 0
		for e := s.ring.next; e != &s.ring; e = e.next {
			n++
			used += int64(len(e.buf))
			if e.refs != 0 || s.table[e.key] != e {
				t.Errorf("chunk %v has %d users", e.key, e.refs)
			}
		}
		if n != len(s.table) {
			t.Errorf("%d chunks in the list and %d in the table", n, len(s.table))
		}
	}
	if used != c.used.Load() {
		t.Errorf("%d bytes listed and %d counted", used, c.used.Load())
	}
}

// fakeLoader fills chunks with their number; some chunks fail.
type fakeLoader struct {
	mu    sync.Mutex
	loads map[int]int
}

func (l *fakeLoader) loadChunk(dst []byte, chunk int, s *Scratch) error {
	l.mu.Lock()
	l.loads[chunk]++
	l.mu.Unlock()
	if chunk%13 == 12 {
		return errNotLoaded
	}
	for i := range dst {
		dst[i] = byte(chunk)
	}
	return nil
}

func TestTheCacheHoldsUnderManyGoroutines(t *testing.T) {
	for _, budget := range []int64{1, 3000, 1 << 20} {
		c, l := newChunkCache(budget), &fakeLoader{loads: map[int]int{}}
		var g errgroup.Group
		for w := range 8 {
			g.Go(func() error {
				r := rand.New(rand.NewPCG(uint64(w), uint64(budget)))
				for range 3000 {
					chunk := r.IntN(100)
					size := 64 + chunk%7*40
					e, err := c.get(chunkKey{1, chunk}, size, l, nil)
					if chunk%13 == 12 {
						if err == nil {
							return fmt.Errorf("chunk %d should have failed", chunk)
						}
						continue
					}
					if err != nil {
						return err
					}
					if len(e.buf) != size || e.buf[0] != byte(chunk) || e.buf[size-1] != byte(chunk) {
						return fmt.Errorf("chunk %d holds another's bytes", chunk)
					}
					c.put(e)
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		c.check(t)
		// A chunk in use when the last one came may stay over the budget.
		if used := c.used.Load(); used > budget+8*400 {
			t.Errorf("%d bytes kept of %d", used, budget)
		}
		for chunk, n := range l.loads {
			if budget == 1<<20 && chunk%13 != 12 && n != 1 {
				t.Errorf("chunk %d was decoded %d times", chunk, n)
			}
		}
	}
}

func TestAPanicWhileDecodingFailsTheChunkAndNobodyWaitsForEver(t *testing.T) {
	c := newChunkCache(1 << 20)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_, _ = c.get(chunkKey{1, 1}, 8, panicLoader{}, nil)
	}()
	if e, err := c.get(chunkKey{1, 1}, 8, &fakeLoader{loads: map[int]int{}}, nil); err != nil || e.buf[0] != 1 {
		t.Errorf("after the panic: %v", err)
	}
}

type panicLoader struct{}

func (panicLoader) loadChunk([]byte, int, *Scratch) error { panic("decoder") }
