//go:build linux

package rowstore

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// coldRows is how many rows of 2 kB the benchmark below reads from the disk: ROWSTORE_COLD_ROWS, else 100,000.
func coldRows(b *testing.B) int64 {
	text, ok := os.LookupEnv("ROWSTORE_COLD_ROWS")
	if !ok {
		return 100_000
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// dropFromMemory has the kernel forget the pages of sealed files. Pages that are mapped by a table must not be in use.
func dropFromMemory(t testing.TB, paths []string) {
	t.Helper()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// BenchmarkColdRows reads random rows of a file that is not in memory, a batch of 128 at a time: by faults; asked for ahead of
// time; and, for the limit of the disk, by preads of 32 threads.
func BenchmarkColdRows(b *testing.B) {
	dir, n := b.TempDir(), coldRows(b)
	spec := coldTable(b, dir, n)
	order := rand.New(rand.NewPCG(3, 4)).Perm(int(n))
	batch := func(i int) []int64 {
		rows := make([]int64, 128)
		for j := range rows {
			rows[j] = int64(order[(i*128+j)%len(order)])
		}
		return rows
	}
	for _, ahead := range []int{0, 1, 2, 4, 8} {
		b.Run("ahead="+strconv.Itoa(ahead), func(b *testing.B) {
			o := openTable(b, dir, spec, 0)
			dropFromMemory(b, files(b, o, sealedEnding))
			for i := range ahead {
				o.Prefetch(batch(i))
			}
			b.ResetTimer()
			for i := range b.N {
				if ahead > 0 {
					o.Prefetch(batch(i + ahead))
				}
				for _, row := range batch(i) {
					if _, ok := o.Row(row); !ok {
						b.Fatal("a row is gone")
					}
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N*128)/b.Elapsed().Seconds(), "rows/s")
			o.close(b)
		})
	}
	b.Run("pread of 32 threads", func(b *testing.B) {
		o := openTable(b, dir, spec, 0)
		list := files(b, o, sealedEnding)
		dropFromMemory(b, list)
		var open []*os.File
		for _, path := range list {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM); err != nil {
				b.Fatal(err)
			}
			open = append(open, f)
		}
		fi, err := open[0].Stat()
		if err != nil {
			b.Fatal(err)
		}
		var g errgroup.Group
		b.ResetTimer()
		for w := range 32 {
			g.Go(func() error {
				r := rand.New(rand.NewPCG(uint64(w), 9))
				buf := make([]byte, 2048)
				for range b.N * 128 / 32 {
					if _, err := open[r.IntN(len(open))].ReadAt(buf, r.Int64N(fi.Size()/2-4096)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(b.N*128)/b.Elapsed().Seconds(), "rows/s")
		o.close(b)
	})
}

func TestRowsThatAreAskedForComeIntoMemory(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	rows := span64(0, 2000)
	o := openTable(t, dir, sampleSpec(2000), 0)
	o.add(t, 1, rows...)
	o.close(t)
	o = openTable(t, dir, sampleSpec(2000), 0)
	dropFromMemory(t, files(t, o, sealedEnding))
	vec := make([]byte, vecPages)
	inMemory := func(row int64) bool { return resident(o.pages(row), vec) }
	far := []int64{100, 900, 1800}
	if slices.ContainsFunc(far, inMemory) {
		t.Skip("the disk of this folder is memory")
	}
	o.Prefetch([]int64{far[0], far[2]})
	deadline := time.Now().Add(20 * time.Second)
	for !inMemory(far[0]) || !inMemory(far[2]) {
		if time.Now().After(deadline) {
			t.Fatal("the rows do not come")
		}
		time.Sleep(time.Millisecond)
	}
	if inMemory(far[1]) {
		t.Error("a row between them came too: the kernel reads around")
	}
	if n := o.served(t, 1, far...); n != 3 {
		t.Errorf("%d rows are served", n)
	}
	if !inMemory(far[1]) || inMemory(far[1]+300) {
		t.Error("a fault read nothing, or much around it")
	}
	o.Prefetch(nil)
	o.Prefetch([]int64{-1, 1 << 40})
}
