package rowstore

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

func TestKernelsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := rand.New(rand.NewPCG(8, 8))
	var to []int32
	for c := range 20000 {
		to = append(to, int32(19999-c))
	}
	var w Scratch
	for _, values := range sortedKeys(valueKinds) {
		row := sparseRow(r, Float32, "as in cells", values, 1500)
		rec := alignedRecord(row.encode(t, nil, 0))
		for _, o := range []KernelOptions{
			{OutSize: 4, IntoFloat32: true}, {OutSize: 8, Cast: castOf(Float32, fieldsOf(Float32)[3])}, {OutSize: 4, To: to[20000-row.cols:]},
		} {
			o.Stored, o.Cols, o.Width = Float32, row.cols, max(row.cols, 20000)
			if o.To == nil {
				o.Width = row.cols
			}
			k := NewKernel(o)
			dst, idx, vals := alignedBytes(o.Width*o.OutSize), make([]int32, 1500), alignedBytes(1500*o.OutSize)
			run := func() {
				k.Dense(dst, rec, &w)
				k.CSR(idx, vals, rec, &w)
			}
			run()
			// The model of casts appends, within room that there is.
			if n := testing.AllocsPerRun(20, run); n > 0 {
				t.Errorf("%s, %d bytes: %v allocations", row.name, o.OutSize, n)
			}
			if n := testing.AllocsPerRun(20, func() {
				if err := rec.Check(0, Float32, row.cols); err != nil {
					t.Fatal(err)
				}
			}); n > 0 {
				t.Errorf("%s: %v allocations of Check", row.name, n)
			}
		}
	}
}

func TestOneKernelServesManyGoroutines(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	row := sparseRow(r, Float32, "as in cells", "a few dozen floats", 1000)
	rec := alignedRecord(row.encode(t, nil, 0))
	k := NewKernel(KernelOptions{Stored: Float32, Cols: row.cols, OutSize: 4, Width: row.cols})
	want := alignedBytes(4 * row.cols)
	k.Dense(want, rec, new(Scratch))
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			var w Scratch
			dst := alignedBytes(4 * row.cols)
			for range 50 {
				if k.Dense(dst, rec, &w); !bytes.Equal(dst, want) {
					t.Error("another row than alone")
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestKernelsThatCannotBe(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    KernelOptions
		want string
	}{
		{"no type", KernelOptions{OutSize: 4}, "type 0"},
		{"elements of three bytes", KernelOptions{Stored: Float32, OutSize: 3, Cast: func(_, _ []byte, _ int) {}}, "elements of 3 bytes"},
		{"another size without a cast", KernelOptions{Stored: Float32, OutSize: 8}, "from float32 to elements of 8 bytes"},
		{"a width of its own without a map", KernelOptions{Stored: Float32, OutSize: 4, Cols: 5, Width: 6}, "for 5, into 6"},
		{"a map that is too short", KernelOptions{Stored: Float32, OutSize: 4, Cols: 5, Width: 5, To: []int32{1, 2}}, "a map of 2 columns for 5"},
		{"a map to beyond", KernelOptions{Stored: Float32, OutSize: 4, Cols: 2, Width: 5, To: []int32{1, 5}}, "column 5 of 5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, tc.want) {
					t.Errorf("NewKernel said %q, want %q in it", said, tc.want)
				}
			}()
			NewKernel(tc.o)
		})
	}
}

// A fault in a row's memory, which may be a mapped file, stops a kernel anywhere; the scratch must be as good as new.
func TestAScratchOutlivesAFault(t *testing.T) {
	eachLevel(t, (*testing.T).Run, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 6))
		good := sparseRow(r, Float32, "as in cells", "counts", 500)
		rec := alignedRecord(good.encode(t, nil, 0))
		k := NewKernel(KernelOptions{Stored: Float32, Cols: good.cols, OutSize: 4, Width: good.cols})
		want, got := alignedBytes(4*good.cols), alignedBytes(4*good.cols)
		k.Dense(want, rec, new(Scratch))

		var w Scratch
		k.Dense(got, rec, &w)
		func() {
			defer func() {
				if recover() == nil {
					t.Fatal("there was no fault")
				}
			}()
			broken := rec.mustParse()
			table := k.bytes
			table.elements = nil
			k.expand(got[:8], &broken, &table, &w) // the row is longer than what it is to be expanded to
		}()
		if k.Dense(got, rec, &w); !bytes.Equal(got, want) {
			t.Fatal("what was left of the fault shows in the next row")
		}
	})
}
