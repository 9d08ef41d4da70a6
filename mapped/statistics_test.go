package mapped

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// modelStatistics are the statistics of rows (present says which columns each
// row's file has), by two plain passes.
func modelStatistics(rows [][]float64, present [][]bool, width int, skip bool) *Statistics {
	s := &Statistics{N: int64(len(rows))}
	for _, row := range rows {
		total, n := 0.0, int32(0)
		for _, v := range row {
			total += v
			n += int32(truth(v != 0))
		}
		s.Total, s.CellNonZeros = append(s.Total, total), append(s.CellNonZeros, n)
	}
	for c := range width {
		var vals []float64
		has, nonzero := int64(0), int64(0)
		for i, row := range rows {
			has += int64(truth(present[i][c]))
			if skip && !present[i][c] {
				continue
			}
			vals = append(vals, row[c])
			nonzero += int64(truth(row[c] != 0))
		}
		mean, m2 := 0.0, 0.0
		for _, v := range vals {
			mean += v / float64(len(vals))
		}
		for _, v := range vals {
			m2 += (v - mean) * (v - mean)
		}
		s.Present, s.NonZero, s.Mean = append(s.Present, has), append(s.NonZero, nonzero), append(s.Mean, mean)
		s.Var = append(s.Var, m2/math.Max(1, float64(len(vals)-1)))
	}
	return s
}

func sameStatistics(got, want *Statistics, exact bool) error {
	compare := roughly
	if exact {
		compare = same
	}
	if got.N != want.N || !slices.Equal(got.Present, want.Present) || !slices.Equal(got.NonZero, want.NonZero) ||
		!slices.Equal(got.CellNonZeros, want.CellNonZeros) {
		return fmt.Errorf("counts are %+v, want %+v", got, want)
	}
	for _, part := range [][2][]float64{{got.Mean, want.Mean}, {got.Var, want.Var}, {got.Total, want.Total}} {
		if err := compare(part[0], part[1]); err != nil {
			return fmt.Errorf("%w: %v, want %v", err, part[0], part[1])
		}
	}
	return nil
}

func TestStatisticsEqualAPlainModelForRandomCollections(t *testing.T) {
	universe := strings.Split("cb ca d e ba a g f É h i j k", " ")
	done := 0
	for seed := range uint64(250) {
		r := rand.New(rand.NewPCG(seed, 6))
		var stores []*modelStore
		for i := range 1 + r.IntN(4) {
			stores = append(stores, randomStore(r, universe, fmt.Sprint(i)))
		}
		join := Join(r.IntN(2))
		names, _ := expect(stores, join, nil)
		if len(names) == 0 {
			continue
		}
		list := []Transform{}
		if r.IntN(2) == 0 {
			list, _ = randomTransforms(r, len(names))
		}
		var rows [][]float64
		var present [][]bool
		for _, s := range stores {
			for _, row := range s.rows {
				cells := modelRow(s, row, names, join)
				for _, tr := range list {
					modelApply(tr, cells)
				}
				out, has := make([]float64, len(names)), make([]bool, len(names))
				for _, c := range cells {
					if c.joined >= 0 {
						out[c.joined], has[c.joined] = float64(float32(c.val)), c.inFile
					}
				}
				rows, present = append(rows, out), append(present, has)
			}
		}
		what := fmt.Sprintf("seed %d, %v join, %v", seed, join, list)
		c, err := openModel(stores, Options{Join: join, CacheBytes: 300})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, skip := range []bool{false, true} {
			got, err := c.Statistics(context.Background(), StatisticsOptions{Transforms: list, SkipAbsent: skip, Workers: 1 + r.IntN(3)})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if err := sameStatistics(got, modelStatistics(rows, present, len(names), skip), false); err != nil {
				t.Fatalf("%s, skip %v: %v", what, skip, err)
			}
			done++
		}
		c.Close()
	}
	if done < 300 {
		t.Errorf("only %d statistics were compared", done)
	}
}

// largeStore has more rows than a block, and values far from 0 with little between them.
func largeStore(r *rand.Rand, rows int, dense bool) *modelStore {
	m := &modelStore{file: &memFile{}, vars: []string{"a", "b", "c"}, dense: dense}
	for range rows {
		row := []modelEntry{{0, 1e6 + float64(r.IntN(3))}, {1, 0}, {2, 1}}
		if r.IntN(2) == 0 {
			row[1].val = float64(r.IntN(9))
		}
		m.rows = append(m.rows, row)
	}
	return m
}

func TestStatisticsAreTheSameWhateverTheWorkersAndTheStorage(t *testing.T) {
	var want *Statistics
	for _, dense := range []bool{false, true} {
		for workers := 1; workers <= 5; workers += 2 {
			m := largeStore(seeded(3), 3*statBlock+77, dense)
			m.write(seeded(uint64(workers)), float32Type)
			c, err := openModel([]*modelStore{m, m}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Statistics(context.Background(), StatisticsOptions{Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
				// Var of three values near 1e6, each as likely: a sum of squares would have lost it.
				if got.Var[0] < 0.6 || got.Var[0] > 0.7 || got.Var[2] != 0 || got.Mean[2] != 1 {
					t.Errorf("means %v, variances %v", got.Mean, got.Var)
				}
			}
			if err := sameStatistics(got, want, true); err != nil {
				t.Errorf("dense %v, %d workers: %v", dense, workers, err)
			}
			c.Close()
		}
	}
}

func TestCellsOfAStoreWithoutTheLayerCountNowhere(t *testing.T) {
	a, b := countsStore([]string{"x", "y"}, []float64{1, 2}, []float64{3, 0}), countsStore([]string{"x", "y"}, []float64{9, 9})
	layers := a.file.top.group("layers")
	layers.members["counts"] = a.file.top.members["X"]
	c, err := openModel([]*modelStore{a, b}, Options{LayersKeys: []string{"counts"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Statistics(context.Background(), StatisticsOptions{Layer: "counts"})
	if err != nil {
		t.Fatal(err)
	}
	want := &Statistics{N: 2, Present: []int64{2, 2}, Mean: []float64{2, 1}, Var: []float64{2, 2}, NonZero: []int64{2, 1},
		Total: []float64{3, 3, nan}, CellNonZeros: []int32{2, 1, 0}}
	if err := sameStatistics(got, want, true); err != nil {
		t.Error(err)
	}
	_, err = c.Statistics(context.Background(), StatisticsOptions{Layer: "count"})
	wantError(t, err, ErrUnknownKey, "did you mean `counts`?")
	_, err = c.Statistics(context.Background(), StatisticsOptions{Layer: "counts", Transforms: []Transform{{"log", nil}}})
	wantError(t, err, ErrInvalid, "log1p")
}

// onDisk opens a store that lies in memory under the path of a file, whose identity counts.
func onDisk(t *testing.T, path string, m *modelStore) *Collection {
	t.Helper()
	c, err := openWith(context.Background(), []string{path}, Options{}, func(string) (container, error) { return m.file, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestStatisticsAreKeptInMemoryAndInFilesThatTellDamageAndChange(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("LOADERD_CACHE_DIR", cache)
	path := filepath.Join(t.TempDir(), "a.h5ad")
	if err := os.WriteFile(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := countsStore([]string{"x", "y"}, []float64{1, 2}, []float64{3, 0})
	ask := func(c *Collection, o StatisticsOptions) *Statistics {
		t.Helper()
		s, err := c.Statistics(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c := onDisk(t, path, m)
	want := ask(c, StatisticsOptions{})
	files := func() []string {
		names, err := filepath.Glob(filepath.Join(cache, statFolder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	if len(files()) != 1 {
		t.Fatalf("files %q", files())
	}
	if err := sameStatistics(ask(c, StatisticsOptions{}), want, true); err != nil {
		t.Errorf("from memory: %v", err)
	}
	// Other values that nothing but a pass can see: what is found is what was kept.
	unseen := countsStore([]string{"x", "y"}, []float64{7, 7}, []float64{7, 0})
	if err := sameStatistics(ask(onDisk(t, path, unseen), StatisticsOptions{}), want, true); err != nil {
		t.Errorf("from the file: %v", err)
	}
	good, err := os.ReadFile(files()[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(good); at += 7 {
		bad := slices.Clone(good)
		bad[at] ^= 0x10
		if at%2 == 0 {
			bad = bad[:at]
		}
		if err := os.WriteFile(files()[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := sameStatistics(ask(onDisk(t, path, m), StatisticsOptions{}), want, true); err != nil {
			t.Errorf("damaged at %d: %v", at, err)
		}
	}
	if now, err := os.ReadFile(files()[0]); err != nil || !slices.Equal(now, good) {
		t.Errorf("the damaged file was not written anew: %v", err)
	}
	if err := os.WriteFile(path, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ask(c, StatisticsOptions{Transforms: []Transform{{"binarize", nil}}}); got.Mean[0] != 1 {
		t.Errorf("of other values: %v", got.Mean)
	}
	m2 := countsStore([]string{"x", "y"}, []float64{1, 2}, []float64{4, 0})
	if got := ask(onDisk(t, path, m2), StatisticsOptions{}); got.Mean[0] != 2.5 {
		t.Errorf("of a changed file: %v", got.Mean)
	}
	m2.file.altered.Store(true)
	_, err = onDisk(t, path, m2).Statistics(context.Background(), StatisticsOptions{})
	wantError(t, err, ErrChanged)
}

func TestOldFilesOfStatisticsGo(t *testing.T) {
	t.Setenv("LOADERD_CACHE_DIR", t.TempDir())
	s := newStatStore()
	for i := range statFiles + 9 {
		var key [32]byte
		key[0] = byte(i)
		if err := s.write(key, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(s.folder, "*"))
	if err != nil || len(names) != statFiles {
		t.Errorf("%d files, %v", len(names), err)
	}
}

func TestStatisticsEndWithTheirContext(t *testing.T) {
	m := largeStore(seeded(1), 100, false)
	m.write(seeded(1), float32Type)
	c, err := openModel([]*modelStore{m}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Statistics(ctx, StatisticsOptions{Workers: 2}); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	c.Close()
	_, err = c.Statistics(context.Background(), StatisticsOptions{})
	wantError(t, err, ErrClosed)
}

func FuzzStatisticsFile(f *testing.F) {
	var key [32]byte
	f.Add(encodeOutcome(statOutcome{2, []moments{{2, 1, 0.5, 0.5}}, []float64{1, 0}, []int32{1, 0}}, key))
	f.Add([]byte(statMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := decodeOutcome(data, key, 1, 2)
		if err == nil && !slices.Equal(encodeOutcome(o, key), data) {
			t.Errorf("%q is read as %+v", data, o)
		}
	})
}
