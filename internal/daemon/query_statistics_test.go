package daemon

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/loaderd/loaderd/ipc"
)

func TestStatisticsAreThoseOfTheRows(t *testing.T) {
	h := serve(t, Options{})
	spec := rawSpec
	spec.Transforms = []ipc.Transform{{Name: "binarize", Args: map[string]any{"on": "raw.X"}}}
	c := h.open(t, spec, pbmc)
	got, err := c.Query(h.ctx, "statistics", map[string]any{"layer": "raw.X"})
	if err != nil {
		t.Fatal(err)
	}
	arrays := map[string]ipc.AnswerArray{}
	for _, a := range got.Arrays {
		arrays[a.Name] = a
	}
	n := fmt.Sprint(got.Value.(map[string]any)["n"])
	mean, nonzero := arrays["mean"], arrays["nonzero"]
	mb, nb := mean.Bytes(), nonzero.Bytes()
	if n != "700" || len(mb) != 765*8 || len(nb) != len(mb) {
		t.Fatalf("%s cells, %d and %d bytes", n, len(mb), len(nb))
	}
	for i := range 765 {
		share := float64(binary.LittleEndian.Uint64(nb[8*i:])) / 700
		if got := math.Float64frombits(binary.LittleEndian.Uint64(mb[8*i:])); math.Abs(got-share) > 1e-12 {
			t.Fatalf("gene %d is in %v of the cells, and its mean is %v", i, share, got)
		}
	}
	_, err = c.Query(h.ctx, "statistics", map[string]any{"layer": "raw.Y"})
	if !errors.Is(err, ipc.ErrUnknownKey) {
		t.Errorf("of a layer that is not there: %v", err)
	}
}
