package mapped

import (
	"errors"
	"log/slog"
	"math/bits"
	"sync"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// fragments keeps what chunks have of rows that lie in others too, until those are decoded: as records of the row store,
// which are compact and know when they are damaged; in memory up to a limit, beyond it in a file without a name.
type fragments struct {
	limit int64
	dir   string                 // of the file
	room  func(bytes int64) bool // says whether the file may grow by so much

	mu   sync.Mutex // guards what follows
	last int64      // number of the newest record
	used int64      // bytes in memory
	file *tempFile  // nil until it is needed
	end  int64
	most int64 // to which it may grow
	// free are the places of the file that are not in use, by size class.
	free [bits.UintSize][]int64
	// full is set when the file cannot be written: what does not fit the memory is lost then.
	full bool
}

// fragment is where a record is. The zero value is a lost one.
type fragment struct {
	number int64
	mem    []byte
	off    int64 // in the file, where mem is nil
	size   int
}

// fragmentBytes bounds the fragments of a collection in memory.
const fragmentBytes = 32 << 20

// fragmentStep is how much the file of fragments may grow before it is asked again whether there is room.
const fragmentStep = 64 << 20

var errNoRoom = errors.New("the row store has no room for them")

// class is the size class of a place in the file: places are powers of two.
func (f fragment) class() int { return bits.Len(uint(f.size - 1)) }

// keep stores numbers. buf is working memory.
func (f *fragments) keep(raw []byte, d dtype, buf *[]byte) (out fragment) {
	f.mu.Lock()
	f.last++
	out.number = f.last
	f.mu.Unlock()
	record, err := rowstore.AppendDense((*buf)[:0], out.number, storedType(d), raw)
	if *buf = record; err != nil {
		return fragment{}
	}
	out.size = len(record)
	f.mu.Lock()
	if f.used+int64(out.size) <= f.limit {
		f.used += int64(out.size)
		f.mu.Unlock()
		out.mem = append([]byte(nil), record...)
		return out
	}
	file := f.place(&out)
	f.mu.Unlock()
	if file == nil {
		return fragment{}
	}
	if err := file.write(record, out.off); err != nil {
		f.mu.Lock()
		f.giveUp(err)
		f.mu.Unlock()
		return fragment{}
	}
	return out
}

// place finds room in the file for who holds mu; nil when there is none.
func (f *fragments) place(out *fragment) *tempFile {
	if f.full {
		return nil
	}
	class := out.class()
	if places := f.free[class]; len(places) > 0 {
		out.off = places[len(places)-1]
		f.free[class] = places[:len(places)-1]
		return f.file
	}
	if more := max(fragmentStep, int64(1)<<class); f.end+1<<class > f.most {
		if !f.room(more) {
			f.giveUp(errNoRoom)
			return nil
		}
		f.most = f.end + more
	}
	if f.file == nil {
		file, err := newTempFile(f.dir)
		if err != nil {
			f.giveUp(err)
			return nil
		}
		f.file = file
	}
	out.off = f.end
	f.end += 1 << class
	return f.file
}

// giveUp is for who holds mu.
func (f *fragments) giveUp(err error) {
	if !f.full {
		slog.Warn("parts of rows are lost, and their chunks will be decoded again", "error", err)
	}
	f.full = true
}

// read gives the numbers of a fragment, n of them; nil when they are lost.
func (f *fragments) read(from fragment, d dtype, n int64) []byte {
	record := from.mem
	if from.size == 0 {
		return nil
	}
	if record == nil {
		f.mu.Lock()
		file := f.file
		f.mu.Unlock()
		record = alignedBytes(from.size)
		if file == nil || file.read(record, from.off) != nil {
			return nil
		}
	}
	row := rowstore.Row(record)
	// Its number says that the place in the file is not another's by now.
	if size, ok := rowstore.Length(record); !ok || size != len(record) || row.Check(from.number, storedType(d), int(n)) != nil {
		return nil
	}
	out := alignedBytes(int(n) * d.size())
	row.DecodeDense(out)
	return out
}

// drop gives up a fragment's memory or place.
func (f *fragments) drop(from fragment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case from.size == 0:
	case from.mem != nil:
		f.used -= int64(from.size)
	default:
		class := from.class()
		f.free[class] = append(f.free[class], from.off)
	}
}

// close gives the file back. Fragments are lost then.
func (f *fragments) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = true
	if f.file == nil {
		return nil
	}
	return f.file.close()
}
