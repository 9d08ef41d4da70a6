//go:build linux

package ipc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/loaderd/loaderd/internal/leak"
)

func TestARecordHoldsTheBatch(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{})
	for format, wantX := range map[string]string{
		"dense": "[[0 0 2 0] [0 11 0 13] [40 0 42 0]]",
		"csr":   "[{[2] [2]} {[1 3] [11 13]} {[0 2] [40 42]}]",
	} {
		t.Run(format, func(t *testing.T) {
			b, err := c.Get(soon(t), []int64{0, 1, 4}, GetOptions{Format: format})
			check(t, err)
			defer b.Release()
			r, err := b.Record()
			check(t, err)
			defer r.Release()
			if r.NumRows() != 3 || r.NumCols() != 6 {
				t.Fatalf("%d rows, %d columns", r.NumRows(), r.NumCols())
			}
			got := make(map[string]string)
			for i, col := range r.Columns() {
				got[r.ColumnName(i)] = fmt.Sprint(col)
			}
			for name, want := range map[string]string{
				"_store_idx": "[0 0 0]", "X": wantX, "n_counts": "[0 0.5 2]", "is_b": "[true false false]", "_idx": "[0 1 4]",
			} {
				if got[name] != want {
					t.Errorf("%s is %s, want %s", name, got[name], want)
				}
			}
			label := r.Column(2).(*array.Dictionary)
			if label.IsNull(0) || label.IsNull(1) || !label.IsNull(2) || label.NullN() != 1 || label.ValueStr(1) != "NK" {
				t.Errorf("labels %s", label)
			}
			if f, _ := r.Schema().FieldsByName("cell_type"); !f[0].Nullable {
				t.Error("cell_type can not be null")
			}
		})
	}
}

func TestARecordIsTheBatchsOwnMemory(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{})
	b, err := c.Get(soon(t), []int64{2}, GetOptions{Format: "dense"})
	check(t, err)
	defer b.Release()
	r, err := b.Record()
	check(t, err)
	defer r.Release()
	m, err := b.Dense("X")
	check(t, err)
	x, err := As[float32](m.Array)
	check(t, err)
	x[1] = 77
	values := r.Column(1).(*array.FixedSizeList).ListValues().(*array.Float32)
	if values.Value(1) != 77 {
		t.Error("the record holds a copy")
	}
}

func TestARecordOfAReleasedBatchIsRefused(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{})
	b, err := c.Get(soon(t), []int64{2}, GetOptions{})
	check(t, err)
	b.Release()
	_, err = b.Record()
	wantError(t, err, ErrClosed)
}

func TestEveryDTypeButBfloat16HasAnArrowType(t *testing.T) {
	for dtype, size := range dtypeSizes {
		if dtype == "bfloat16" { // Record says that there is none
			continue
		}
		typ, ok := arrowTypes[dtype].(arrow.FixedWidthDataType)
		if !ok || dtype != "bool" && typ.BitWidth() != 8*size {
			t.Errorf("%s: %v", dtype, arrowTypes[dtype])
		}
		if name := strings.TrimPrefix(strings.ReplaceAll(typ.Name(), "half_float", "float16"), ""); dtype[0] == 'i' && name != dtype {
			t.Errorf("%s is %s", dtype, name)
		}
	}
}

func TestCategoriesKeepTheirTypeWhereTheyHaveOne(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []any
		want string
		typ  arrow.Type
	}{
		{"text", []any{"a", "b"}, `["a" "b"]`, arrow.STRING},
		{"ints", []any{int64(1), int64(-2)}, "[1 -2]", arrow.INT64},
		{"floats", []any{0.5, 2.0}, "[0.5 2]", arrow.FLOAT64},
		{"bools", []any{true, false}, "[true false]", arrow.BOOL},
		{"a mixture", []any{"a", int64(1), 0.5, true, nil}, `["a" "1" "0.5" "true" "<nil>"]`, arrow.STRING},
		{"none", []any{}, "[]", arrow.STRING},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := categoryTable(tc.in)
			defer a.Release()
			if got := fmt.Sprint(a); got != tc.want || a.DataType().ID() != tc.typ {
				t.Errorf("%s of type %s", got, a.DataType())
			}
		})
	}
}
