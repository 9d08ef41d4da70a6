package rowstore

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"
)

// segment is a file of records, mapped. Its mapping stays until the table is closed, whatever happens to the file: rows that
// were handed out are views of it.
type segment struct {
	name string // of the file, without its ending
	base uint32 // address of its first byte in the table
	mem  mmap.MMap
	data []byte // header and records, as far as anything may be read: mem, or less
	from uintptr
	size atomic.Int64 // of the file, in bytes

	records atomic.Int64
	used    atomic.Int64 // bytes of them
	lengths histogram
	usual   atomic.Int64 // length of a record in bytes, which most do not exceed
	damaged atomic.Int64
	lost    atomic.Bool // its rows were taken out of the table: a fault showed that the file is not what it was, or it had to go
}

var pageSize = os.Getpagesize()

// mapSegment maps size bytes of f, of which data may be read.
func mapSegment(f *os.File, name string, size, data int64) (*segment, error) {
	mem, err := mmap.MapRegion(f, int(size), mmap.RDONLY, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", f.Name(), err)
	}
	// A row is less than the 128 kB around it that the kernel would read for a fault. It is a hint.
	_ = unix.Madvise(mem, unix.MADV_RANDOM)
	g := &segment{name: name, mem: mem, data: mem[:data:data], from: address(mem)}
	g.size.Store(size)
	return g, nil
}

func (g *segment) unmap() error {
	if g.mem == nil {
		return nil
	}
	g.data = nil
	return g.mem.Unmap()
}

// holds says whether a fault at addr is one of this mapping.
func (g *segment) holds(addr uintptr) bool {
	return addr >= g.from && addr-g.from < uintptr(len(g.mem))
}

// expected is how much of a record Expect asks for: its header, and the first gaps.
const expected = 128

// expect asks the processor for the beginning of the record at off.
func (g *segment) expect(off int64) {
	if off >= 0 && off < int64(len(g.data)) {
		Row(g.data[off:min(off+expected, int64(len(g.data)))]).prefetch()
	}
}

// record is the record at an offset, as its own header has it; nil when that cannot be.
func (g *segment) record(off int64) Row {
	if off < 0 || off >= int64(len(g.data)) {
		return nil
	}
	n, ok := Length(g.data[off:])
	if !ok {
		return nil
	}
	return Row(g.data[off : off+int64(n) : off+int64(n)])
}

// histogram counts the records of a segment by the pages they take, to know how much to ask for ahead of a record that must
// not be touched yet. It is its writer's, or its loader's.
type histogram struct {
	pages   [64]uint32 // the last one: that many and more
	all     uint32
	longest int64
}

func (h *histogram) add(bytes int64) {
	h.pages[min(bytes/int64(pageSize), int64(len(h.pages)-1))]++
	h.all++
	h.longest = max(h.longest, bytes)
}

// usual is a length in bytes that nine of ten records do not exceed.
func (h *histogram) usual() int64 {
	below := uint32(0)
	for i, n := range h.pages {
		if below += n; below >= h.all-h.all/10 {
			return min(int64(i+1)*int64(pageSize), h.longest)
		}
	}
	return h.longest
}

// segments places segments in the numbers that addresses of a table are. Each begins at a multiple of a block, so that an
// address finds its segment by a shift. It is copied to be changed: readers take no lock.
type segments struct {
	blocks []*segment
	all    []*segment // also those that were forgotten
}

const blockBits = 16 // in units of the table: 1 MB or more

var errNoAddresses = errors.New("the table has no addresses left")

// with is s and one more segment, whose base is set.
func (s *segments) with(g *segment, unit int64) (*segments, error) {
	first := len(s.blocks)
	n := int((alignUp(int64(len(g.mem)), unit)/unit + 1<<blockBits - 1) >> blockBits)
	if first+n > (addressMask+1)>>blockBits {
		return nil, errNoAddresses
	}
	g.base = uint32(first) << blockBits
	next := &segments{
		blocks: append(make([]*segment, 0, first+n), s.blocks...), all: append(append([]*segment(nil), s.all...), g),
	}
	for range n {
		next.blocks = append(next.blocks, g)
	}
	return next, nil
}

// without is s after a segment was lost: its addresses lead nowhere.
func (s *segments) without(g *segment) *segments {
	next := &segments{blocks: append([]*segment(nil), s.blocks...), all: s.all}
	for i, have := range next.blocks {
		if have == g {
			next.blocks[i] = nil
		}
	}
	return next
}

// at is the segment that has an address.
func (s *segments) at(address uint32) *segment {
	if i := int(address >> blockBits); i < len(s.blocks) {
		return s.blocks[i]
	}
	return nil
}

// end is the address behind a segment.
func (g *segment) end(unit int64) uint32 {
	return g.base + uint32(alignUp(int64(len(g.mem)), unit)/unit)
}
