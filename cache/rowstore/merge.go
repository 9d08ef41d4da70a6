package rowstore

import (
	"cmp"
	"errors"
	"slices"
)

// How many short segments a table may have before they are made one, and how short one is: a quarter of a whole one.
const (
	mergeFrom  = 4
	shortShare = 4
)

// merge copies the rows of short segments, which short sessions have left, into the segment that was just begun, as many as fill
// half of it. The next process that opens the table finds the old files superfluous, and removes them; this one goes on to use those
// that it has mapped. t.writing is held.
func (t *Table) merge() error {
	var short []*segment
	for _, g := range t.segments.Load().all {
		if g != t.current.g && !g.lost.Load() && g.size.Load() < t.store.segment/shortShare {
			short = append(short, g)
		}
	}
	if len(short) < mergeFrom {
		return nil
	}
	slices.SortFunc(short, func(a, b *segment) int { return cmp.Compare(a.size.Load(), b.size.Load()) })
	room := t.store.segment / 2
	for _, g := range short {
		if room -= g.size.Load(); room < 0 {
			break
		}
		err := t.store.Guard(func() error { return t.copySegment(g) })
		if err != nil && !errors.Is(err, ErrFault) {
			return err
		}
	}
	return nil
}

// copySegment appends the rows that the table has in a segment to the one that is being written. Where that has no more room, it
// stops: the rest stays where it is.
func (t *Table) copySegment(g *segment) error {
	list, _ := t.records(g)
	t.scratch, t.run = t.scratch[:0], t.run[:0]
	for i := range list.count() {
		row, at := list.entry(i)
		if t.rows.get(row) != g.base+at {
			continue
		}
		r := g.record(int64(at) * t.unit)
		if t.current.reserve(int64(len(t.scratch))+alignUp(int64(len(r)), t.unit), len(t.run)+1) != nil {
			break
		}
		t.take(row, r)
		if len(t.scratch) >= copyBytes {
			if err := t.current.write(t.scratch, t.run); err != nil {
				return err
			}
			t.scratch, t.run = t.scratch[:0], t.run[:0]
		}
	}
	if len(t.run) == 0 {
		return nil
	}
	return t.current.write(t.scratch, t.run)
}

const copyBytes = 1 << 20 // written at a time

// take puts a record behind those that are to be written.
func (t *Table) take(row int64, r Row) {
	t.run = append(t.run, placed{row, len(t.scratch)})
	t.scratch = append(t.scratch, r...)
	t.scratch = append(t.scratch, zeros[:alignUp(int64(len(r)), t.unit)-int64(len(r))]...)
}

var zeros [maxUnit]byte
