package h5

import (
	"fmt"
	"math"
)

// maxRank is HDF5's own limit.
const maxRank = 32

// space is a decoded dataspace message.
type space struct {
	dims []int64
	max  []int64 // −1: unlimited
	null bool
	n    int64 // number of elements
}

// parseSpace decodes a dataspace message (format specification, IV.A.2.b).
func (f *File) parseSpace(data []byte) (space, error) {
	var s space
	c := f.cursor(data)
	version, rank := c.u8(), int(c.u8())
	flags := c.u8()
	switch version {
	case 1:
		c.skip(5)
	case 2:
		s.null = c.u8() == 2
	default:
		return s, unsupported(fmt.Sprintf("dataspace message version %d", version))
	}
	if rank > maxRank {
		return s, corrupt(fmt.Sprintf("dataspace of %d dimensions", rank))
	}
	s.n = 1
	for range rank {
		d := c.length()
		if d > math.MaxInt64 || (d > 0 && s.n > math.MaxInt64/int64(d)) {
			return s, corrupt("dataspace: more elements than can be counted")
		}
		s.dims = append(s.dims, int64(d))
		s.n *= int64(d)
	}
	s.max = s.dims
	if flags&1 != 0 {
		if err := s.maxima(&c); err != nil {
			return s, err
		}
	}
	if s.null {
		s.n, s.dims = 0, nil
	}
	if c.bad {
		return s, corrupt("dataspace message: too short")
	}
	return s, nil
}

// maxima reads the dimensions that the array may grow to.
func (s *space) maxima(c *cursor) error {
	s.max = make([]int64, len(s.dims))
	for k := range s.max {
		m := c.length()
		switch {
		case m == undefAddr>>(64-8*c.lenLen):
			s.max[k] = -1
		case m > math.MaxInt64 || int64(m) < s.dims[k]:
			return corrupt("dataspace: dimensions above their maxima")
		default:
			s.max[k] = int64(m)
		}
	}
	return nil
}
