package rowstore

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

func TestManyGoroutinesUseOneTable(t *testing.T) {
	checkLeaks(t)
	const n = 1500
	dir := t.TempDir()
	records := make([][]byte, n)
	for i := range records {
		records[i] = sampleRecord(t, int64(i), 1)
	}
	users := []opened{openTable(t, dir, sampleSpec(n), 32<<10), openTable(t, dir, sampleSpec(n), 32<<10)}
	var g errgroup.Group
	for w := range 8 {
		o := users[w%2]
		r := rand.New(rand.NewPCG(uint64(w), 3))
		g.Go(func() error {
			for range 300 {
				if err := o.step(r, records); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, o := range users {
		o.add(t, 1, span64(0, n)...)
		if k := o.served(t, 1, span64(0, n)...); k != n || !o.Complete() || o.Usage().Damaged != 0 {
			t.Errorf("%d of %d rows are served, %+v", k, n, o.Usage())
		}
		o.close(t)
	}
	o := openTable(t, dir, sampleSpec(n), 32<<10)
	if k := o.served(t, 1, span64(0, n)...); k != n || o.Usage().Damaged != 0 {
		t.Errorf("%d of %d rows are served by the next, %+v", k, n, o.Usage())
	}
}

// step does something to a table, and checks what it serves.
func (o opened) step(r *rand.Rand, records [][]byte) error {
	from := r.IntN(len(records) - 20)
	rows := span64(int64(from), int64(from+1+r.IntN(19)))
	switch k := r.IntN(40); {
	case k < 12:
		return o.Append(rows, bytes.Join(records[from:from+len(rows)], nil))
	case k < 30:
		return o.s.Guard(func() error {
			for _, row := range rows {
				if rec, ok := o.Row(row); ok && !bytes.Equal(rec, records[row]) {
					return fmt.Errorf("row %d is served wrong", row)
				}
			}
			return nil
		})
	case k < 34:
		o.Prefetch(rows)
	case k == 34:
		return o.Seal()
	case k == 35:
		o.lookNow()
	case k == 36:
		o.Usage()
		o.s.Usage()
	case k == 37:
		t, err := o.s.Table(o.spec)
		if err != nil {
			return err
		}
		t.Close()
	default:
		if a := o.Address(rows[0]); (a != 0) != o.Has(rows[0]) && a != 0 {
			return errors.New("a row has an address and is not there")
		}
	}
	return nil
}

func TestATableIsOpenedAndRemovedAtOnce(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	spec := ofSource("/no folder/a")
	var stores [2]*Store
	for i := range stores {
		s, err := open(Options{Dir: dir, Log: (&logBook{}).logger()}, quick())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores[i] = s
	}
	record := sampleRecord(t, 3, 1)
	var g errgroup.Group
	var done atomic.Bool
	g.Go(func() error {
		defer done.Store(true)
		for range 400 {
			table, err := stores[0].Table(spec)
			if err != nil {
				return err
			}
			if err := table.Append([]int64{3}, record); err != nil {
				return err
			}
			if err := table.Seal(); err != nil {
				return err
			}
			list, err := filepath.Glob(table.path("*" + sealedEnding))
			if err != nil {
				return err
			}
			if !isAt(table.use, table.path(useFile)) || len(list) == 0 {
				return errors.New("a table was removed while it was open")
			}
			table.Close()
		}
		return nil
	})
	g.Go(func() error {
		removed := 0
		for !done.Load() {
			if stores[1].removeTable(spec.id().folder(), "the test wants it") {
				removed++
			}
		}
		if removed == 0 {
			return errors.New("it was never removed: this shows nothing")
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestASegmentIsBegunWhileOthersLookForLeftOnes(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	const n = 100
	writer := openWith(t, quick(), Options{Dir: dir}, sampleSpec(n))
	other := openWith(t, quick(), Options{Dir: dir}, sampleSpec(n))
	records := make([][]byte, n)
	for row := range records {
		records[row] = sampleRecord(t, int64(row), 1)
	}
	var g errgroup.Group
	var done atomic.Bool
	g.Go(func() error {
		defer done.Store(true)
		for row := range int64(n) {
			if err := errors.Join(writer.Append([]int64{row}, records[row]), writer.Seal()); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(func() error {
		for !done.Load() {
			other.mapping.Lock()
			other.recover()
			other.mapping.Unlock()
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	other.lookNow()
	if k := other.served(t, 1, span64(0, n)...); k != n {
		t.Errorf("%d of %d rows were sealed", k, n)
	}
}
