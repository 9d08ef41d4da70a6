//go:build linux

package ipc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

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

// What a client did not ask for, or asked for and gave up, is dropped, with the descriptors it brings.
func TestWhatNobodyWaitsForIsDropped(t *testing.T) {
	leak.Check(t)
	ring, err := NewRing(4096)
	check(t, err)
	defer ring.Close()
	d := &FakeDaemon{}
	d.Answer = func(c *Conn, op string, _ []byte) bool {
		if op != OpStatus {
			return false
		}
		schema := Schema{{Name: "_idx", Kind: KindColumn, DType: "int64", Width: 1, Buffers: 1}}
		for _, m := range []struct {
			m     Message
			files []*os.File
		}{
			{&Started{Gen: 99, Schema: schema, SegSize: 4096, FDs: 1}, []*os.File{ring.File()}},
			{&Ready{Gen: 99, SegSize: 4096, FDs: 2}, []*os.File{ring.File(), ring.File()}},
			{&Ready{Gen: -7, ID: ptr(int64(999)), Schema: schema, SegSize: 4096, FDs: 1}, []*os.File{ring.File()}},
			{&End{Gen: 99}, nil},
			{&Error{Code: CodeInternal, Gen: ptr(int64(99)), Seq: ptr(int64(0))}, nil},
			{&Error{Code: CodeInternal, ID: ptr(int64(999))}, nil},
			{&Stats{ID: 999}, nil},
			{&Bye{}, nil},
		} {
			if err := c.WriteMsg(m.m, m.files...); err != nil {
				t.Error(err)
			}
		}
		return false
	}
	c := opened(t, d)
	for range 3 {
		if _, err := c.Status(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := c.Get(soon(t), []int64{1}, GetOptions{})
	check(t, err)
	wantRows(t, b, 1)
	b.Release()
}

func TestTheDaemonsProcessCanBeWatched(t *testing.T) {
	leak.Check(t)
	c := dialFake(t, &FakeDaemon{})
	pidfd := c.DaemonPidfd()
	if pidfd == nil {
		t.Fatal("no pidfd")
	}
	ended := make(chan error)
	go func() { ended <- AwaitExit(pidfd) }() // it is this very process
	pidfd.Close()
	if err := <-ended; err == nil {
		t.Error("this process is said to be dead")
	}
}
