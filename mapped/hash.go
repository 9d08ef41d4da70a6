package mapped

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// hasher writes fields with their lengths, so that no two contents give one stream.
type hasher struct{ h hash.Hash }

func (w hasher) number(n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	w.h.Write(b[:])
}

func (w hasher) text(s string) {
	w.number(uint64(len(s)))
	w.h.Write([]byte(s))
}

// selection covers which rows are kept: a filter by its result, so that one that keeps all is none.
func (w hasher) selection(s *selection) {
	if s == nil {
		return
	}
	w.text("rows")
	w.number(uint64(s.kept))
	var b [4096]byte
	for at := 0; at < len(s.keep); at += len(b) / 8 {
		part := s.keep[at:min(at+len(b)/8, len(s.keep))]
		for i, word := range part {
			binary.LittleEndian.PutUint64(b[8*i:], word)
		}
		w.h.Write(b[:8*len(part)])
	}
}

// datasetHash covers, of each store in order, n_obs and the rows kept, the stored values of X, the
// variables, the stored values of each layer asked for, and the tables of the
// obs columns asked for. Paths, times and file formats are left out.
func datasetHash(o Options, stores []*store) (sum [sha256.Size]byte) {
	w := hasher{sha256.New()}
	w.text("loaderd dataset 1")
	w.number(uint64(len(stores)))
	for _, s := range stores {
		w.number(uint64(s.rows))
		w.selection(s.selected)
		w.number(uint64(s.nnz))
		w.h.Write(s.vars.hash[:])
		for i, key := range o.LayersKeys {
			w.text(key)
			if m := s.layers[i]; m != nil {
				w.number(uint64(m.nnz) + 1)
			} else {
				w.number(0)
			}
		}
		if s.rawVars != nil {
			w.h.Write(s.rawVars.hash[:])
		}
		for i, key := range o.ObsKeys {
			w.text(key)
			w.column(s.columns[i])
		}
	}
	w.h.Sum(sum[:0])
	return sum
}

func (w hasher) column(c *column) {
	switch {
	case c == nil:
		w.number(0)
	case !c.coded:
		w.number(1)
		w.text(c.dtype.String())
	default:
		w.number(2)
		w.number(uint64(len(c.table)))
		for _, v := range c.table {
			w.number(uint64(v.kind))
			w.number(v.bits)
			w.text(v.text)
		}
	}
}
