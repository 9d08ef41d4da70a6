//go:build linux

package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
)

// dialFake starts a fake daemon and connects to it.
func dialFake(t *testing.T, d *FakeDaemon) *Client {
	t.Helper()
	clearEnv(t)
	t.Setenv("LOADERD_STATE_DIR", t.TempDir())
	socket := filepath.Join(privateDir(t), "s.sock")
	if d.Rows == 0 {
		d.Rows = 10
	}
	check(t, d.Serve(socket))
	t.Cleanup(d.Stop)
	c, err := Dial(soon(t), DialOptions{Socket: socket})
	check(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// opened is dialFake, and open.
func opened(t *testing.T, d *FakeDaemon) *Client {
	t.Helper()
	c := dialFake(t, d)
	if _, err := c.Open(soon(t), []string{"a.h5ad"}, Spec{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// next is the next batch of a stream, released at the end if not before.
func next(t *testing.T, s *Session) *Batch {
	t.Helper()
	b, err := s.Next(soon(t))
	check(t, err)
	t.Cleanup(b.Release)
	return b
}

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

func TestOpenDescribesTheCollection(t *testing.T) {
	leak.Check(t)
	d := &FakeDaemon{Build: "b"}
	asked := make(chan Open, 2)
	d.Answer = func(_ *Conn, op string, body []byte) bool {
		if op == OpOpen {
			var m Open
			Decode(body, &m)
			asked <- m
		}
		return false
	}
	c := dialFake(t, d)
	if w := c.Welcome(); w.Build != "b" || w.PID != os.Getpid() {
		t.Errorf("welcome %+v", w)
	}
	o, err := c.Open(soon(t), []string{"a.h5ad", "/b.h5ad"}, Spec{ObsKeys: []string{"cell_type"}})
	check(t, err)
	if o.NObs != 10 || *o.NVars != 4 || o.Columns[0].Key != "cell_type" || o.Shapes[0] != (Shape{10, 4}) {
		t.Errorf("opened %+v", o)
	}
	cwd, err := os.Getwd()
	check(t, err)
	sent := <-asked
	if want := (Paths{filepath.Join(cwd, "a.h5ad"), "/b.h5ad"}); !reflect.DeepEqual(sent.Paths, want) {
		t.Errorf("paths %q, want %q", sent.Paths, want)
	}
	_, err = c.Open(soon(t), []string{"missing.h5ad"}, Spec{})
	wantError(t, err, ErrNotFound, "missing.h5ad")
	if _, err := c.Status(soon(t)); err != nil {
		t.Errorf("the connection is gone after an error: %v", err)
	}
	if _, err := c.Stats(soon(t)); err != nil {
		t.Error(err)
	}
}

func TestGetBringsRowsInTheOrderAsked(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{})
	for _, format := range []string{"dense", "csr", "", "csr"} {
		for _, rows := range [][]int64{{3, 9, 0, 3}, {4}, {}} {
			b, err := c.Get(soon(t), rows, GetOptions{Format: format})
			check(t, err)
			wantRows(t, b, rows...)
			b.Release()
		}
	}
	_, err := c.Get(soon(t), []int64{10}, GetOptions{})
	wantError(t, err, ErrIndex, "10")
}

func TestManyGetsAtOnce(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{})
	var wg sync.WaitGroup
	for r := range int64(8) {
		wg.Go(func() {
			for range 50 {
				b, err := c.Get(soon(t), []int64{r, 9 - r}, GetOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				wantRows(t, b, r, 9-r)
				b.Release()
			}
		})
	}
	wg.Wait()
}

func TestAStreamBringsEveryRowOnceAndEnds(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1001})
	for _, o := range []StartOptions{{BatchSize: 10}, {BatchSize: 7, Format: "csr"}, {BatchSize: 2000}, {BatchSize: 1, Position: 990}} {
		s, err := c.Start(soon(t), o)
		check(t, err)
		next, steps := o.Position, int64(0)
		for ; ; steps++ {
			b, err := s.Next(soon(t))
			if err == io.EOF {
				break
			}
			check(t, err)
			if b.Seq() != steps {
				t.Fatalf("seq %d, want %d", b.Seq(), steps)
			}
			var rows []int64
			for range b.N() {
				rows = append(rows, next)
				next++
			}
			wantRows(t, b, rows...)
			b.Release()
		}
		if next != 1001 || steps != s.Steps() || s.Frames() != 3 || s.RingSize() == 0 || len(s.Schema()) != 7 {
			t.Errorf("%+v: %d rows in %d of %d steps", o, next, steps, s.Steps())
		}
		if _, err := s.Next(soon(t)); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
		check(t, s.Close())
	}
}

func TestWhatIsHeldStaysAndTheStreamWaits(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1000})
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	var held []*Batch
	for range 3 {
		b := next(t, s)
		held = append(held, b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a fourth batch of three: %v", err)
	}
	for i, b := range held {
		wantRows(t, b, rowsFrom(int64(10*i), 10)...)
	}
	held[1].Release()
	held[1].Release() // nothing more
	b := next(t, s)
	wantRows(t, b, rowsFrom(30, 10)...)
	wantRows(t, held[0], rowsFrom(0, 10)...)
	wantRows(t, held[2], rowsFrom(20, 10)...)
}

func rowsFrom(first int64, n int) (rows []int64) {
	for i := range n {
		rows = append(rows, first+int64(i))
	}
	return rows
}

func TestABatchOutlivesItsStreamAndItsClient(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 100})
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	first, err := s.Next(soon(t))
	check(t, err)
	got, err := c.Get(soon(t), []int64{5, 6}, GetOptions{})
	check(t, err)
	other, err := c.Get(soon(t), []int64{7}, GetOptions{Format: "csr"}) // the dense segment is not in use any more
	check(t, err)
	wantRows(t, got, 5, 6)
	s2, err := c.Start(soon(t), StartOptions{BatchSize: 10, Position: 50})
	check(t, err)
	_, err = s.Next(soon(t))
	wantError(t, err, ErrClosed)
	second, err := s2.Next(soon(t))
	check(t, err)
	check(t, c.Close())
	wantRows(t, first, rowsFrom(0, 10)...)
	wantRows(t, second, rowsFrom(50, 10)...)
	wantRows(t, got, 5, 6)
	wantRows(t, other, 7)
	for _, b := range []*Batch{first, second, got, other} {
		b.Release()
	}
	_, err = first.Column("_idx")
	wantError(t, err, ErrClosed, "released")
	if first.Mask("cell_type") != nil {
		t.Error("a mask of a released batch")
	}
	_, err = s2.Next(soon(t))
	wantError(t, err, ErrClosed)
	_, err = c.Get(soon(t), nil, GetOptions{})
	wantError(t, err, ErrClosed)
}

func TestCloseOfASessionGivesBackWhatWasNotHandedOut(t *testing.T) {
	leak.Check(t)
	d := &FakeDaemon{Rows: 1000}
	var mu sync.Mutex
	released, ended := map[int64]bool{}, make(chan struct{})
	d.Answer = func(_ *Conn, op string, body []byte) bool {
		var m Release
		if Decode(body, &m) == nil && op == OpRelease {
			mu.Lock()
			for _, s := range m.Seqs {
				released[s] = true
			}
			mu.Unlock()
		}
		if op == OpStop {
			close(ended)
		}
		return false
	}
	c := opened(t, d)
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	b := next(t, s)
	waiting := make(chan error)
	check(t, s.Close())
	go func() { _, err := s.Next(soon(t)); waiting <- err }()
	wantError(t, <-waiting, ErrClosed)
	check(t, s.Close())
	<-ended
	wantRows(t, b, rowsFrom(0, 10)...)
	b.Release()
	s, err = c.Start(soon(t), StartOptions{BatchSize: 500})
	check(t, err)
	b = next(t, s)
	wantRows(t, b, rowsFrom(0, 500)...)
	mu.Lock()
	defer mu.Unlock()
	if !released[0] {
		t.Errorf("released %v", released)
	}
}

func TestAStreamThatFailsSaysSoInItsPlace(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1000, FailAt: 2})
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	for range 2 {
		b := next(t, s)
		b.Release()
	}
	for range 2 {
		_, err = s.Next(soon(t))
		wantError(t, err, ErrSourceChanged, "/a.h5ad")
	}
	if _, err := c.Status(soon(t)); err != nil {
		t.Errorf("the connection is gone, too: %v", err)
	}
}

func TestStartSaysWhatIsWrongWithIt(t *testing.T) {
	leak.Check(t)
	c := dialFake(t, &FakeDaemon{})
	_, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	wantError(t, err, ErrClosed, "before open")
	_, err = c.Get(soon(t), []int64{1}, GetOptions{})
	wantError(t, err, ErrClosed)
	if _, err := c.Open(soon(t), []string{"a"}, Spec{}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Start(soon(t), StartOptions{})
	wantError(t, err, ErrInvalidArgument, "batch_size")
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	b := next(t, s)
	wantRows(t, b, rowsFrom(0, 10)...)
}

func TestAStreamIsReplacedWhileItRuns(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1000})
	var last *Session
	for i := range int64(50) {
		s, err := c.Start(soon(t), StartOptions{BatchSize: 10, Position: i})
		check(t, err)
		if last != nil {
			_, err := last.Next(soon(t))
			wantError(t, err, ErrClosed)
		}
		last = s
		if i%2 == 0 {
			b := next(t, s)
			wantRows(t, b, rowsFrom(i, 10)...)
			if i%4 == 0 {
				b.Release()
			}
		}
	}
}

func TestEveryWaitEndsWithItsContext(t *testing.T) {
	leak.Check(t)
	d := &FakeDaemon{}
	silent := false
	var mu sync.Mutex
	d.Answer = func(*Conn, string, []byte) bool { mu.Lock(); defer mu.Unlock(); return silent }
	c := opened(t, d)
	mu.Lock()
	silent = true
	mu.Unlock()
	for name, wait := range map[string]func(context.Context) error{
		"open":     func(ctx context.Context) error { _, err := c.Open(ctx, []string{"a"}, Spec{}); return err },
		"get":      func(ctx context.Context) error { _, err := c.Get(ctx, []int64{1}, GetOptions{}); return err },
		"start":    func(ctx context.Context) error { _, err := c.Start(ctx, StartOptions{BatchSize: 1}); return err },
		"status":   func(ctx context.Context) error { _, err := c.Status(ctx); return err },
		"stats":    func(ctx context.Context) error { _, err := c.Stats(ctx); return err },
		"shutdown": func(ctx context.Context) error { return c.Shutdown(ctx, false) },
	} {
		t.Run(name, func(t *testing.T) {
			why := errors.New("enough")
			ctx, cancel := context.WithCancelCause(context.Background())
			go cancel(why)
			if err := wait(ctx); !errors.Is(err, why) {
				t.Errorf("error %v", err)
			}
		})
	}
	wantError(t, c.Shutdown(soon(t), false), ErrBusy)
}

func TestAnAnswerNobodyWaitsForIsGivenBack(t *testing.T) {
	leak.Check(t)
	d := &FakeDaemon{}
	asked, answer, released := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.Answer = func(_ *Conn, op string, body []byte) bool {
		var m Get
		if op == OpGet && Decode(body, &m) == nil && len(m.Rows) == 8 {
			close(asked)
			<-answer
		}
		if op == OpRelease {
			once.Do(func() { close(released) })
		}
		return false
	}
	c := opened(t, d)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-asked; cancel() }()
	if _, err := c.Get(ctx, []int64{1}, GetOptions{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	close(answer)
	<-released
	b, err := c.Get(soon(t), []int64{2, 3}, GetOptions{}) // the segment that the lost answer brought is known
	check(t, err)
	wantRows(t, b, 2, 3)
	b.Release()
}

func TestTheDaemonsDeathEndsEveryWaitAndSaysWhere(t *testing.T) {
	leak.Check(t)
	d := &FakeDaemon{Rows: 1000}
	silent := make(chan struct{})
	d.Answer = func(_ *Conn, op string, _ []byte) bool {
		if op == OpStatus {
			close(silent)
			return true
		}
		return false
	}
	c := opened(t, d)
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	for range 3 {
		next(t, s)
	}
	errs := make(chan error, 2)
	go func() { _, err := s.Next(soon(t)); errs <- err }()
	go func() { _, err := c.Status(soon(t)); errs <- err }()
	<-silent
	d.HangUp()
	for range 2 {
		wantError(t, <-errs, ErrDaemonGone, c.socket, fmt.Sprint(os.Getpid()), ".log")
	}
	_, err = c.Get(soon(t), []int64{1}, GetOptions{})
	wantError(t, err, ErrDaemonGone)
	_, err = c.Start(soon(t), StartOptions{BatchSize: 10})
	wantError(t, err, ErrDaemonGone)
}

func TestTheDaemonsLastWordIsTold(t *testing.T) {
	leak.Check(t)
	d := &FakeDaemon{}
	d.Answer = func(c *Conn, op string, _ []byte) bool {
		if op == OpStatus {
			c.WriteMsg(&Error{Code: CodeShuttingDown, Message: "the daemon is leaving: SIGTERM"})
			c.Close()
			return true
		}
		return false
	}
	c := dialFake(t, d)
	_, err := c.Status(soon(t))
	wantError(t, err, ErrDaemonGone, "SIGTERM")
}

func TestShutdownIsAgreedOrRefused(t *testing.T) {
	leak.Check(t)
	d := &FakeDaemon{}
	c := dialFake(t, d)
	other, err := Dial(soon(t), DialOptions{Socket: c.socket})
	check(t, err)
	wantError(t, c.Shutdown(soon(t), true), ErrBusy)
	check(t, other.Close())
	for { // the daemon learns of the close in its own time
		err := c.Shutdown(soon(t), true)
		if err == nil {
			break
		}
		wantError(t, err, ErrBusy)
	}
	if _, err := Dial(soon(t), DialOptions{Socket: c.socket}); !errors.Is(err, ErrDaemonGone) {
		t.Errorf("error %v", err)
	}
}

func TestADaemonThatBreaksTheProtocolIsLeft(t *testing.T) {
	leak.Check(t)
	ring, err := NewRing(8192)
	check(t, err)
	defer ring.Close()
	schema := Schema{{Name: "_idx", Kind: KindColumn, DType: "int64", Width: 1, Buffers: 1}}
	frame := func(id int64, spoil func(m *Ready)) *Ready {
		m := &Ready{Gen: -1, N: 8, Size: 64, At: Ints{0}, ID: &id, Schema: schema, SegSize: ring.Size(), FDs: 1}
		spoil(m)
		return m
	}
	for _, tc := range []struct {
		name  string
		spoil func(m *Ready)
		files int
	}{
		{"a frame behind the segment", func(m *Ready) { m.Base = 8192 }, 1},
		{"a frame at an odd place", func(m *Ready) { m.Base = 8 }, 1},
		{"a segment nobody knows", func(m *Ready) { m.Seg, m.FDs = 1, 0 }, 0},
		{"a descriptor that did not come", func(m *Ready) {}, 0},
		{"a segment larger than its file", func(m *Ready) { m.SegSize++ }, 1},
		{"no schema", func(m *Ready) { m.Schema = nil }, 1},
		{"a schema that says nothing", func(m *Ready) { m.Schema[0].DType = "object" }, 1},
		{"a schema for a stream", func(m *Ready) { m.Gen = 5 }, 1},
		{"more rows than fit", func(m *Ready) { m.N = 9 }, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &FakeDaemon{}
			d.Answer = func(c *Conn, op string, body []byte) bool {
				var m Get
				if op != OpGet || Decode(body, &m) != nil {
					return false
				}
				schema = Schema{{Name: "_idx", Kind: KindColumn, DType: "int64", Width: 1, Buffers: 1}}
				files := []*os.File{ring.File()}[:tc.files]
				c.WriteMsg(frame(m.ID, tc.spoil), files...)
				return true
			}
			c := opened(t, d)
			_, err := c.Get(soon(t), []int64{1}, GetOptions{})
			wantError(t, err, ErrProtocol)
			_, err = c.Status(soon(t))
			wantError(t, err, ErrProtocol)
		})
	}
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

func TestAWriterOfABatchSpoilsNobodyElses(t *testing.T) {
	leak.Check(t)
	c := opened(t, &FakeDaemon{Rows: 1000})
	s, err := c.Start(soon(t), StartOptions{BatchSize: 10})
	check(t, err)
	for i := range int64(20) {
		b := next(t, s)
		wantRows(t, b, rowsFrom(10*i, 10)...)
		for k := range b.frame {
			b.frame[k] = 0xee
		}
		b.Release()
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
