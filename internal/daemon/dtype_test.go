package daemon

import (
	"errors"
	"math"
	"testing"

	"github.com/loaderd/loaderd/ipc"
)

func TestBfloat16ComesAsBitsAndIsNoArrowType(t *testing.T) {
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc)
	rows := []int64{3, 4}
	exact, err := c.Get(h.ctx, rows, ipc.GetOptions{DType: "float32"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := exact.Dense("raw.X")
	if err != nil {
		t.Fatal(err)
	}
	values, err := ipc.As[float32](m.Array)
	if err != nil {
		t.Fatal(err)
	}
	wide := append([]float32{}, values...)
	exact.Release()
	b, err := c.Get(h.ctx, rows, ipc.GetOptions{DType: "bfloat16"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if m, err = b.Dense("raw.X"); err != nil || m.DType != "bfloat16" {
		t.Fatalf("%s, %v", m.DType, err)
	}
	bits, err := ipc.As[uint16](m.Array)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range bits {
		got := float64(math.Float32frombits(uint32(v) << 16))
		if off := math.Abs(got - float64(wide[i])); off > math.Abs(float64(wide[i]))/256 || m.Float64(i) != got {
			t.Fatalf("value %d of %v is %v, and read as %v", i, wide[i], got, m.Float64(i))
		}
	}
	if _, err := b.Record(); !errors.Is(err, ipc.ErrUnsupported) {
		t.Errorf("as a record: %v", err)
	}
}
