package mapped

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/loaderd/loaderd/internal/leak"
)

func TestALargeBandOfADenseMatrixIsDecodedByAllProcessors(t *testing.T) {
	leak.Check(t)
	const rows, width = 2000, 3300
	f := &memFile{}
	f.top = newMemGroup(f, "")
	f.top.group("obs").strings("_index", make([]string, rows)...)
	names := make([]string, width)
	for i := range names {
		names[i] = fmt.Sprint("g", i)
	}
	f.top.group("var").strings("_index", names...)
	raw := alignedBytes(rows * width * 4)
	for i := range view[float32](raw) {
		if i%7 == 0 {
			view[float32](raw)[i] = float32(i % 1000)
		}
	}
	f.top.numbers("X", float32Type, raw, storage{chunks: []int64{rows, 100}}, rows, width)
	store := openRowStore(t, t.TempDir(), 0)
	with, without := opened(t, f, Options{}, store)
	defer closing(t, with, without, store)
	if u := (denseUnits{nil, with.stores[0].layers[0].dense}); u.workers() != min(runtime.GOMAXPROCS(0), width/100) {
		t.Fatalf("%d goroutines for a band of %d bytes", u.workers(), u.bandBytes())
	}
	got := buffersOf(t, encoderOf(t, with, EncoderOptions{}), sequence(rows), 2)
	if n := f.decoded.Load(); n != width/100 {
		t.Errorf("%d chunks were decoded", n)
	}
	if u := with.RowStoreUsage(); u.Stored != rows || !bytes.Equal(got[1], raw) {
		t.Errorf("other numbers, or not all rows stored: %+v", u)
	}
}
