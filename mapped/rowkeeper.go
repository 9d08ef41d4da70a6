package mapped

import (
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// rowKeeper is what the tables of one collection share.
type rowKeeper struct {
	store     *rowstore.Store
	work      *semaphore.Weighted // bytes of decoded chunks in work
	fragments fragments
	closing   chan struct{} // closed with the collection

	mu     sync.Mutex // guards what follows, while files are opened
	tables []*rowTable
}

// keeperWork bounds the decoded chunks in work. A unit that takes more is decoded alone.
const keeperWork = 48 << 20

// newRowKeeper keeps rows in a store. dir is for what does not fit the memory.
func newRowKeeper(store *rowstore.Store, dir string) *rowKeeper {
	k := &rowKeeper{store: store, work: semaphore.NewWeighted(keeperWork), closing: make(chan struct{})}
	k.fragments = fragments{limit: fragmentBytes, dir: dir, room: k.room}
	return k
}

// room says whether the file of fragments may grow: it counts as rows do.
func (k *rowKeeper) room(bytes int64) bool {
	u := k.store.Usage()
	return u.Bytes+bytes <= u.Allowed
}

func (k *rowKeeper) dropZone(z *zone) {
	if z == nil {
		return
	}
	for i := range z.pieces {
		k.fragments.drop(z.pieces[i].fragment)
	}
}

// obsmTable is the size from which a dense entry of obsm has a table, in bytes: smaller ones are better off in the cache of chunks.
const obsmTable = 64 << 20

// adopt gives the matrices of a store that is being opened their tables: those that lie in chunks that have to be decoded, and
// CSR matrices that do not. The latter are rows already, of 8 bytes a value where the row store takes 2, and as one copy
// and not two reads they take a fifth of the time (a row of a dense batch, which has to be written too, half of it). But
// that it takes long to write them, about as long as to read them in place: so their rows are written when they are asked
// for the second time. One pass over a file costs nothing more than before, and ten passes take a third of the time. Dense
// matrices that can be read in place are, for nothing says that the store would make them smaller.
func (k *rowKeeper) adopt(s *store) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range s.layers {
		if m != nil && (m.encoded() || m.sparse != nil && m.columns == nil && m.sparse.indices.direct && m.sparse.data.direct) {
			k.add(m)
		}
	}
	for _, m := range s.obsm {
		if m != nil && m.dense != nil && m.encoded() && m.nnz*int64(m.dense.size) >= obsmTable {
			k.add(m)
		}
	}
}

func (k *rowKeeper) add(m *matrix) {
	m.table = newRowTable(k, m)
	k.tables = append(k.tables, m.table)
}

// encoded says whether rows are in chunks that have to be decoded.
func (m *matrix) encoded() bool {
	switch {
	case m.columns != nil:
		return false
	case m.sparse != nil:
		return m.sparse.indices.chunked() || m.sparse.data.chunked()
	}
	return m.dense != nil && m.dense.chunked()
}

// close seals and closes the tables. No rows may be in use.
func (k *rowKeeper) close() error {
	err := k.fragments.close()
	for _, t := range k.tables {
		if table := t.table.Swap(nil); table != nil {
			err = errors.Join(err, table.Seal())
			table.Close()
		}
	}
	return err
}

// storedTypes are our element types in the row store.
var storedTypes = [numTypes]rowstore.DType{
	boolType: rowstore.Bool,
	int8Type: rowstore.Int8, int16Type: rowstore.Int16, int32Type: rowstore.Int32, int64Type: rowstore.Int64,
	uint8Type: rowstore.Uint8, uint16Type: rowstore.Uint16, uint32Type: rowstore.Uint32, uint64Type: rowstore.Uint64,
	float16Type: rowstore.Float16, float32Type: rowstore.Float32, float64Type: rowstore.Float64,
}

func storedType(d dtype) rowstore.DType { return storedTypes[d] }
