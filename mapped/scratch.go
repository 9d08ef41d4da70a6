package mapped

import (
	"github.com/loaderd/loaderd/cache/rowstore"
	"github.com/loaderd/loaderd/mapped/h5"
	"github.com/loaderd/loaderd/mapped/zarr"
)

// Scratch is the working memory of one goroutine. It grows to the largest row
// and chunk it meets and may be used with any collection, by one goroutine at a time.
type Scratch struct {
	h5   h5.Scratch
	zarr zarr.Scratch

	rawIdx, rawVals []byte // a row as the file has it
	idx             []byte // its columns as int32
	widened         []byte // halves as float32
	vals            []byte // converted values
	acc             []byte // values by column
	set             []uint64
	sortedIdx       []byte
	sortedVals      []byte
	row, filled     []byte

	// Of transforms: values as float32, their joined columns, a row without gaps, ranks.
	work, workIdx, wholeVals []byte
	keys                     []uint64
	memo                     memo
	codes                    codeMemory

	// Of the row store: its kernels' memory, rows that were found, and what is being written to it.
	kernel  rowstore.Scratch
	found   []rowstore.Row
	missing []int32
	wanted  []int64
	keep    rowBuffers
	job     fillJob
	// sourceOnly leaves the row store aside.
	sourceOnly bool

	// Chunks that the row in work points into.
	held [2]*cached
}

// NewScratch makes an empty one.
func NewScratch() *Scratch { return &Scratch{} }

// release gives back the chunks of the row that was in work.
func (s *Scratch) release(c *chunkCache) {
	for i, e := range s.held {
		if e != nil {
			s.held[i] = nil
			c.put(e)
		}
	}
}

// bitmap gives a cleared bit per column. Its users clear it again.
func (s *Scratch) bitmap(width int) []uint64 {
	if n := (width + 63) / 64; cap(s.set) < n {
		s.set = make([]uint64, n)
	} else {
		s.set = s.set[:n]
	}
	return s.set
}
