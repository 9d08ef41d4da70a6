package mapped

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// denseUnits cuts a dense matrix into bands: all chunks of the same rows.
type denseUnits struct {
	m    *matrix
	from *source
}

func (u denseUnits) count() int64 { return (u.from.rows + u.from.chunkRows - 1) / u.from.chunkRows }

func (u denseUnits) of(row int64) (first, last int64) {
	return row / u.from.chunkRows, row / u.from.chunkRows
}

func (u denseUnits) rows(unit int64) unitRows {
	from, to := unit*u.from.chunkRows, min((unit+1)*u.from.chunkRows, u.from.rows)
	return unitRows{from, from, to, to}
}

func (u denseUnits) bytes() int64 {
	if u.from.gridCols == 1 {
		return int64(u.from.chunkBytes)
	}
	return u.bandBytes() + int64(u.workers()*u.from.chunkBytes)
}

func (u denseUnits) bandBytes() int64 { return u.from.chunkRows * u.from.cols * int64(u.from.size) }

// workers is how many goroutines decode the chunks of a band: one, unless the band is so large that no other can be in work.
func (u denseUnits) workers() int {
	if u.bandBytes() <= keeperWork/2 {
		return 1
	}
	return int(min(int64(runtime.GOMAXPROCS(0)), u.from.gridCols))
}

func (u denseUnits) decode(unit int64, w *rowWriter) (left, right *zone, err error) {
	r, cache, size := u.rows(unit), u.from.env.cache, int64(u.from.size)
	n, stride := u.from.chunkBytes, u.from.chunkCols*size
	if u.from.gridCols > 1 {
		n, stride = int(u.bandBytes()), u.from.cols*size
	}
	band := cache.work(n)
	defer cache.done(band)
	if u.from.gridCols > 1 {
		err = u.gather(unit, band.buf, w.scratch)
	} else {
		err = u.from.loadChunk(band.buf, int(unit), w.scratch)
	}
	if err != nil {
		return nil, nil, err
	}
	for row := r.whole; row < r.right; row++ {
		if !w.table.missing(row) {
			continue
		}
		if err := w.dense(row, band.buf[(row-r.whole)*stride:][:u.from.cols*size]); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, nil
}

// gather decodes the chunks of a band into rows.
func (u denseUnits) gather(unit int64, band []byte, s *Scratch) error {
	var next atomic.Int64
	some := func(s *Scratch) error {
		chunk := u.from.env.cache.work(u.from.chunkBytes)
		defer u.from.env.cache.done(chunk)
		for c := next.Add(1) - 1; c < u.from.gridCols; c = next.Add(1) - 1 {
			if err := u.from.loadChunk(chunk.buf, int(unit*u.from.gridCols+c), s); err != nil {
				return err
			}
			u.place(unit, c, band, chunk.buf)
		}
		return nil
	}
	if u.workers() == 1 {
		return some(s)
	}
	var g errgroup.Group
	for range u.workers() {
		g.Go(func() (err error) {
			defer func() {
				if r := recover(); r != nil {
					slog.Error("panic while decoding", "object", u.m.object(), "panic", r, "stack", string(debug.Stack()))
					err = fmt.Errorf("%s: panic while decoding: %v", u.m.object(), r)
				}
			}()
			return some(NewScratch())
		})
	}
	return g.Wait()
}

// place copies chunk c of a band to where its columns are.
func (u denseUnits) place(unit, c int64, band, chunk []byte) {
	f, r, size := u.from, u.rows(unit), int64(u.from.size)
	at, n := c*f.chunkCols*size, min(f.chunkCols, f.cols-c*f.chunkCols)*size
	for i := range r.right - r.whole {
		copy(band[i*f.cols*size+at:][:n], chunk[i*f.chunkCols*size:])
	}
}

// join is never asked: a row is of one band.
func (u denseUnits) join([]int64, func(int64) [2]*zone, *rowWriter) error { return nil }
