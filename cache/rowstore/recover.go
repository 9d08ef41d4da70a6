package rowstore

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A segment of a writer on another machine is taken over when it was not written for so long, where locks do not tell whether the
// writer lives.
const abandoned = 24 * time.Hour

// recover seals the segments of writers that are gone. t.mapping is held.
func (t *Table) recover() {
	entries, err := os.ReadDir(t.path(""))
	if err != nil {
		return
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), openEnding)
		if !ok || t.known[name] {
			continue
		}
		path := t.path(e.Name())
		rows, err := t.salvage(path, t.path(name+sealedEnding))
		switch {
		case errors.Is(err, errBusy) || isGone(err):
		case err != nil:
			t.store.log.Warn("a segment that its writer left open is not recovered", "file", path, "error", err)
		case rows > 0:
			t.store.log.Info("a segment that its writer left open is recovered", "file", path, "rows", rows)
		}
	}
}

// repair makes a whole segment of one that is damaged elsewhere than in its records. It is gone when nothing of it was whole.
func (t *Table) repair(name string, why error) error {
	path := t.path(name + sealedEnding)
	rows, err := t.salvage(path, path)
	if err != nil {
		return err
	}
	t.damaged.Add(1)
	t.warn("a file of the row store is damaged: what is whole of it is kept", name, "rows", rows, "error", why)
	if rows == 0 {
		return os.ErrNotExist
	}
	return nil
}

// salvage finds the whole records of a segment, writes a footer for them, and gives the file the name of a sealed one. A file
// without such records is removed. errBusy when it is somebody's who may still be writing.
func (t *Table) salvage(path, to string) (rows int, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	locked := lockFile(f, true)
	if locked != nil && !errors.Is(locked, errNoLocks) {
		return 0, locked
	}
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !isAt(f, path) {
		return 0, os.ErrNotExist // another has sealed it meanwhile
	}
	header := make([]byte, segmentHeader)
	_, err = f.ReadAt(header, 0)
	var from origin
	if err == nil {
		from, err = decodeHeader(header, t.id, t.unit)
	} else {
		err = fmt.Errorf("%w: %w", errBroken, err)
	}
	if path != to && !t.mayTake(from, err == nil, fi.ModTime(), locked == nil) {
		return 0, errBusy
	}
	if errors.Is(err, errVersion) {
		return 0, err // theirs who know it
	}
	if err != nil {
		return 0, os.Remove(path)
	}
	list, end, err := t.scan(f, fi.Size())
	if err != nil {
		return 0, err
	}
	if list.count() == 0 {
		return 0, os.Remove(path)
	}
	return list.count(), finish(f, &t.store.sys, header, list, end, to)
}

// mayTake says whether the writer of an open segment is gone. A lock that could be taken proves it, if it reaches the writer's machine.
func (t *Table) mayTake(from origin, known bool, written time.Time, locked bool) bool {
	s := t.store
	switch {
	case s.sys.now().Sub(written) > abandoned:
		return true
	case locked && !s.network():
		return true
	case !known || from.boot != s.from.boot || from.boot == [16]byte{}:
		return false
	case locked:
		return true
	}
	return from.host == s.from.host && errors.Is(unix.Kill(int(from.pid), 0), unix.ESRCH)
}

// scan finds the records in the first size bytes of a segment, and where the last one ends. Between records there may be
// anything: a power failure can lose any page that was not synced.
func (t *Table) scan(f *os.File, size int64) (list footer, end int64, err error) {
	g, err := mapSegment(f, "", size, size)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, g.unmap()) }()
	err = catch(func() error {
		list, end = t.records(g)
		return nil
	}, func(addr uintptr) error {
		if !g.holds(addr) {
			return nil
		}
		return fmt.Errorf("%w at byte %d", ErrFault, addr-g.from)
	})
	return list, end, err
}

func (t *Table) records(g *segment) (list footer, end int64) {
	end = alignUp(segmentHeader, t.unit)
	// A file that was made to look like records everywhere would be checked from each of them to its end.
	effort := 16 * int64(len(g.data))
	for off := end; off < int64(len(g.data)) && effort > 0; {
		r := g.record(off)
		if r == nil {
			off += t.unit
			continue
		}
		effort -= int64(len(r))
		row := r.Number()
		if row < 0 || row >= t.spec.Rows || t.check(r, row) != nil {
			off += t.unit
			continue
		}
		list = list.add(row, uint32(off/t.unit))
		off += alignUp(int64(len(r)), t.unit)
		end = off
	}
	return list, end
}
