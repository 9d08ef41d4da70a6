package rowstore

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/loaderd/loaderd/internal/leak"
)

const (
	sampleCols  = 3000
	sampleDType = Float32
)

// sampleRecord is a record of counts; the same for the same row and seed.
func sampleRecord(t testing.TB, row int64, seed uint64) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, uint64(row)))
	var idx []int32
	var vals []byte
	for c := r.IntN(40); c < sampleCols; c += 1 + r.IntN(200) {
		idx = append(idx, int32(c))
		vals = binary.LittleEndian.AppendUint32(vals, 0x3f800000+uint32(r.IntN(9))<<23)
	}
	rec, err := AppendSparse(nil, row, sampleDType, sampleCols, idx, vals)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func sampleSpec(rows int64) Spec {
	return Spec{Source: "/data/a.h5ad", Identity: "1", Matrix: "X", Rows: rows, Cols: sampleCols, DType: sampleDType, NNZ: 30 * rows}
}

// checkLeaks fails the test when it leaves a goroutine, a descriptor, or a mapping of a file below dir.
func checkLeaks(t *testing.T) {
	t.Helper()
	leak.Check(t)
	t.Cleanup(func() {
		if runtime.GOOS != "linux" || t.Failed() {
			return
		}
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(maps)) {
			if strings.Contains(line, sealedEnding) || strings.Contains(line, openEnding) {
				t.Errorf("left behind: mapping %s", strings.TrimSpace(line))
			}
		}
	})
}

// logBook collects what is logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// roomy is a system with a disk that never becomes full.
func roomy() system {
	sys := thisSystem()
	sys.space = func(string) (diskSpace, error) { return diskSpace{size: 1 << 40, free: 1 << 39}, nil }
	return sys
}

// opened is a store and a table in it, closed when the test ends or sooner.
type opened struct {
	*Table
	s    *Store
	logs *logBook
}

func openTable(t testing.TB, dir string, spec Spec, segment int64) opened {
	t.Helper()
	return openWith(t, roomy(), Options{Dir: dir, SegmentBytes: segment}, spec)
}

func openWith(t testing.TB, sys system, o Options, spec Spec) opened {
	t.Helper()
	logs := &logBook{}
	o.Log = logs.logger()
	s, err := open(o, sys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	table, err := s.Table(spec)
	if err != nil {
		t.Fatal(err)
	}
	return opened{table, s, logs}
}

func (o opened) close(t testing.TB) {
	t.Helper()
	o.Table.Close()
	if err := o.s.Close(); err != nil {
		t.Fatal(err)
	}
}

func (o opened) add(t testing.TB, seed uint64, rows ...int64) {
	t.Helper()
	if err := o.tryAdd(t, seed, rows...); err != nil {
		t.Fatal(err)
	}
}

func (o opened) tryAdd(t testing.TB, seed uint64, rows ...int64) error {
	t.Helper()
	var recs []byte
	for _, r := range rows {
		recs = append(recs, sampleRecord(t, r, seed)...)
	}
	return o.Append(rows, recs)
}

// served counts the rows that the table serves, and fails the test when one is not what was written.
func (o opened) served(t testing.TB, seed uint64, rows ...int64) (n int) {
	t.Helper()
	for _, row := range rows {
		err := o.s.Guard(func() error {
			r, ok := o.Row(row)
			if !ok {
				return nil
			}
			n++
			if want := sampleRecord(t, row, seed); !bytes.Equal(r, want) {
				t.Errorf("row %d is served wrong", row)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func span64(from, to int64) (list []int64) {
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

func files(t testing.TB, o opened, ending string) []string {
	t.Helper()
	list, err := filepath.Glob(o.path("*" + ending))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// lookNow looks for others' segments without waiting for the time to do so.
func (o opened) lookNow() bool {
	o.look.next.Store(0)
	return o.lookAgain()
}
