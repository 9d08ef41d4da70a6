package h5

import "fmt"

// Identifiers of filters, by the HDF Group's registry.
const (
	filterDeflate    = 1
	filterShuffle    = 2
	filterFletcher   = 3
	filterSzip       = 4
	filterNBit       = 5
	filterScale      = 6
	filterLZF        = 32000
	filterBlosc      = 32001
	filterLZ4        = 32004
	filterBitshuffle = 32008
	filterZstd       = 32015
)

var filterNames = map[uint16]string{
	filterDeflate: "deflate", filterShuffle: "shuffle", filterFletcher: "fletcher32", filterSzip: "szip",
	filterNBit: "nbit", filterScale: "scaleoffset", filterLZF: "lzf", filterBlosc: "blosc", filterLZ4: "lz4",
	filterBitshuffle: "bitshuffle", filterZstd: "zstd", 32002: "mafisc", 32013: "zfp", 32017: "sz",
	32019: "fcidecomp", 32024: "sz3", 32026: "blosc2", 307: "bzip2",
}

// Filter is one stage of a dataset's pipeline, in the order used for writing.
type Filter struct {
	ID     uint16
	Name   string // "deflate", "shuffle", "fletcher32", "lzf" …, or what the file calls it
	Params []uint32
}

// stage is a filter with how it is undone.
type stage struct {
	Filter
	decoder
}

type pipeline []stage

// maxFilters is HDF5's own limit; a mask has a bit for each.
const maxFilters = 32

// parsePipeline decodes a filter pipeline message (format specification, IV.A.2.l).
func parsePipeline(data []byte) (pipeline, error) {
	c := cursor{b: data}
	version, n := c.u8(), int(c.u8())
	switch version {
	case 1:
		c.skip(6)
	case 2:
	default:
		return nil, unsupported(fmt.Sprintf("filter pipeline message version %d", version))
	}
	if n > maxFilters {
		return nil, corrupt(fmt.Sprintf("a pipeline of %d filters", n))
	}
	var p pipeline
	for range n {
		f := parseFilter(&c, version)
		if c.bad {
			return nil, corrupt("filter pipeline message: too short")
		}
		p = append(p, stage{f, decoderOf(f)})
	}
	return p, nil
}

func parseFilter(c *cursor, version uint8) Filter {
	f := Filter{ID: c.u16()}
	nameLen := 0
	if version == 1 || f.ID >= 256 {
		nameLen = int(c.u16())
	}
	c.skip(2) // flags: optional or not
	n := int(c.u16())
	if version == 1 {
		nameLen = (nameLen + 7) &^ 7
	}
	name := trim(string(c.take(nameLen)), PadNullTerm)
	if f.Name = filterNames[f.ID]; f.Name == "" {
		f.Name = name
	}
	for range n {
		if c.bad {
			break
		}
		f.Params = append(f.Params, c.u32())
	}
	if version == 1 && n%2 == 1 {
		c.skip(4)
	}
	return f
}

// unknown is ErrUnsupported when some filter cannot be undone.
func (p pipeline) unknown() error {
	for _, s := range p {
		if s.undo == nil {
			return &Error{Kind: ErrUnsupported, Form: fmt.Sprintf("filter %d (%s)", s.ID, s.Name), Hint: rewriteHint}
		}
	}
	return nil
}

// active reports whether filter k was applied under mask.
func active(mask uint32, k int) bool { return mask&(1<<k) == 0 }

// plausible is ErrCorrupt when stored bytes cannot hold decoded ones, whatever they are.
func (p pipeline) plausible(decoded, stored int64) error {
	most := stored
	for _, s := range p {
		if s.ratio > 0 {
			most = min(most, MaxChunkBytes) * s.ratio
		}
	}
	if decoded > most+4096 {
		return corrupt(fmt.Sprintf("%d stored bytes for a chunk of %d", stored, decoded))
	}
	return nil
}

// decode undoes the filters that mask leaves active. dst has the decoded length; src is scratch.
func (p pipeline) decode(dst, src []byte, mask uint32, s *Scratch) error {
	last := 0
	for last < len(p) && !active(mask, last) {
		last++
	}
	if last == len(p) {
		return copyExact(dst, src)
	}
	var want [maxFilters]int // what each filter was given, −1 where only decoding tells
	p.lengths(want[:], mask, len(dst))
	cur := src
	for k := len(p) - 1; k >= last; k-- {
		if !active(mask, k) {
			continue
		}
		out := dst
		if k > last {
			n := want[k]
			if n < 0 && p[k].keeps {
				n = len(cur) - p[k].extra
			} else if n < 0 {
				return unsupported("two compressors one upon the other")
			}
			if n < 0 {
				return corrupt("a chunk shorter than its checksum")
			}
			out = s.stage(k&1, n)
		}
		if err := p[k].undo(out, cur, p[k].Params, s); err != nil {
			return p[k].failed(err)
		}
		cur = out
	}
	return nil
}

// lengths computes what each filter was given when the chunk was written.
func (p pipeline) lengths(want []int, mask uint32, n int) {
	for k := range p {
		want[k] = n
		switch {
		case n < 0 || !active(mask, k):
		case p[k].keeps:
			n += p[k].extra
		default:
			n = -1
		}
	}
}

func copyExact(dst, src []byte) error {
	if len(src) != len(dst) {
		return corrupt(fmt.Sprintf("a chunk of %d bytes where %d belong", len(src), len(dst)))
	}
	copy(dst, src)
	return nil
}
