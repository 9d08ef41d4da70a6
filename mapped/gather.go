package mapped

import (
	"context"
	"math"
)

// gatherer puts the values of buckets in the order of their rows and writes them
// to where they stay. One goroutine works on it.
type gatherer struct {
	m       *matrix
	from    *spill
	index   *rowIndex
	indices *span
	data    *span
	limit   int // values in memory at once, unless a single row has more

	block  []byte
	cursor []uint32
	cols   []byte
	vals   []byte
	slot   []byte
	counts map[int64]int64 // rows by their number of values
}

// bucket does bucket b, whose first value is the stored value at.
func (g *gatherer) bucket(ctx context.Context, b int, at int64) error {
	r0 := int64(b) << g.from.shift
	r1 := min(g.m.rows, r0+1<<g.from.shift)
	if err := g.count(b, r0, r1); err != nil {
		return err
	}
	// The counts in off become starts, a group of rows at a time.
	for lo := r0; lo < r1; {
		if err := ctx.Err(); err != nil {
			return err
		}
		hi, n := lo, int64(0)
		g.cursor = g.cursor[:0]
		for ; hi < r1; hi++ {
			c := int64(g.index.off[hi])
			if hi > lo && n+c > int64(g.limit) {
				break
			}
			g.counts[c]++
			g.cursor = append(g.cursor, uint32(n))
			if !g.index.set(hi, at+n) {
				return g.m.env.fail(ErrUnsupported, g.m.path, "", "%d rows hold more than 2³² values", rowBlock)
			}
			n += c
		}
		if err := g.group(b, lo, at, n); err != nil {
			return err
		}
		lo, at = hi, at+n
	}
	g.from.buckets[b].buf = nil
	return nil
}

// count leaves in off how many values each row of bucket b has.
func (g *gatherer) count(b int, r0, r1 int64) error {
	counts := g.index.off[r0:r1]
	most := uint32(min(longest(int64(g.m.cols)), math.MaxInt32-1))
	return g.from.each(b, &g.block, true, func(rows, _ []int32, _ []byte) error {
		for _, r := range rows {
			k := int64(r) - r0
			if counts[k]++; counts[k] > most {
				return fail(ErrBadFile, stageRead, element(g.m.env.path, g.m.columns.indices.path), rewriteHint, "row %d has more than %d values", r, most)
			}
		}
		return nil
	})
}

// group writes the n values of the rows of bucket b that have a cursor, the first
// of them lo; they begin with the stored value at.
func (g *gatherer) group(b int, lo, at, n int64) error {
	if n == 0 {
		return nil
	}
	// What belongs to other rows goes behind the end.
	cols, vals := grow(&g.cols, int(n+1)*4), grow(&g.vals, int(n+1)*g.from.size)
	out := view[int32](cols)
	err := g.from.each(b, &g.block, false, func(rows, from []int32, stored []byte) error {
		slot := view[int32](grow(&g.slot, 4*len(rows)))
		for i, r := range rows {
			slot[i] = int32(n)
			if k := int64(r) - lo; uint64(k) < uint64(len(g.cursor)) {
				slot[i] = int32(g.cursor[k])
				out[slot[i]] = from[i]
				g.cursor[k]++
			}
		}
		scatterTable[g.from.size](vals, stored, slot)
		return nil
	})
	if err != nil {
		return err
	}
	if err := g.indices.write(cols[:n*4], at); err != nil {
		return err
	}
	return g.data.write(vals[:n*int64(g.from.size)], at)
}
