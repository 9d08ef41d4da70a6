//go:build linux

package ipc

import (
	"reflect"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/internal/leak"
)

// wantRows fails unless b holds the rows, in every field.
func wantRows(t *testing.T, b *Batch, rows ...int64) {
	t.Helper()
	if b.N() != len(rows) {
		t.Fatalf("%d rows, want %v", b.N(), rows)
	}
	idx, err := b.Column("_idx")
	check(t, err)
	got, err := As[int64](idx.Array)
	check(t, err)
	if !reflect.DeepEqual(append([]int64{}, got...), rows) {
		t.Fatalf("rows %v, want %v", got, rows)
	}
	counts, err := b.Column("n_counts")
	check(t, err)
	label, err := b.Column("cell_type")
	check(t, err)
	for i, r := range rows {
		if got := counts.Value(i); got != float64(r)/2 {
			t.Errorf("n_counts of row %d is %v", r, got)
		}
		want := fakeLabels[r%3]
		if r%5 == 4 {
			want = nil
		}
		if got := label.Value(i); got != want {
			t.Errorf("label of row %d is %v, want %v", r, got, want)
		}
		if x := matrixRow(t, b, i); x != [4]float32{fakeX(r, 0), fakeX(r, 1), fakeX(r, 2), fakeX(r, 3)} {
			t.Errorf("X of row %d is %v", r, x)
		}
	}
}

// matrixRow is a row of X, of whatever kind.
func matrixRow(t *testing.T, b *Batch, i int) (row [4]float32) {
	t.Helper()
	if b.Schema()[1].Kind == KindDense {
		m, err := b.Dense("X")
		check(t, err)
		x, err := As[float32](m.Array)
		check(t, err)
		copy(row[:], x[i*m.Cols:])
		return row
	}
	m, err := b.CSR("X")
	check(t, err)
	x, err := As[float32](m.Values)
	check(t, err)
	for k := m.Indptr[i]; k < m.Indptr[i+1]; k++ {
		row[m.Indices[k]] = x[k]
	}
	return row
}

func TestAFieldIsFoundByNameAndKind(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{})
	b, err := c.Get(soon(t), []int64{0, 1, 4}, GetOptions{Format: "csr"})
	check(t, err)
	defer b.Release()
	_, err = b.Column("cell_typ")
	wantError(t, err, ErrUnknownKey, "cell_typ", "cell_type", "_idx")
	_, err = b.Dense("X")
	wantError(t, err, ErrInvalidArgument, "csr")
	_, err = b.CSR("cell_type")
	wantError(t, err, ErrInvalidArgument, "column")
	m, err := b.CSR("X")
	check(t, err)
	_, err = As[float64](m.Values)
	wantError(t, err, ErrInvalidArgument, "float32", "float64")
	isB, err := b.Column("is_b")
	check(t, err)
	if v, err := As[uint8](isB.Array); err != nil || !reflect.DeepEqual(append([]uint8{}, v...), []uint8{1, 0, 0}) {
		t.Errorf("%v, %v", v, err)
	}
	if isB.Value(0) != true || isB.Value(1) != false || isB.Format(0) != "true" || isB.Len() != 3 {
		t.Errorf("%v %v %s %d", isB.Value(0), isB.Value(1), isB.Format(0), isB.Len())
	}
	if got := b.Mask("cell_type"); !reflect.DeepEqual(append([]byte{}, got...), []byte{1, 1, 0}) {
		t.Errorf("mask %v", got)
	}
	if b.Mask("X") != nil {
		t.Error("X has a mask")
	}
}

func TestArraysSayTheirValues(t *testing.T) {
	for _, tc := range []struct {
		dtype string
		bytes string
		want  string
		float float64
	}{
		{"bool", "\x01", "true", 1},
		{"int8", "\xff", "-1", -1},
		{"uint8", "\xff", "255", 255},
		{"int16", "\xfe\xff", "-2", -2},
		{"uint16", "\xfe\xff", "65534", 65534},
		{"int32", "\xfd\xff\xff\xff", "-3", -3},
		{"uint32", "\xfd\xff\xff\xff", "4294967293", 4294967293},
		{"int64", "\xfc\xff\xff\xff\xff\xff\xff\xff", "-4", -4},
		{"uint64", "\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615", 1 << 64},
		{"float16", "\x00\x3e", "1.5", 1.5},
		{"bfloat16", "\xc0\x3f", "1.5", 1.5},
		{"float32", "\xcd\xcc\xcc\x3d", "0.1", float64(float32(0.1))},
		{"float64", "\x9a\x99\x99\x99\x99\x99\xb9\x3f", "0.1", 0.1},
	} {
		// Two elements, of which the second counts; aligned as a frame is.
		buf := make([]byte, 0, 64)
		buf = append(append(buf, strings.Repeat("\x00", len(tc.bytes))...), tc.bytes...)
		a := Array{DType: tc.dtype, Bytes: buf}
		if a.Len() != 2 || a.Format(1) != tc.want || a.Float64(1) != tc.float {
			t.Errorf("%s: %d elements, %s, %v; want %s, %v", tc.dtype, a.Len(), a.Format(1), a.Float64(1), tc.want, tc.float)
		}
		if tc.dtype != "uint64" && a.Int64(1) != int64(tc.float) {
			t.Errorf("%s: %d", tc.dtype, a.Int64(1))
		}
	}
}
