package zarr

import (
	"container/list"
	"os"
	"sync"
)

// maxOpen bounds how many chunk files all stores together keep open: parts of shards and of uncompressed chunks are
// read again and again, and opening costs more than reading.
const maxOpen = 128

// openFile is a chunk file. It stays open while refs > 0, dropped or not.
type openFile struct {
	f *os.File

	// Guarded by the pool's mutex.
	refs int
	at   *list.Element // nil: dropped
	id   objectID
}

// filePool keeps chunk files open, the least recently used out first.
type filePool struct {
	limit int

	mu sync.Mutex
	// table and order (most recent first) hold the same files.
	table map[objectID]*openFile
	order *list.List
}

func newFilePool(limit int) *filePool {
	return &filePool{limit: limit, table: make(map[objectID]*openFile), order: list.New()}
}

// pool serves every store: descriptors are the process's, not a store's.
var pool = newFilePool(maxOpen)

// get gives the open file of an object, or nil. It is put back after use.
func (p *filePool) get(id objectID) *openFile {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.table[id]
	if f != nil {
		f.refs++
		p.order.MoveToFront(f.at)
	}
	return f
}

// add takes a file just opened, and gives it, or the one that another goroutine added meanwhile.
func (p *filePool) add(id objectID, f *os.File) *openFile {
	p.mu.Lock()
	var close []*os.File
	o := p.table[id]
	if o != nil {
		close = append(close, f)
	} else {
		o = &openFile{f: f, id: id}
		o.at = p.order.PushFront(o)
		p.table[id] = o
		for p.order.Len() > p.limit {
			close = append(close, p.drop(p.order.Back().Value.(*openFile)))
		}
	}
	o.refs++
	p.mu.Unlock()
	closeAll(close)
	return o
}

// drop forgets a file and gives it for closing when nobody uses it. The caller holds mu.
func (p *filePool) drop(o *openFile) *os.File {
	if o.at == nil {
		return nil
	}
	p.order.Remove(o.at)
	delete(p.table, o.id)
	o.at = nil
	if o.refs > 0 {
		return nil
	}
	return o.f
}

// put gives back what get and add gave. A file that failed is dropped.
func (p *filePool) put(o *openFile, failed bool) {
	p.mu.Lock()
	var last *os.File
	o.refs--
	if failed && o.at != nil {
		last = p.drop(o)
	} else if o.at == nil && o.refs == 0 {
		last = o.f
	}
	p.mu.Unlock()
	closeAll([]*os.File{last})
}

// forget closes the files of a store.
func (p *filePool) forget(s *Store) {
	p.mu.Lock()
	var close []*os.File
	for id, o := range p.table {
		if id.a.s == s {
			close = append(close, p.drop(o))
		}
	}
	p.mu.Unlock()
	closeAll(close)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close() // read only: nothing can be lost
		}
	}
}
