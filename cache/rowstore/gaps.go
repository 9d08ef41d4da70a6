package rowstore

import "encoding/binary"

// A walk turns gaps into columns.
type walk struct {
	gaps    []byte
	escapes []byte
	column  int // of the last value, −1 before the first
}

func (s *sections) walk() walk { return walk{s.gaps, s.escapes, -1} }

// walkInto gives the columns of all values.
func (s *sections) walkInto(idx []int32) {
	w := s.walk()
	w.next(idx[:len(s.gaps)])
}

// next gives the columns of the next len(idx) values, of which there must be as many.
func (w *walk) next(idx []int32) {
	c := int32(w.column)
	gaps := w.gaps[:len(idx)]
	for i, g := range gaps {
		if g == escape {
			c += int32(w.escaped()) + 1
		} else {
			c += int32(int8(g)) + gapBias + 1
		}
		idx[i] = c
	}
	w.gaps, w.column = w.gaps[len(idx):], int(c)
}

// escaped takes the next gap from the escapes. Past their end it is 0.
func (w *walk) escaped() int {
	gap, n := nextEscape(w.escapes)
	w.escapes = w.escapes[n:]
	return gap
}

// nextEscape is the gap that begins escapes, and how many bytes it takes: 0 when it is not all there.
func nextEscape(escapes []byte) (gap, bytes int) {
	if len(escapes) < 2 {
		return 0, 0
	}
	gap = int(binary.LittleEndian.Uint16(escapes))
	if gap != longEscape {
		return gap, 2
	}
	if len(escapes) < 6 {
		return 0, 0
	}
	return int(binary.LittleEndian.Uint32(escapes[2:])), 6
}

// skip passes n values. ok is false when the escapes end too soon or a column lies beyond any matrix.
func (w *walk) skip(n int) (ok bool) {
	c, ok := w.column, true
	for _, g := range w.gaps[:n] {
		if g != escape {
			c += int(int8(g)) + gapBias + 1
			continue
		}
		gap, taken := nextEscape(w.escapes)
		w.escapes = w.escapes[taken:]
		c += gap + 1
		ok = ok && taken > 0 && c <= maxColumns
	}
	w.gaps, w.column = w.gaps[n:], c
	return ok && c <= maxColumns
}
