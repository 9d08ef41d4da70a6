package rowstore

import (
	"errors"
	"fmt"
	"os"
)

// writer appends records to a segment of its own, whose lock it holds until the segment is sealed. The file is mapped in
// full from the start; what is read of it has been written.
type writer struct {
	t      *Table
	g      *segment
	f      *os.File
	header []byte
	used   int64 // bytes of header and records
	room   int64 // bytes that are reserved on disk
	limit  int64 // of the file
	footer footer
}

// errNoRoom says that a segment is full.
var errNoRoom = errors.New("the segment is full")

// newWriter begins a segment that has room for a record of need bytes. t.writing is held.
func (t *Table) newWriter(need int64) (*writer, error) {
	if err := t.haveFolder(); err != nil {
		return nil, err
	}
	w := &writer{t: t, header: encodeHeader(t.id, t.unit, t.store.from), used: alignUp(segmentHeader, t.unit)}
	w.limit = max(t.store.segment, alignUp(w.used+need+footerEntry+segmentTrailer, int64(pageSize)))
	name, err := w.create()
	if err != nil {
		return nil, err
	}
	if err := w.begin(name, need); err != nil {
		return nil, errors.Join(err, w.abandon())
	}
	return w, nil
}

// create makes the file and takes its lock. A process that opens the table right in between takes the file for one that was left, and
// removes it: then there is another.
func (w *writer) create() (name string, err error) {
	t := w.t
	for range 100 {
		name = fmt.Sprintf("%s-%d", t.store.name, t.store.serial.Add(1))
		path := t.path(name + openEnding)
		if w.f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return "", err
		}
		err = lockFile(w.f, true)
		if (err == nil || errors.Is(err, errNoLocks)) && isAt(w.f, path) {
			return name, nil
		}
		w.f.Close()
		if err != nil && !errors.Is(err, errBusy) {
			return "", fmt.Errorf("lock %s: %w", path, err)
		}
	}
	return "", fmt.Errorf("%s: other processes keep removing it", t.path(name+openEnding))
}

func (w *writer) begin(name string, need int64) error {
	if err := w.reserve(need, 1); err != nil {
		return err
	}
	if _, err := w.t.store.sys.write(w.f, w.header, 0); err != nil {
		return err
	}
	g, err := mapSegment(w.f, name, w.limit, w.limit)
	if err != nil {
		return err
	}
	g.size.Store(w.room)
	w.t.mapping.Lock()
	defer w.t.mapping.Unlock()
	if err := w.t.place(g); err != nil {
		return errors.Join(err, g.unmap())
	}
	w.g, w.t.known[name] = g, true
	return nil
}

// abandon removes a segment that has no rows, or none any more.
func (w *writer) abandon() error {
	err := errors.Join(os.Remove(w.f.Name()), w.f.Close())
	w.t.store.budget.give(w.room)
	w.room = 0
	if w.g != nil {
		w.g.size.Store(0)
	}
	return err
}

const (
	// A segment grows by as much as it has, within these: a small table takes little, and a large one is not in many pieces.
	minStep = 64 << 10
	maxStep = 4 << 20
)

// reserve makes sure that the disk has room for n bytes of records, and for their rows in the footer: a full disk shows here,
// not when a footer has to be written.
func (w *writer) reserve(n int64, rows int) error {
	need := w.used + n + int64(len(w.footer)+rows*footerEntry) + segmentTrailer
	if need <= w.room {
		return nil
	}
	if need > w.limit || w.room > 0 && !isAt(w.f, w.f.Name()) { // what more is written to a file that was removed is lost
		return errNoRoom
	}
	to := min(w.limit, max(need, w.room+min(max(w.room, minStep), maxStep)))
	err := w.t.store.reserve(to - w.room)
	if errors.Is(err, ErrFull) { // near the end of the budget steps are short
		to = min(to, max(need, w.room+minStep))
		err = w.t.store.reserve(to - w.room)
	}
	if err != nil {
		return err
	}
	err = w.t.store.sys.allocate(w.f, w.room, to-w.room)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		w.t.store.budget.give(to - w.room)
		return err
	}
	if w.room > 0 {
		writeBack(w.f, 0, w.used)
	}
	w.room = to
	if w.g != nil {
		w.g.size.Store(to)
	}
	return nil
}

// write appends records that lie behind each other in data, each at its offset, and gives their rows the addresses. Room was
// reserved. t.writing is held.
func (w *writer) write(data []byte, rows []placed) error {
	if n, err := w.t.store.sys.write(w.f, data, w.used); err != nil {
		return err
	} else if n < len(data) {
		return fmt.Errorf("%s: %d of %d bytes written", w.f.Name(), n, len(data))
	}
	for i, r := range rows {
		end := len(data)
		if i+1 < len(rows) {
			end = rows[i+1].at
		}
		at := uint32((w.used + int64(r.at)) / w.t.unit)
		w.footer = w.footer.add(r.row, at)
		w.g.lengths.add(int64(end - r.at))
		w.t.rows.put(r.row, w.g.base+at)
	}
	w.g.usual.Store(w.g.lengths.usual())
	w.g.records.Add(int64(len(rows)))
	w.g.used.Add(int64(len(data)))
	w.used += int64(len(data))
	return nil
}

// placed is a row whose record lies at an offset of bytes that are being written.
type placed struct {
	row int64
	at  int
}

// seal ends the segment: it is on disk in whole, and others see it.
func (w *writer) seal() error {
	if w.footer.count() == 0 || w.g.lost.Load() {
		return w.abandon()
	}
	path := w.t.path(w.g.name + sealedEnding)
	err := finish(w.f, &w.t.store.sys, w.header, w.footer, w.used, path)
	size := w.used + int64(len(w.footer)) + segmentTrailer
	if err == nil {
		w.t.store.budget.give(w.room - size)
		w.g.size.Store(size)
		return w.f.Close()
	}
	err = fmt.Errorf("rowstore: seal %s: %w", path, err)
	w.t.warn("a file of the row store could not be sealed", w.g.name, "error", err)
	if !isFull(err) && !isGone(err) {
		// What could not be synced may be lost without a word later: nothing of it is kept.
		err = errors.Join(err, os.Remove(w.f.Name()))
		w.t.forget(w.g, err)
	}
	return errors.Join(err, w.f.Close())
}

// finish writes the footer of a segment behind its records, cuts the file there, and gives it its name once all is on disk.
func finish(f *os.File, sys *system, header []byte, list footer, end int64, path string) error {
	tail := list.sealed(header, end)
	if _, err := sys.write(f, tail, end); err != nil {
		return err
	}
	if err := f.Truncate(end + int64(len(tail))); err != nil {
		return err
	}
	if err := sys.sync(f); err != nil {
		return err
	}
	if f.Name() == path {
		return nil
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(folderOf(path))
}
