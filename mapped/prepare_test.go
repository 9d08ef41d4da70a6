package mapped

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loaderd/loaderd/internal/leak"
)

func TestPreparingDecodesEachChunkOnceAndLeavesNothingToDo(t *testing.T) {
	for seed := range seeds(50) {
		r := seeded(seed)
		f := randomMatrix(r, float32Type, r.IntN(4) == 0)
		store := openRowStore(t, t.TempDir(), 0)
		with, without := opened(t, f, Options{}, store)
		f.decoded.Store(0)
		var told []int64
		progress := func(done, total int64) {
			if total != with.NObs() {
				t.Errorf("seed %d: %d rows in all, want %d", seed, total, with.NObs())
			}
			told = append(told, done)
		}
		if err := with.Prepare(context.Background(), progress); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !slices.IsSorted(told) || len(told) == 0 || told[len(told)-1] != with.NObs() {
			t.Errorf("seed %d: told of %v of %d rows", seed, told, with.NObs())
		}
		if n, want := f.decoded.Load(), chunksOf(f); n != want {
			t.Errorf("seed %d: %d chunks were decoded of %d", seed, n, want)
		}
		if u := with.RowStoreUsage(); u.Stored != u.Rows || u.Rows != with.NObs() {
			t.Errorf("seed %d: %+v", seed, u)
		}
		e := encoderOf(t, with, EncoderOptions{})
		for range 2 {
			if err := with.Prepare(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			buffersOf(t, e, sequence(with.NObs()), 2)
		}
		if n, want := f.decoded.Load(), chunksOf(f); n != want {
			t.Errorf("seed %d: %d chunks were decoded of %d in the end", seed, n, want)
		}
		epoch(t, r, e, encoderOf(t, without, EncoderOptions{}), "prepared")
		closing(t, with, without, store)
	}
}

func TestPreparingGoesOnWhereItEnded(t *testing.T) {
	leak.Check(t)
	f, dir := cells(2000, 300, 300), t.TempDir()
	for round := int64(0); ; round++ {
		store := openRowStore(t, dir, 0)
		with, without := opened(t, f, Options{}, store)
		f.decoded.Store(0)
		ctx, cancel := context.WithCancel(context.Background())
		f.before = func(*memArray, int) error {
			if f.decoded.Load() == 60 {
				cancel()
			}
			return nil
		}
		err := with.Prepare(ctx, nil)
		cancel()
		f.before = nil
		u := with.RowStoreUsage()
		closing(t, with, without, store)
		if err == nil {
			if u.Stored != 2000 || round < 2 {
				t.Errorf("round %d: %+v", round, u)
			}
			return
		}
		// What a round leaves behind are the two ends of a few units.
		if !errors.Is(err, context.Canceled) || u.Stored < 200*(round+1)*60/chunksOf(f) {
			t.Fatalf("round %d: %v, %+v", round, err, u)
		}
	}
}

func TestPreparingLeavesRowsThatTheFilterDropsToTheirChunks(t *testing.T) {
	f := cells(1000, 300, 300)
	store := openRowStore(t, t.TempDir(), 0)
	keep := newBitset(1000)
	for row := range int64(100) {
		keep.set(row * 3)
	}
	with, without := opened(t, f, Options{}, store)
	defer closing(t, with, without, store)
	with.stores[0].selected = newSelection(keep, 1000)
	with.starts[1] = 100
	f.decoded.Store(0)
	last := int64(0)
	if err := with.Prepare(context.Background(), func(done, total int64) { last = done }); err != nil {
		t.Fatal(err)
	}
	u, n := with.RowStoreUsage(), f.decoded.Load()
	if last != 100 || u.Stored < 298 || u.Stored > 330 || n >= chunksOf(f) {
		t.Errorf("%d rows done, %+v, %d chunks of %d decoded", last, u, n, chunksOf(f))
	}
	f.decoded.Store(0)
	buffersOf(t, encoderOf(t, with, EncoderOptions{}), sequence(100), 2)
	if n := f.decoded.Load(); n != 0 {
		t.Errorf("%d chunks were decoded again", n)
	}
}

func TestStatisticsAreTheSameFromTheRowStore(t *testing.T) {
	for seed := range seeds(30) {
		r := seeded(seed)
		f := randomMatrix(r, pick(r, allTypes...), r.IntN(3) == 0)
		store := openRowStore(t, t.TempDir(), 0)
		with, without := opened(t, f, Options{}, store)
		f.decoded.Store(0)
		want, err := without.Statistics(context.Background(), StatisticsOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, options := range []StatisticsOptions{{Workers: 3}, {SkipAbsent: true}} {
			got, err := with.Statistics(context.Background(), options)
			if err != nil {
				t.Fatal(err)
			}
			for _, pair := range [][2][]float64{{got.Mean, want.Mean}, {got.Var, want.Var}, {got.Total, want.Total}} {
				if err := same(pair[0], pair[1]); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
			if !slices.Equal(got.NonZero, want.NonZero) || !slices.Equal(got.CellNonZeros, want.CellNonZeros) {
				t.Errorf("seed %d: other numbers of zeros", seed)
			}
		}
		closing(t, with, without, store)
	}
}

func TestPreparingSaysThatTheFolderWasRemoved(t *testing.T) {
	f, dir := cells(300, 400, 300), filepath.Join(t.TempDir(), "store")
	store := openRowStore(t, dir, 0)
	with, without := opened(t, f, Options{}, store)
	defer closing(t, with, without)
	with.RowStoreUsage() // opens the table
	removed := false
	err := with.Prepare(context.Background(), func(done, total int64) {
		if done == total && !removed { // all are written, and not sealed
			removed = true
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}
	})
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrNotFound) || e.Object != dir || e.Hint == "" {
		t.Errorf("preparing gives %v", err)
	}
}
