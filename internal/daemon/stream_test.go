package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/sampler"
)

func TestAStreamBringsTheSamplersRowsInOrder(t *testing.T) {
	h := serve(t, Options{})
	for _, tt := range []struct {
		name string
		o    ipc.StartOptions
		kind sampler.Kind
	}{
		{"sequential", ipc.StartOptions{BatchSize: 64}, sampler.Sequential},
		{"shuffled", ipc.StartOptions{BatchSize: 64, Order: "shuffle", Seed: 5, Epoch: 3}, sampler.Shuffle},
		{"one row a batch, csr", ipc.StartOptions{BatchSize: 1, Order: "shuffle", Format: "csr"}, sampler.Shuffle},
		{"one batch larger than the data", ipc.StartOptions{BatchSize: 5000, Order: "shuffle"}, sampler.Shuffle},
		{"from a position", ipc.StartOptions{BatchSize: 33, Order: "shuffle", Position: 123}, sampler.Shuffle},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := h.open(t, rawSpec, pbmc)
			_, got := h.chain(t, h.start(t, c, tt.o))
			order, err := sampler.New(sampler.Spec{N: 700, Kind: tt.kind, Seed: tt.o.Seed})
			if err != nil {
				t.Fatal(err)
			}
			want := make([]int64, 700-tt.o.Position)
			order.Epoch(uint64(tt.o.Epoch)).Fill(want, tt.o.Position, 1)
			if !slices.Equal(got, want) {
				t.Errorf("rows %v…, want %v…", got[:5], want[:5])
			}
		})
	}
}

func TestAStreamThatFollowsOnBringsEachEpochAsAStreamOfItsOwn(t *testing.T) {
	h := serve(t, Options{})
	for _, tt := range []struct {
		name string
		o    ipc.StartOptions
	}{
		{"from the start", ipc.StartOptions{BatchSize: 48, Order: "shuffle", Seed: 3, Epoch: 1}},
		{"from a position", ipc.StartOptions{BatchSize: 48, Order: "shuffle", Seed: 3, Position: 650}},
		{"from the end", ipc.StartOptions{BatchSize: 48, Order: "shuffle", Seed: 3, Position: 700}},
		{"csr, in whole batches", ipc.StartOptions{BatchSize: 100, Order: "shuffle", Format: "csr", DropLast: true, Position: 30}},
		{"a rank that pads in later epochs only", ipc.StartOptions{BatchSize: 10, WorldSize: 3, Rank: 2, Position: 40}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []int64
			o := tt.o
			for range 4 {
				_, rows := h.chain(t, h.start(t, h.open(t, rawSpec, pbmc), o))
				want = append(want, rows...)
				o.Epoch, o.Position = o.Epoch+1, 0
			}
			tt.o.Follow = true
			s := h.start(t, h.open(t, rawSpec, pbmc), tt.o)
			var got []int64
			for range s.Steps() + 3*s.NextSteps() {
				b, err := s.Next(h.ctx)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, indexes(t, b)...)
				b.Release()
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d rows, other than the %d of four streams", len(got), len(want))
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The bytes of a stream depend on what was asked, not on how many workers, how deep a ring, which cache, or who else is there.
func TestTheSameRequestGivesTheSameBytesUnderAnyConfiguration(t *testing.T) {
	for _, format := range []string{"dense", "csr"} {
		t.Run(format, func(t *testing.T) {
			want := ""
			for _, workers := range []int{1, 2, 7} {
				t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
					h := serve(t, Options{Workers: workers})
					for _, prefetch := range []int{0, 1, 9} {
						c := h.open(t, rawSpec, pbmc, pbmc)
						o := ipc.StartOptions{BatchSize: 48, Order: "shuffle", Seed: 11, Format: format, Prefetch: prefetch}
						other := h.start(t, h.open(t, rawSpec, pbmc), o) // somebody else, at the same time
						got, _ := h.chain(t, h.start(t, c, o))
						if want == "" {
							want = got
						}
						if got != want {
							t.Errorf("prefetch %d: other bytes", prefetch)
						}
						h.chain(t, other)
					}
				})
			}
		})
	}
}

func TestRanksTakeEqualStepsAndShareTheEpoch(t *testing.T) {
	h := serve(t, Options{})
	for _, tt := range []struct{ world, batch int }{{1, 64}, {2, 32}, {3, 21}, {4, 16}, {8, 100}} {
		var all []int64
		steps := int64(-1)
		for rank := range tt.world {
			c := h.open(t, rawSpec, pbmc)
			s := h.start(t, c, ipc.StartOptions{BatchSize: tt.batch, Order: "shuffle", Seed: 1, Rank: rank, WorldSize: tt.world})
			if steps >= 0 && s.Steps() != steps {
				t.Errorf("world %d: rank %d has %d steps, rank 0 %d", tt.world, rank, s.Steps(), steps)
			}
			steps = s.Steps()
			_, rows := h.chain(t, s)
			all = append(all, rows...)
		}
		slices.Sort(all)
		for i, row := range all {
			if row != int64(i) {
				t.Fatalf("world %d, batch %d: the ranks' rows are no permutation at %d", tt.world, tt.batch, i)
			}
		}
		if len(all) != 700 {
			t.Errorf("world %d: %d rows", tt.world, len(all))
		}
	}
}

// A client that takes nothing fills its own ring and no more; another goes on.
func TestASlowClientHoldsUpOnlyItself(t *testing.T) {
	h := serve(t, Options{Workers: 2})
	slow := h.open(t, rawSpec, pbmc)
	s := h.start(t, slow, ipc.StartOptions{BatchSize: 8, Format: "dense", Prefetch: 2})
	stats := func() *ipc.Stats {
		st, err := slow.Stats(h.ctx)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	eventually(t, "the ring of the slow client is full", 10*time.Second, func() bool { return stats().Sent >= 4 && stats().Waits > 0 })
	full := stats()
	if full.InUse != full.Frames || full.RingBytes != s.RingSize() || full.OneOff != 0 {
		t.Errorf("a client that takes nothing has %d of %d frames in %d bytes, %d one-off", full.InUse, full.Frames, full.RingBytes, full.OneOff)
	}
	quick := h.open(t, rawSpec, pbmc)
	if _, rows := h.chain(t, h.start(t, quick, ipc.StartOptions{BatchSize: 8})); len(rows) != 700 {
		t.Errorf("the other client got %d rows", len(rows))
	}
	if now := stats(); now.Sent != full.Sent {
		t.Errorf("the stream went on without room: %d, then %d batches", full.Sent, now.Sent)
	}
	if _, rows := h.chain(t, s); len(rows) != 700 {
		t.Errorf("the slow client got %d rows in the end", len(rows))
	}
}

// A frame may be kept as long as the client likes: the ring gives its other frames around and around.
func TestAFrameHeldForTheWholeEpochKeepsItsBytes(t *testing.T) {
	h := serve(t, Options{})
	for _, format := range []string{"dense", "csr"} {
		c := h.open(t, rawSpec, pbmc)
		s := h.start(t, c, ipc.StartOptions{BatchSize: 16, Order: "shuffle", Format: format, Prefetch: 1})
		held, err := s.Next(h.ctx)
		if err != nil {
			t.Fatal(err)
		}
		before := indexes(t, held)
		_, rest := h.chain(t, s)
		if got := indexes(t, held); !slices.Equal(got, before) || len(rest) != 700-16 {
			t.Errorf("%s: the held batch changed, or %d rows came after it", format, len(rest))
		}
		held.Release()
	}
}

// Sparse frames differ a little in size. What one leaves must fit the next, or the memory of batches would be made anew again
// and again.
func TestFramesOfNearlyOneSizeGoOnInOneRing(t *testing.T) {
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc, pbmc, pbmc)
	for _, batch := range []int{50, 300} {
		s := h.start(t, c, ipc.StartOptions{BatchSize: batch, Order: "shuffle", Format: "csr", Prefetch: 2, Follow: true})
		var before *ipc.Batch
		for range 400 {
			b, err := s.Next(h.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if before != nil {
				before.Release() // as a for loop does, which holds a batch until it has the next
			}
			before = b
		}
		before.Release()
		st, err := c.Stats(h.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if st.OneOff != 0 {
			t.Errorf("batches of %d: %d of %d did not fit the ring", batch, st.OneOff, st.Sent)
		}
	}
}

func TestANewStreamReplacesTheOneBefore(t *testing.T) {
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc)
	for epoch := range int64(20) {
		s := h.start(t, c, ipc.StartOptions{BatchSize: 32, Order: "shuffle", Epoch: epoch})
		b, err := s.Next(h.ctx)
		if err != nil {
			t.Fatal(err)
		}
		order, _ := sampler.New(sampler.Spec{N: 700, Kind: sampler.Shuffle})
		if got, want := indexes(t, b)[0], order.Epoch(uint64(epoch)).At(0); got != want {
			t.Errorf("epoch %d begins with row %d, want %d", epoch, got, want)
		}
		b.Release()
		if epoch%2 == 0 {
			s.Close() // or not: the next start ends it
		}
	}
	eventually(t, "one ring is left", 5*time.Second, func() bool {
		st, err := c.Status(h.ctx)
		return err == nil && len(st.Sessions) == 1
	})
}

func TestAFileThatIsCutShortFailsThatSessionAlone(t *testing.T) {
	h := serve(t, Options{})
	path := copyOf(t, "cut.h5ad")
	spec := ipc.Spec{LayersKeys: []string{"X"}}
	cut := h.start(t, h.open(t, spec, path), ipc.StartOptions{BatchSize: 16, Order: "shuffle", Prefetch: 1})
	whole := h.start(t, h.open(t, spec, pbmc), ipc.StartOptions{BatchSize: 16, Order: "shuffle"})
	if b, err := cut.Next(h.ctx); err != nil {
		t.Fatal(err)
	} else {
		b.Release()
	}
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		var b *ipc.Batch
		if b, err = cut.Next(h.ctx); err == nil {
			b.Release()
		}
	}
	var wire *ipc.Error
	if !errors.Is(err, ipc.ErrSourceChanged) || !errors.As(err, &wire) || wire.Object == "" || wire.Hint == "" {
		t.Errorf("a cut file gives %v (%+v)", err, wire)
	}
	if _, rows := h.chain(t, whole); len(rows) != 700 {
		t.Errorf("the other session got %d rows", len(rows))
	}
	if _, err := h.dial(t).Open(h.ctx, []string{path}, spec); !errors.Is(err, ipc.ErrBadFile) {
		t.Errorf("opening the cut file anew gives %v", err)
	}
}

func TestBadRequestsGetTheirCode(t *testing.T) {
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc)
	ok := ipc.StartOptions{BatchSize: 8}
	for _, tt := range []struct {
		name   string
		change func(*ipc.StartOptions)
		want   error
	}{
		{"batch size 0", func(o *ipc.StartOptions) { o.BatchSize = 0 }, ipc.ErrInvalidArgument},
		{"negative batch size", func(o *ipc.StartOptions) { o.BatchSize = -3 }, ipc.ErrInvalidArgument},
		{"an order that is none", func(o *ipc.StartOptions) { o.Order = "random" }, ipc.ErrInvalidArgument},
		{"a rank outside the world", func(o *ipc.StartOptions) { o.Rank = 2; o.WorldSize = 2 }, ipc.ErrInvalidArgument},
		{"a position behind the end", func(o *ipc.StartOptions) { o.Position = 701 }, ipc.ErrInvalidArgument},
		{"a format that is none", func(o *ipc.StartOptions) { o.Format = "coo" }, ipc.ErrInvalidArgument},
		{"a dtype that is none", func(o *ipc.StartOptions) { o.DType = "float33" }, ipc.ErrInvalidArgument},
		{"a negative epoch", func(o *ipc.StartOptions) { o.Epoch = -1 }, ipc.ErrInvalidArgument},
		{"too much prefetch", func(o *ipc.StartOptions) { o.Prefetch = 1 << 30 }, ipc.ErrInvalidArgument},
		{"a batch size beyond the data", func(o *ipc.StartOptions) { o.BatchSize = 1 << 40 }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := ok
			tt.change(&o)
			_, err := c.Start(h.ctx, o)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if _, rows := h.chain(t, h.start(t, c, ok)); len(rows) != 700 {
				t.Errorf("after it the connection gives %d rows", len(rows))
			}
		})
	}
	t.Run("a ring that does not fit", func(t *testing.T) {
		many := h.open(t, rawSpec, slices.Repeat([]string{pbmc}, 100)...)
		_, err := many.Start(h.ctx, ipc.StartOptions{BatchSize: 70_000, Prefetch: maxFrames})
		var wire *ipc.Error
		if !errors.Is(err, ipc.ErrMemory) || !errors.As(err, &wire) || wire.Hint == "" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("before open", func(t *testing.T) {
		if _, err := h.dial(t).Start(h.ctx, ok); !errors.Is(err, ipc.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if _, err := h.dial(t).Get(h.ctx, []int64{1}, ipc.GetOptions{}); !errors.Is(err, ipc.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOpenErrorsNameTheThingAndTheCure(t *testing.T) {
	h := serve(t, Options{})
	text := copyOf(t, "text.h5ad")
	if err := os.WriteFile(text, []byte("not HDF5 at all, but long enough to be looked at\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		paths []string
		spec  ipc.Spec
		want  error
	}{
		{"no such file", []string{"/nowhere/a.h5ad"}, rawSpec, ipc.ErrNotFound},
		{"no HDF5", []string{text}, rawSpec, ipc.ErrBadFile},
		{"an obs key with a typo", []string{pbmc}, ipc.Spec{ObsKeys: []string{"bulk_label"}}, ipc.ErrUnknownKey},
		{"a join that is none", []string{pbmc}, ipc.Spec{Join: "left"}, ipc.ErrInvalidArgument},
		{"no paths", nil, rawSpec, ipc.ErrInvalidArgument},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := h.dial(t)
			_, err := c.Open(h.ctx, tt.paths, tt.spec)
			var wire *ipc.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &wire) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if wire.Object == "" || wire.Hint == "" || wire.Stage == "" {
				t.Errorf("object, hint or stage is missing: %+v", wire)
			}
			if _, err := c.Open(h.ctx, []string{pbmc}, rawSpec); err != nil {
				t.Errorf("after it the connection is of no use: %v", err)
			}
		})
	}
}

func TestAnEmptyStreamEnds(t *testing.T) {
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc)
	for _, o := range []ipc.StartOptions{
		{BatchSize: 8, Position: 700},
		{BatchSize: 701, DropLast: true},
	} {
		s := h.start(t, c, o)
		if _, err := s.Next(h.ctx); !errors.Is(err, io.EOF) || s.Steps() != 0 {
			t.Errorf("%+v: %v after %d steps", o, err, s.Steps())
		}
	}
}
