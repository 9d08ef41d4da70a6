package rowstore

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// sealedFile is a file of the table's folder that says it is whole.
type sealedFile struct {
	name    string // without its ending
	written time.Time
}

// sealedFiles lists those that are not known yet, the latest first: where two have a row, the later one has it because the other was
// damaged.
func (t *Table) sealedFiles() ([]sealedFile, error) {
	entries, err := os.ReadDir(t.path(""))
	if err != nil {
		return nil, err
	}
	var list []sealedFile
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), sealedEnding)
		if !ok || t.known[name] {
			continue
		}
		if fi, err := e.Info(); err == nil && fi.Mode().IsRegular() {
			list = append(list, sealedFile{name, fi.ModTime()})
		}
	}
	slices.SortFunc(list, func(a, b sealedFile) int {
		if c := b.written.Compare(a.written); c != 0 {
			return c
		}
		return strings.Compare(b.name, a.name)
	})
	return list, nil
}

// load takes in the segments that are not known yet. At the first time it also removes those whose rows later ones all have: what
// a merge has left. t.mapping is held.
func (t *Table) load(first bool) {
	list, err := t.sealedFiles()
	if err != nil {
		if !isGone(err) {
			t.store.log.Warn("the folder of a table cannot be read", "folder", t.path(""), "error", err)
		}
		return
	}
	for some := range slices.Chunk(list, readers) {
		for i, c := range t.readAll(some) {
			t.known[some[i].name] = true
			t.loadSegment(some[i].name, c, first)
		}
	}
}

// readers is how many files are read at once: on a network each takes its time.
const readers = 16

// sealedContents is what a file says of itself, or the error of reading it.
type sealedContents struct {
	contents
	err error
}

func (t *Table) readAll(list []sealedFile) []sealedContents {
	all := make([]sealedContents, len(list))
	var g errgroup.Group
	for i, f := range list {
		g.Go(func() error {
			all[i] = t.read(f.name)
			return nil
		})
	}
	_ = g.Wait() // each has its own error
	return all
}

func (t *Table) read(name string) sealedContents {
	f, err := os.OpenFile(t.path(name+sealedEnding), os.O_RDONLY, 0)
	if err != nil {
		return sealedContents{err: err}
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return sealedContents{err: err}
	}
	c, err := readContents(f, fi.Size(), t.id, t.unit, t.spec.Rows)
	return sealedContents{c, err}
}

// loadSegment takes in a segment, whatever state it is in.
func (t *Table) loadSegment(name string, c sealedContents, first bool) {
	if errors.Is(c.err, errBroken) {
		if c.err = t.repair(name, c.err); c.err == nil {
			c = t.read(name)
		}
	}
	added := 0
	if c.err == nil {
		added, c.err = t.adopt(name, c.contents)
	}
	switch {
	case isGone(c.err):
	case errors.Is(c.err, errBusy):
		delete(t.known, name) // another process repairs it: it is looked at again
	case c.err != nil:
		t.damaged.Add(1)
		t.warn("a file of the row store is left out", name, "error", c.err)
	case added == 0 && first:
		t.removeSegment(name)
	}
}

// adopt maps a segment and takes in the rows that the table does not have.
func (t *Table) adopt(name string, c contents) (added int, err error) {
	if !t.lacksAny(c.footer) {
		return 0, nil
	}
	f, err := os.OpenFile(t.path(name+sealedEnding), os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size := c.end + int64(len(c.footer)) + segmentTrailer
	g, err := mapSegment(f, name, size, c.end)
	if err != nil {
		return 0, err
	}
	if err := t.place(g); err != nil {
		return 0, errors.Join(err, g.unmap())
	}
	for i := range c.footer.count() {
		row, at := c.footer.entry(i)
		end := c.end
		if i+1 < c.footer.count() {
			_, next := c.footer.entry(i + 1)
			end = int64(next) * t.unit
		}
		g.lengths.add(end - int64(at)*t.unit)
		if t.rows.put(row, g.base+at) {
			added++
		}
	}
	g.usual.Store(g.lengths.usual())
	g.records.Store(int64(c.footer.count()))
	g.used.Store(c.end - segmentHeader)
	return added, nil
}

func (t *Table) lacksAny(f footer) bool {
	for i := range f.count() {
		if row, _ := f.entry(i); !t.Has(row) {
			return true
		}
	}
	return false
}

// place gives a segment its addresses. t.mapping is held.
func (t *Table) place(g *segment) error {
	next, err := t.segments.Load().with(g, t.unit)
	if err != nil {
		return fmt.Errorf("%s: %w", t.path(g.name+sealedEnding), err)
	}
	t.segments.Store(next)
	return nil
}

// lookAgain looks for segments that other processes have sealed, if that is due. It says whether it looked.
func (t *Table) lookAgain() bool {
	if t.Complete() || !t.look.due(t.store.sys.now(), lookEvery) {
		return false
	}
	if !t.mapping.TryLock() {
		return false // the next one looks: nobody waits here
	}
	defer t.mapping.Unlock()
	t.touch()
	before := t.rows.stored.Load()
	t.load(false)
	return t.rows.stored.Load() != before
}

func (t *Table) removeSegment(name string) {
	if err := os.Remove(t.path(name + sealedEnding)); err != nil && !isGone(err) {
		t.warn("a file of the row store cannot be removed", name, "error", err)
	}
}
