package rowstore

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// What is done to the codes of a row by its caller must come out as if Cast had done it to each value.
func TestCodesThatStandForOtherElementsAreTheCast(t *testing.T) {
	eachLevel(t, (*testing.T).Run, func(t *testing.T) {
		var w, plain Scratch
		coded, excepted := 0, 0
		eachRow(t, func(r *rand.Rand, row *testRow) {
			if row.cols > 1<<16 {
				return
			}
			rec := alignedRecord(row.encode(t, nil, 3))
			c, ok := Row(rec).Codes(&w)
			if !ok {
				return
			}
			fields := fieldsOf(row.d)
			f, m := fields[1+r.IntN(len(fields)-1)], anyMap(r, row.cols)
			given := FieldCodes{Elements: alignedBytes(tableSize * f.size), Exceptions: alignedBytes(len(c.Exceptions) / row.d.Size() * f.size)}
			if len(c.Values) > 0 {
				given.Most = slices.Max(c.Values)
			}
			f.cast(given.Elements, c.Elements, int(given.Most)+1)
			f.cast(given.Exceptions, c.Exceptions, len(given.Exceptions)/f.size)
			o := KernelOptions{Stored: row.d, Cols: row.cols, OutSize: f.size, Cast: f.cast, To: m.to, Monotone: m.monotone, Width: m.width}
			want := NewKernel(o)
			// Its own Cast is another: nothing may come of it.
			o.Cast = func(dst, _ []byte, n int) { clear(dst[:n*f.size]) }
			got := NewKernel(o)
			a, b := alignedBytes(m.width*f.size), alignedBytes(m.width*f.size)
			got.DenseCodes(a, rec, given, &w)
			want.Dense(b, rec, &plain)
			if !bytes.Equal(a, b) {
				t.Fatalf("%s, as %s, %s: dense rows differ", row.name, f.name, m.name)
			}
			room := min(Row(rec).NNZ(), m.width)
			ai, bi, av, bv := make([]int32, room), make([]int32, room), alignedBytes(room*f.size), alignedBytes(room*f.size)
			n, size := got.CSRCodes(ai, av, rec, given, &w), f.size
			if k := want.CSR(bi, bv, rec, &plain); n != k || !slices.Equal(ai[:n], bi[:n]) || !bytes.Equal(av[:n*size], bv[:n*size]) {
				t.Fatalf("%s, as %s, %s: sparse rows differ", row.name, f.name, m.name)
			}
			coded++
			if len(c.Exceptions) > 0 {
				excepted++
			}
		})
		if coded < 100 || excepted < 5 {
			t.Errorf("only %d rows had codes, %d of them exceptions", coded, excepted)
		}
	})
}
