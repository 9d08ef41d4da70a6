package mapped

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/internal/leak"
)

// cells is a file of so many cells with up to 60 values each, of 200 genes: in chunks of a and b elements.
func cells(n int, a, b int64) *memFile {
	r := seeded(uint64(n))
	f := &memFile{}
	f.top = newMemGroup(f, "")
	f.top.group("obs").strings("_index", make([]string, n)...)
	names := make([]string, 200)
	for i := range names {
		names[i] = fmt.Sprint("g", i)
	}
	f.top.group("var").strings("_index", names...)
	var vals, idx []float64
	ptr := []float64{0}
	for range n {
		for c := r.IntN(4); c < 200; c += 1 + r.IntN(7) {
			idx, vals = append(idx, float64(c)), append(vals, float64(r.IntN(1000))/8)
		}
		ptr = append(ptr, float64(len(idx)))
	}
	nnz := int64(len(idx))
	x := f.top.group("X")
	x.texts["encoding-type"], x.ints["shape"] = "csr_matrix", []int64{int64(n), 200}
	x.numbers("data", float32Type, toRaw(vals, float32Type), storage{chunks: []int64{a}}, nnz)
	x.numbers("indices", int32Type, toRaw(idx, int32Type), storage{chunks: []int64{b}}, nnz)
	x.numbers("indptr", int64Type, toRaw(ptr, int64Type), storage{run: 1 << 20}, int64(n)+1)
	return f
}

// closing closes what a test has opened, collections before the store.
func closing(t *testing.T, all ...io.Closer) {
	t.Helper()
	for _, c := range all {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// rowFiles gives the row store's files of rows, with what shows that one was written.
func rowFiles(t *testing.T, dir string) (found []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "v1", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if fi, err := os.Stat(path); err != nil {
			t.Fatal(err)
		} else if ext := filepath.Ext(path); ext == ".seg" || ext == ".open" {
			found = append(found, fmt.Sprintf("%s %d %d", path, fi.Size(), fi.ModTime().UnixNano()))
		}
	}
	return found
}

func TestWithTooLittleRoomAPartOfTheRowsIsKeptAndStays(t *testing.T) {
	leak.Check(t)
	f, dir := cells(3000, 500, 500), t.TempDir()
	store := openRowStore(t, dir, 256<<10)
	with, without := opened(t, f, Options{CacheBytes: 10_000}, store)
	defer closing(t, with, without, store)
	e, plain := encoderOf(t, with, EncoderOptions{Format: CSR}), encoderOf(t, without, EncoderOptions{Format: CSR})
	r := seeded(1)
	epoch(t, r, e, plain, "first")
	first, files := with.RowStoreUsage(), rowFiles(t, dir)
	if first.Stored < first.Rows/20 || first.Stored > first.Rows*19/20 {
		t.Fatalf("this shows nothing: %+v", first)
	}
	if len(with.keeper.tables[0].states) > 0 || with.keeper.fragments.used != 0 {
		t.Errorf("fragments take %d bytes, though nothing can be stored", with.keeper.fragments.used)
	}
	for range 3 {
		epoch(t, r, e, plain, "later")
	}
	if later := with.RowStoreUsage(); later.Stored != first.Stored || !slices.Equal(rowFiles(t, dir), files) {
		t.Errorf("rows are stored again: %+v, and then %+v", first, later)
	}
	err := with.Prepare(context.Background(), nil)
	wantError(t, err, ErrNoSpace, "LOADERD_ROWSTORE", "of 3000 rows")
}

func TestFragmentsGoToAFileAndBackWhenMemoryIsShort(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int64
		room  bool
		exact bool
	}{
		{"all in memory", 1 << 20, true, true}, {"some in the file", 5_000, true, true}, {"all in the file", 0, true, true},
		{"no room for a file", 0, false, false}, {"room in memory for some", 5_000, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			leak.Check(t)
			f := cells(700, 333, 250)
			store := openRowStore(t, t.TempDir(), 0)
			with, without := opened(t, f, Options{CacheBytes: 10_000, TempDir: t.TempDir()}, store)
			defer closing(t, with, without, store)
			k := with.keeper
			k.fragments.limit = c.limit
			if !c.room {
				k.fragments.room = func(int64) bool { return false }
			}
			e, r := encoderOf(t, with, EncoderOptions{}), seeded(3)
			rows := sequence(with.NObs())
			r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			f.decoded.Store(0)
			for batch := range slices.Chunk(rows, 16) {
				buffersOf(t, e, batch, 2)
			}
			decoded, chunks := f.decoded.Load(), chunksOf(f)
			if (decoded == chunks) != c.exact || decoded < chunks {
				t.Errorf("%d chunks were decoded of %d", decoded, chunks)
			}
			if (k.fragments.file != nil) != (c.room && c.limit < 1<<20) || k.fragments.used != 0 || len(k.tables[0].states) != 0 {
				t.Errorf("the file is %v, %d bytes are in memory, %d units have something left", k.fragments.file, k.fragments.used, len(k.tables[0].states))
			}
			if u := with.RowStoreUsage(); u.Stored != u.Rows {
				t.Errorf("%+v", u)
			}
			epoch(t, r, e, encoderOf(t, without, EncoderOptions{}), c.name)
		})
	}
}

func TestPlacesOfTheFragmentsFileAreUsedAgain(t *testing.T) {
	f := &fragments{dir: t.TempDir(), room: func(int64) bool { return true }}
	raw, buf := toRaw([]float64{3, 1, 4, 1, 5}, int64Type), []byte(nil)
	first := f.keep(raw, int64Type, &buf)
	second := f.keep(raw, int64Type, &buf)
	f.drop(first)
	third := f.keep(toRaw([]float64{9, 2, 6, 5, 3}, int64Type), int64Type, &buf)
	if third.off != first.off || second.off == first.off {
		t.Errorf("places %d, %d and then %d", first.off, second.off, third.off)
	}
	if got := f.read(second, int64Type, 5); !bytes.Equal(got, raw) {
		t.Errorf("%v, want %v", got, raw)
	}
	if got := f.read(first, int64Type, 5); got != nil {
		t.Errorf("what was dropped reads as %v", got)
	}
	if err := f.close(); err != nil {
		t.Error(err)
	}
	if got := f.read(second, int64Type, 5); got != nil {
		t.Errorf("from a closed file: %v", got)
	}
}

func TestAFileOfRowsCutShortWhileInUseIsMadeAnew(t *testing.T) {
	f, dir, r := cells(2000, 700, 300), t.TempDir(), seeded(9)
	for round := range 2 {
		store := openRowStore(t, dir, 0)
		with, without := opened(t, f, Options{}, store)
		e, plain := encoderOf(t, with, EncoderOptions{}), encoderOf(t, without, EncoderOptions{})
		epoch(t, r, e, plain, "whole")
		if round == 1 {
			paths, _ := filepath.Glob(filepath.Join(dir, "v1", "*", "*.seg"))
			for _, path := range paths {
				if err := os.Truncate(path, 0); err != nil {
					t.Fatal(err)
				}
			}
			if len(paths) == 0 {
				t.Fatal("no file was sealed")
			}
			for range 2 {
				epoch(t, r, e, plain, "cut short")
			}
			if u := with.RowStoreUsage(); u.Stored != u.Rows {
				t.Errorf("not all rows were made anew: %+v", u)
			}
			if _, err := with.Statistics(context.Background(), StatisticsOptions{}); err != nil {
				t.Error(err)
			}
		}
		closing(t, with, without, store)
	}
}

func TestRowsThatTheSourceCannotGiveFailAsWithoutARowStore(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(f *memFile)
	}{
		{"a chunk of the data", func(f *memFile) {
			f.before = func(a *memArray, chunk int) error {
				if chunk == 3 && a.path() == "/X/data" {
					return errors.New("checksum")
				}
				return nil
			}
		}},
		{"a chunk of the indices", func(f *memFile) {
			f.before = func(a *memArray, chunk int) error {
				if chunk == 5 && a.path() == "/X/indices" {
					return errors.New("checksum")
				}
				return nil
			}
		}},
		{"columns", func(f *memFile) {
			idx := view[int32](f.top.members["X"].(*memGroup).members["indices"].(*memArray).raw)
			idx[1000], idx[5000] = 200, -7
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := cells(300, 400, 300)
			store := openRowStore(t, t.TempDir(), 0)
			with, without := opened(t, f, Options{CacheBytes: 1}, store)
			defer closing(t, with, without, store)
			c.harm(f)
			e, plain := encoderOf(t, with, EncoderOptions{}), encoderOf(t, without, EncoderOptions{})
			bad := 0
			for range 2 {
				for _, row := range seeded(2).Perm(300) {
					one := func(e *Encoder) ([][]byte, error) {
						bufs := layout(e, 1, nil)
						_, err := write(e.NewBatch(), []int64{int64(row)}, 0, bufs, nil, 1)
						return bufs, err
					}
					got, err := one(e)
					want, wantErr := one(plain)
					if fmt.Sprint(err) != fmt.Sprint(wantErr) || err == nil && !bytes.Equal(got[1], want[1]) {
						t.Fatalf("row %d: %v, want %v", row, err, wantErr)
					}
					if err != nil {
						bad++
					}
				}
			}
			if u := with.RowStoreUsage(); bad == 0 || bad == 600 || u.Stored != 300-int64(bad)/2 && c.name == "columns" || u.Stored < 100 {
				t.Errorf("%d rows failed, %+v", bad, u)
			}
			if err, want := with.Prepare(context.Background(), nil), ErrBadFile; !errors.Is(err, want) {
				t.Errorf("preparing gives %v", err)
			}
		})
	}
}

func TestAPanicWhileDecodingIsOneBatchesAlone(t *testing.T) {
	f := cells(300, 400, 300)
	store := openRowStore(t, t.TempDir(), 0)
	with, without := opened(t, f, Options{}, store)
	defer closing(t, with, without, store)
	var once bool
	f.before = func(a *memArray, chunk int) error {
		if !once && chunk == 2 {
			once = true
			panic("a bug")
		}
		return nil
	}
	e := encoderOf(t, with, EncoderOptions{})
	rows, s := sequence(300), NewScratch()
	fill := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		b, bufs := e.NewBatch(), layout(e, len(rows), nil)
		if err := b.Begin(rows, 0, bufs, nil); err != nil {
			return err
		}
		return b.Fill(context.Background(), s, 0, len(rows))
	}
	if err := fill(); err == nil || err.Error() != "panic: a bug" {
		t.Fatalf("the first batch: %v", err)
	}
	if err := fill(); err != nil {
		t.Fatalf("the next one: %v", err)
	}
	epoch(t, seeded(1), e, encoderOf(t, without, EncoderOptions{}), "after a panic")
}

func TestWhoWaitsForAnothersChunkLeavesWhenItsContextEnds(t *testing.T) {
	leak.Check(t)
	f := cells(50, 1<<20, 1<<20)
	store := openRowStore(t, t.TempDir(), 0)
	with, without := opened(t, f, Options{}, store)
	defer closing(t, with, without, store)
	begun, goOn := make(chan struct{}), make(chan struct{})
	f.before = func(a *memArray, chunk int) error {
		if a.path() == "/X/data" {
			close(begun)
			<-goOn
		}
		return nil
	}
	e := encoderOf(t, with, EncoderOptions{})
	fill := func(ctx context.Context) error {
		b, bufs := e.NewBatch(), layout(e, 1, nil)
		if err := b.Begin([]int64{7}, 0, bufs, nil); err != nil {
			return err
		}
		return b.Fill(ctx, NewScratch(), 0, 1)
	}
	var g errgroup.Group
	g.Go(func() error { return fill(context.Background()) })
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := fill(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who waits gets %v", err)
	}
	close(goOn)
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if err := fill(context.Background()); err != nil || f.decoded.Load() != 2 {
		t.Errorf("%v, %d chunks decoded", err, f.decoded.Load())
	}
}

func TestAChangedSourceIsNeverServedFromTheRowStore(t *testing.T) {
	f := cells(300, 400, 300)
	store := openRowStore(t, t.TempDir(), 0)
	with, without := opened(t, f, Options{}, store)
	defer closing(t, with, without, store)
	e := encoderOf(t, with, EncoderOptions{})
	if err := with.Prepare(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	buffersOf(t, e, sequence(100), 1)
	f.altered.Store(true)
	time.Sleep(2 * changedEvery)
	err := e.NewBatch().Begin(sequence(100), 0, layout(e, 100, nil), nil)
	wantError(t, err, ErrChanged)
	if err := with.Prepare(context.Background(), nil); !errors.Is(err, ErrChanged) {
		t.Errorf("preparing gives %v", err)
	}
}

func TestRowsReadWhileTheSourceChangesAreNotStored(t *testing.T) {
	f := cells(300, 400, 300)
	store := openRowStore(t, t.TempDir(), 0)
	with, without := opened(t, f, Options{}, store)
	defer closing(t, with, without, store)
	f.before = func(*memArray, int) error { f.altered.Store(true); return nil }
	e := encoderOf(t, with, EncoderOptions{})
	_, err := write(e.NewBatch(), []int64{5}, 0, layout(e, 1, nil), nil, 1)
	wantError(t, err, ErrChanged)
	if u := with.RowStoreUsage(); u.Stored != 0 {
		t.Errorf("%+v", u)
	}
}

func TestAFileThatWasReplacedWhileItWasOpenedHasNoRows(t *testing.T) {
	f := cells(300, 400, 300)
	store := openRowStore(t, t.TempDir(), 0)
	asked := 0
	o := Options{RowStore: store, identify: func(path string) (string, string, error) {
		asked++
		return "/" + path, fmt.Sprint(asked), nil
	}}
	c, err := openWith(context.Background(), []string{"a"}, o, func(string) (container, error) { return f, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, c, store)
	buffersOf(t, encoderOf(t, c, EncoderOptions{}), sequence(300), 2)
	if u := c.RowStoreUsage(); u.Stored != 0 || !errors.Is(u.Problem, ErrChanged) || asked != 2 {
		t.Errorf("%+v, asked %d times", u, asked)
	}
}

func TestACollectionClosedWhileRowsAreReadGivesErrClosedAndNoFault(t *testing.T) {
	leak.Check(t)
	for seed := range seeds(40) {
		f := cells(400, 300, 200)
		store := openRowStore(t, t.TempDir(), 0)
		with, without := opened(t, f, Options{}, store)
		e := encoderOf(t, with, EncoderOptions{})
		var g errgroup.Group
		for i := range 3 {
			g.Go(func() error {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				b, s, bufs := e.NewBatch(), NewScratch(), layout(e, 20, nil)
				for {
					rows := make([]int64, 20)
					for k := range rows {
						rows[k] = r.Int64N(400)
					}
					err := b.Begin(rows, 0, bufs, nil)
					if err == nil {
						err = b.Fill(context.Background(), s, 0, 20)
					}
					if err == nil {
						_, err = b.Finish()
					}
					if errors.Is(err, ErrClosed) {
						return nil
					}
					if err != nil {
						return err
					}
				}
			})
		}
		g.Go(func() error {
			if err := with.Prepare(context.Background(), nil); err != nil && !errors.Is(err, ErrClosed) {
				return err
			}
			return nil
		})
		time.Sleep(time.Duration(seed%8) * time.Millisecond / 2)
		closing(t, with)
		if err := g.Wait(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		closing(t, without, store)
		if u := with.RowStoreUsage(); u != (RowStoreUsage{}) {
			t.Errorf("closed: %+v", u)
		}
	}
}

func TestTwoCollectionsOfAFileShareItsRows(t *testing.T) {
	f := cells(300, 400, 300)
	store := openRowStore(t, t.TempDir(), 0)
	one, plain := opened(t, f, Options{}, store)
	two, plainToo := opened(t, f, Options{VarNames: []string{"g5", "g3"}}, store)
	defer closing(t, one, two, plain, plainToo, store)
	if err := one.Prepare(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	f.decoded.Store(0)
	buffersOf(t, encoderOf(t, two, EncoderOptions{}), sequence(300), 2)
	if n := f.decoded.Load(); n != 0 {
		t.Errorf("%d chunks were decoded", n)
	}
	epoch(t, seeded(1), encoderOf(t, two, EncoderOptions{}), encoderOf(t, plainToo, EncoderOptions{}), "shared")
}

func TestBatchesOfStoredRowsAllocateNothing(t *testing.T) {
	f := cells(300, 400, 300)
	store := openRowStore(t, t.TempDir(), 0)
	with, without := opened(t, f, Options{Transforms: []Transform{}}, store)
	normal, plain := opened(t, f, Options{Transforms: []Transform{{"log1p", nil}}}, store)
	narrow, plainToo := opened(t, f, Options{VarNames: []string{"g9", "g5", "g100"}}, store)
	defer closing(t, with, without, normal, plain, narrow, plainToo, store)
	for _, c := range []*Collection{with, normal, narrow} {
		for _, format := range []Format{Dense, CSR} {
			e := encoderOf(t, c, EncoderOptions{Format: format})
			b, s, rows, ctx := e.NewBatch(), NewScratch(), sequence(128), context.Background()
			caps := e.Bounds(rows, nil)
			bufs := layout(e, len(rows), caps)
			one := func() {
				caps = e.Bounds(rows, caps)
				if err := b.Begin(rows, 0, bufs, caps); err != nil {
					t.Fatal(err)
				}
				for lo := 0; lo < len(rows); lo += 32 {
					if err := b.Fill(ctx, s, lo, lo+32); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := b.Finish(); err != nil {
					t.Fatal(err)
				}
			}
			one()
			if n := testing.AllocsPerRun(20, one); n != 0 && !raceEnabled {
				t.Errorf("%s: %v allocations a batch", format, n)
			}
		}
	}
	if u := with.RowStoreUsage(); u.Stored < 128 {
		t.Errorf("the rows are not of the store: %+v", u)
	}
}
