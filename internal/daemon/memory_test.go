package daemon

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
)

func TestLanesAreServedInTurn(t *testing.T) {
	p := newPool(1)
	busy, brief := new(lane), new(lane)
	big, small := &frame{seq: 1, n: 100}, &frame{seq: 2, n: 3}
	p.submit(busy, big, 1)
	p.submit(brief, small, 1)
	var got []int64
	for range 7 {
		task, ok := p.next()
		if !ok {
			t.Fatal("the pool is closed")
		}
		got = append(got, task.frame.seq)
	}
	if want := []int64{1, 2, 1, 2, 1, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("lanes were served as %v, want %v", got, want)
	}
}

func TestALaneThatNeverRunsDryKeepsItsSize(t *testing.T) {
	p, l := newPool(1), new(lane)
	next := int64(0)
	for seq := range int64(10000) {
		p.submit(l, &frame{seq: seq, n: 2}, 1)
		if seq < 8 {
			continue
		}
		for range 2 {
			if task, _ := p.next(); task.frame.seq != next/2 {
				t.Fatalf("a task of frame %d came, want %d", task.frame.seq, next/2)
			}
			next++
		}
	}
	if n := cap(l.tasks); n > 128 {
		t.Errorf("a lane of 16 tasks takes room for %d", n)
	}
}

func TestSubmitCoversEveryRowOnce(t *testing.T) {
	for _, tt := range []struct{ n, rows int }{{1, 1}, {10, 3}, {10, 100}, {128, 13}} {
		p, l := newPool(1), new(lane)
		f := &frame{n: tt.n}
		p.submit(l, f, tt.rows)
		covered := 0
		for len(p.turn) > 0 {
			task, _ := p.next()
			if task.lo != covered || task.hi <= task.lo || task.hi-task.lo > tt.rows {
				t.Errorf("n %d by %d: task [%d, %d) after %d rows", tt.n, tt.rows, task.lo, task.hi, covered)
			}
			covered = task.hi
		}
		if covered != tt.n {
			t.Errorf("n %d by %d: %d rows covered", tt.n, tt.rows, covered)
		}
	}
}

func TestAPanicFailsItsFrameAndNothingElse(t *testing.T) {
	f := &frame{ctx: t.Context(), n: 2, done: make(chan struct{})}
	f.left.Store(2)
	f.fill(nil, 0, 1) // f.batch is nil: this panics
	f.fill(nil, 1, 2)
	<-f.done
	if err := f.outcome(); !errors.Is(err, errInternal) || !strings.Contains(err.Error(), "panic") {
		t.Errorf("the outcome is %v", err)
	}
	if code := wireError(f.outcome()).Code; code != ipc.CodeInternal {
		t.Errorf("the client sees code %q", code)
	}
}

func TestSegmentsGoWithTheirLastFrame(t *testing.T) {
	leak.Check(t)
	m := newSegments()
	defer m.close(false)
	const size = 1 << 16
	if _, err := m.grow(4 * size); err != nil {
		t.Fatal(err)
	}
	for seq := range int64(4) {
		if _, ok := m.place(seq, size); !ok {
			t.Fatalf("no room for frame %d of 4", seq)
		}
	}
	if _, ok := m.place(4, size); ok {
		t.Error("a full segment took another frame")
	}
	alone, err := m.placeAlone(4, size)
	if err != nil || !alone.fresh || alone.seg.id != 1 {
		t.Fatalf("alone: %+v, %v", alone, err)
	}
	if frames, bytes := m.usage(); frames != 5 || bytes != 5*size {
		t.Errorf("%d frames in %d bytes", frames, bytes)
	}
	if !m.free(4) || m.free(4) || m.free(99) {
		t.Error("free must say true once for what is placed")
	}
	if _, bytes := m.usage(); bytes != 4*size {
		t.Errorf("%d bytes after the lone frame went", bytes)
	}
	if _, err := m.grow(8 * size); err != nil { // the old one stays for its frames
		t.Fatal(err)
	}
	if _, bytes := m.usage(); bytes != 12*size {
		t.Errorf("%d bytes after growing", bytes)
	}
	for seq := range int64(4) {
		m.free(seq)
	}
	if frames, bytes := m.usage(); frames != 0 || bytes != 8*size {
		t.Errorf("%d frames in %d bytes after the old segment's last frame", frames, bytes)
	}
}

// When the frames a client holds leave the ring in pieces, the stream goes on through a segment of its own.
func TestARingInPiecesDoesNotStallTheStream(t *testing.T) {
	leak.Check(t)
	const unit = ipc.FrameAlign
	s := &stream{mem: newSegments(), depth: 4, ahead: 4, most: 8 * unit, stats: new(counters)}
	s.room, s.ctx = sync.NewCond(&s.mu), t.Context()
	defer s.mem.close(false)
	if _, err := s.mem.grow(8 * unit); err != nil {
		t.Fatal(err)
	}
	for seq := range int64(8) {
		if _, ok := s.mem.place(seq, unit); !ok {
			t.Fatal("no room")
		}
	}
	for seq := int64(0); seq < 8; seq += 2 {
		s.mem.free(seq)
	}
	s.mem.free(7) // three frames are held, of four agreed; free are 1 + 1 + 1 + 2 units
	f := &frame{seq: 8, size: 3 * unit}
	if err := s.place(f); err != nil || !f.place.fresh || s.oneOff.Load() != 1 {
		t.Errorf("placed %+v, %v, %d one-off", f.place, err, s.oneOff.Load())
	}
}

func TestGetsOfAnySizeAndAnyHoard(t *testing.T) {
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc)
	var held []*ipc.Batch
	for i, n := range []int{1, 1, 1, 128, 128, 128, 128, 128, 128, 700, 0, 3} {
		rows := make([]int64, n)
		for j := range rows {
			rows[j] = int64((j*7 + i) % 700)
		}
		b, err := c.Get(h.ctx, rows, ipc.GetOptions{Format: []string{"dense", "csr"}[i/9]})
		if err != nil {
			t.Fatalf("get of %d rows: %v", n, err)
		}
		if got := indexes(t, b); !slices.Equal(got, rows) {
			t.Errorf("get of %d rows brings others", n)
		}
		held = append(held, b)
	}
	for i, b := range held {
		if b.N() > 0 && indexes(t, b)[0] != int64(i) {
			t.Errorf("get %d changed while it was held", i)
		}
		b.Release()
	}
	for _, row := range []int64{-1, 700, 1 << 62} {
		if _, err := c.Get(h.ctx, []int64{0, row}, ipc.GetOptions{}); !errors.Is(err, ipc.ErrIndex) {
			t.Errorf("row %d gives %v", row, err)
		}
	}
	b, err := c.Get(h.ctx, []int64{0}, ipc.GetOptions{})
	if err != nil {
		t.Fatalf("after bad rows: %v", err)
	}
	b.Release()
}

func TestCollectionsAreSharedAndCloseWhenNobodyUsesThem(t *testing.T) {
	leak.Check(t)
	d := newDatasets(newRowStore("off", Budget{}, nil))
	defer d.close()
	o := mapped.Options{LayersKeys: []string{"raw.X"}}
	spec := ipc.Spec{LayersKeys: []string{"raw.X"}}
	a, err := d.acquire(t.Context(), []string{pbmc}, spec, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.acquire(t.Context(), []string{pbmc}, spec, o)
	if err != nil || a != b {
		t.Fatalf("the same request opened anew: %v", err)
	}
	other, err := d.acquire(t.Context(), []string{pbmc}, ipc.Spec{}, mapped.Options{})
	if err != nil || other == a {
		t.Fatalf("another request shares: %v", err)
	}
	now := time.Now()
	d.release(a, now)
	d.expire(now.Add(time.Hour))
	if n := len(d.list()); n != 2 {
		t.Errorf("%d collections are open while two are in use", n)
	}
	if _, err := a.coll.NewEncoder(mapped.EncoderOptions{}); err != nil {
		t.Errorf("it was closed under its second user: %v", err)
	}
	d.release(b, now)
	d.release(other, now)
	d.expire(now)
	if n := len(d.list()); n != 2 {
		t.Errorf("%d collections are open right after their last use, want 2", n)
	}
	d.expire(now.Add(time.Nanosecond))
	if n := len(d.list()); n != 0 {
		t.Errorf("%d collections are open after their linger", n)
	}
}

func TestFewCollectionsStayOpenWithoutAUser(t *testing.T) {
	leak.Check(t)
	d := newDatasets(newRowStore("off", Budget{}, nil))
	defer d.close()
	path, start := copyOf(t, "a.h5ad"), time.Now()
	used, err := d.acquire(t.Context(), []string{path}, ipc.Spec{}, mapped.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var last *dataset
	for i := range maxIdle + 5 {
		at := start.Add(time.Duration(i) * time.Second)
		if err := os.Chtimes(path, at, at); err != nil { // as good as rewritten
			t.Fatal(err)
		}
		if last, err = d.acquire(t.Context(), []string{path}, ipc.Spec{}, mapped.Options{}); err != nil {
			t.Fatal(err)
		}
		d.release(last, at)
	}
	open := d.list()
	if len(open) != maxIdle+1 {
		t.Errorf("%d collections are open, want the one in use and %d", len(open), maxIdle)
	}
	for _, o := range open {
		if o.coll != used.coll && o.idle.Before(start.Add(5*time.Second)) {
			t.Errorf("one that fell idle at %s is open, and later ones are not", o.idle)
		}
	}
	if _, err := used.coll.NewEncoder(mapped.EncoderOptions{}); err != nil {
		t.Errorf("one in use was closed: %v", err)
	}
}

func TestWhatIsHeldOfAnEndedStreamCostsNoMoreThanItself(t *testing.T) {
	leak.Check(t)
	m := newSegments()
	defer m.close(false)
	const size = 1 << 16
	s, err := m.grow(8 * size)
	if err != nil {
		t.Fatal(err)
	}
	for seq := range int64(8) {
		p, _ := m.place(seq, size)
		for i := range p.bytes() {
			p.bytes()[i] = byte(seq)
		}
	}
	kept, other := m.placed[3], m.placed[6]
	m.keep([]int64{3, 6})
	if frames, bytes := m.usage(); frames != 2 || bytes != 2*size {
		t.Errorf("%d frames in %d bytes", frames, bytes)
	}
	if kept.bytes()[size-1] != 3 || other.bytes()[0] != 6 || s.ring.Bytes()[0] != 0 {
		t.Error("the kept frames changed, or the others still have their pages")
	}
	m.free(3)
	if _, bytes := m.usage(); bytes != size || kept.bytes()[0] != 0 {
		t.Errorf("%d bytes after one of the two went", bytes)
	}
	m.free(6)
	if frames, bytes := m.usage(); frames != 0 || bytes != 0 {
		t.Errorf("%d frames in %d bytes in the end", frames, bytes)
	}
}

func TestStoresThatAreNotJoinedGiveRowsOfTheirOwnWidth(t *testing.T) {
	h := serve(t, Options{})
	wide, narrow := pbmc, "../../testdata/mapped/a.h5ad"
	c := h.dial(t)
	opened, err := c.Open(h.ctx, []string{wide, narrow}, ipc.Spec{Join: ipc.JoinNone})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		rows []int64
		want int
	}{{[]int64{3, 1}, 765}, {[]int64{opened.NObs - 1}, 0}, {[]int64{0}, 765}} {
		b, err := c.Get(h.ctx, tt.rows, ipc.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		x, err := b.Dense("X")
		if err != nil {
			t.Fatal(err)
		}
		if tt.want > 0 && x.Cols != tt.want || tt.want == 0 && (x.Cols == 765 || x.Cols == 0) {
			t.Errorf("rows %v are %d wide", tt.rows, x.Cols)
		}
		b.Release()
	}
	if _, err := c.Get(h.ctx, []int64{0, opened.NObs - 1}, ipc.GetOptions{}); !errors.Is(err, ipc.ErrInvalidArgument) {
		t.Errorf("rows of both as one array: %v", err)
	}
}
