//go:build linux

package rowstore

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/edsrzf/mmap-go"
	"golang.org/x/sync/errgroup"
)

func TestAFileTruncatedUnderUsIsAnErrorAndIsForgotten(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	rows := span64(0, 300)
	o := openTable(t, dir, sampleSpec(300), 0)
	o.add(t, 1, rows...)
	o.close(t)

	o = openTable(t, dir, sampleSpec(300), 0)
	if n := o.served(t, 1, rows[:10]...); n != 10 {
		t.Fatalf("%d rows are served", n)
	}
	file := files(t, o, sealedEnding)[0]
	if err := os.Truncate(file, 4096); err != nil {
		t.Fatal(err)
	}
	sum := 0
	touch := func() error {
		for _, row := range rows {
			if r, ok := o.Row(row); ok {
				sum += int(r[len(r)-1])
			}
		}
		return nil
	}
	err := o.s.Guard(touch)
	if !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), filepath.Base(file)) {
		t.Fatalf("error %v, want ErrFault with the name of the file", err)
	}
	if u := o.Usage(); u.Stored != 0 || u.Damaged != 1 || o.Has(rows[0]) || o.Has(rows[299]) {
		t.Errorf("the usage is %+v, want nothing stored", u)
	}
	if err := o.s.Guard(touch); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if u := o.Usage(); u.Stored != 0 || u.Damaged != 1 {
		t.Errorf("the usage is %+v, want nothing stored", u)
	}
	if !strings.Contains(o.logs.String(), filepath.Base(file)) {
		t.Errorf("the log %q does not name %s", o.logs, file)
	}
	o.add(t, 1, rows...)
	if n := o.served(t, 1, rows...); n != len(rows) {
		t.Errorf("%d rows are served once they were made anew", n)
	}
	o.close(t)
	o = openTable(t, dir, sampleSpec(300), 0)
	if n := o.served(t, 1, rows...); n != len(rows) {
		t.Errorf("%d rows are served by the next", n)
	}
}

func TestAnOpenFileTruncatedUnderUsIsBegunAnew(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	rows := span64(0, 300)
	o := openTable(t, dir, sampleSpec(300), 0)
	o.add(t, 1, rows[:200]...)
	if err := os.Truncate(files(t, o, openEnding)[0], 4096); err != nil {
		t.Fatal(err)
	}
	err := o.s.Guard(func() error {
		for _, row := range rows {
			o.Row(row)
		}
		return nil
	})
	if !errors.Is(err, ErrFault) {
		t.Fatalf("error %v, want ErrFault", err)
	}
	o.add(t, 1, rows[:100]...)
	o.add(t, 1, rows[100:]...)
	if n := o.served(t, 1, rows...); n != len(rows) {
		t.Errorf("%d rows are served", n)
	}
	o.close(t)
	o = openTable(t, dir, sampleSpec(300), 0)
	if n := o.served(t, 1, rows...); n != len(rows) || o.Usage().Damaged != 0 {
		t.Errorf("%d rows are served by the next, %+v", n, o.Usage())
	}
}

func TestFaultsOfManyGoroutinesForgetASegmentOnce(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	rows := span64(0, 2000)
	o := openTable(t, dir, sampleSpec(2000), 0)
	o.add(t, 1, rows...)
	o.close(t)
	o = openTable(t, dir, sampleSpec(2000), 0)
	if err := os.Truncate(files(t, o, sealedEnding)[0], 0); err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	for i := range 8 {
		g.Go(func() error {
			err := o.s.Guard(func() error {
				for _, row := range rows[i*200:] {
					o.Row(row)
				}
				return nil
			})
			if err != nil && !errors.Is(err, ErrFault) {
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if u := o.Usage(); u.Stored != 0 || u.Damaged != 1 {
		t.Errorf("the usage is %+v", u)
	}
}

func TestPanicsThatAreNotFaultsOfAMappingPassOn(t *testing.T) {
	checkLeaks(t)
	o := openTable(t, t.TempDir(), sampleSpec(10), 0)
	passes := func(name string, fn func() error) (got any) {
		defer func() {
			if got = recover(); got == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		return o.s.Guard(fn)
	}
	if got := passes("a panic", func() error { panic("mine") }); got != "mine" {
		t.Errorf("a panic passes on as %v", got)
	}
	var none *segment
	if got := passes("nil", func() error { none.name = ""; return nil }); got == nil {
		t.Error("no panic of a nil pointer")
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(4096); err != nil {
		t.Fatal(err)
	}
	mem, err := mmap.MapRegion(f, 4096, mmap.RDONLY, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Unmap()
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	got := passes("a fault elsewhere", func() error { _ = mem[0] + mem[1]; return errors.New(string(mem[:2])) })
	if _, ok := got.(runtime.Error); !ok {
		t.Errorf("a fault elsewhere passes on as %v", got)
	}
	if err := o.s.Guard(func() error { return errBusy }); err != errBusy {
		t.Errorf("fn's own error comes back as %v", err)
	}
}

// Kernels are partly in assembly: a fault there has to come back too.
func TestAFaultInAKernelIsAnError(t *testing.T) {
	for values := range valueKinds {
		t.Run(values, func(t *testing.T) {
			checkLeaks(t)
			const cols, n = 20000, 40
			spec := sampleSpec(n)
			spec.Cols = cols
			o := openTable(t, t.TempDir(), spec, 0)
			r := rand.New(rand.NewPCG(1, 2))
			var rows []int64
			var records []byte
			for row := range int64(n) {
				sparse := sparseRow(r, Float32, "as in cells", values, 900)
				sparse.cols = cols
				records = sparse.encode(t, records, row)
				rows = append(rows, row)
			}
			if err := o.Append(rows, records); err != nil {
				t.Fatal(err)
			}
			var list []Row // that begin before the end
			for _, row := range rows {
				if o.Address(row)+headerSize > uint64(pageSize) {
					break
				}
				rec, ok := o.Row(row)
				if !ok {
					t.Fatalf("row %d is gone", row)
				}
				list = append(list, rec)
			}
			if err := o.Seal(); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(files(t, o, sealedEnding)[0], int64(pageSize)); err != nil {
				t.Fatal(err)
			}
			k := NewKernel(KernelOptions{Stored: Float32, Cols: cols, OutSize: 4, Width: cols})
			dst := make([]byte, 4*cols)
			faults := 0
			for _, rec := range list {
				var scratch Scratch
				err := o.s.Guard(func() error { k.Dense(dst, rec, &scratch); return nil })
				if errors.Is(err, ErrFault) {
					faults++
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if faults != 1 {
				t.Errorf("%d faults, want one, of the record that goes over the end", faults)
			}
		})
	}
}
