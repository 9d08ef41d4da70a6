package daemon

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/internal/leak"
	"github.com/loaderd/loaderd/ipc"
)

func TestASecondServerIsRefusedAndTheFirstGoesOn(t *testing.T) {
	h := serve(t, Options{})
	if _, err := Listen(h.ctx, Options{Socket: h.socket}); !errors.Is(err, ErrRunning) {
		t.Errorf("got %v, want ErrRunning", err)
	}
	h.open(t, rawSpec, pbmc)
}

func TestOfManyServersAtOnceOneWins(t *testing.T) {
	leak.Check(t)
	socket := filepath.Join(t.TempDir(), "run", "s.sock")
	const many = 20
	var lost, won atomic.Int64
	var g errgroup.Group
	for range many {
		g.Go(func() error {
			s, err := Listen(t.Context(), Options{Socket: socket, IdleTimeout: -1, Log: slog.New(slog.DiscardHandler)})
			if errors.Is(err, ErrRunning) {
				lost.Add(1)
				return nil
			}
			if err != nil {
				return err
			}
			won.Add(1)
			return s.Serve(t.Context()) // answers those that ask who is there
		})
	}
	eventually(t, "all but one gave up", 20*time.Second, func() bool { return won.Load()+lost.Load() == many })
	c, err := ipc.Dial(t.Context(), ipc.DialOptions{Socket: socket})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Shutdown(t.Context(), false); err != nil {
		t.Error(err)
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if won.Load() != 1 {
		t.Errorf("%d servers bound the socket", won.Load())
	}
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close() // as a killed daemon leaves it
	h := serve(t, Options{Socket: socket})
	h.open(t, rawSpec, pbmc)
}

func TestAnIdleServerLeavesAndABusyOneStays(t *testing.T) {
	h := serve(t, Options{IdleTimeout: 100 * time.Millisecond})
	c := h.open(t, rawSpec, pbmc)
	time.Sleep(300 * time.Millisecond)
	if _, err := c.Status(h.ctx); err != nil {
		t.Fatalf("it left under a client: %v", err)
	}
	c.Close()
	eventually(t, "the socket is unlinked", 5*time.Second, func() bool {
		_, err := os.Lstat(h.socket)
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestStoppingTellsTheClients(t *testing.T) {
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc)
	s := h.start(t, c, ipc.StartOptions{BatchSize: 8, Prefetch: 1})
	began := time.Now()
	if err := h.stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("stopping under load took %s", d)
	}
	var err error
	for err == nil {
		var b *ipc.Batch
		if b, err = s.Next(t.Context()); err == nil { // came before the end
			b.Release()
		}
	}
	if !errors.Is(err, ipc.ErrDaemonGone) {
		t.Errorf("the client was told %v", err)
	}
}

func TestShutdownIfIdleIsRefusedWhileOthersAreThere(t *testing.T) {
	h := serve(t, Options{})
	c, other := h.dial(t), h.dial(t)
	if err := c.Shutdown(h.ctx, true); !errors.Is(err, ipc.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	other.Close()
	eventually(t, "it leaves when it is alone", 5*time.Second, func() bool { return c.Shutdown(h.ctx, true) == nil })
}

// speak sends raw bytes and returns what the daemon says before it hangs up.
func (h *harness) speak(t *testing.T, parts ...[]byte) []byte {
	t.Helper()
	conn, err := net.Dial("unix", h.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(slices.Concat(parts...))
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	out, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, net.ErrClosed) && !isReset(err) {
		t.Fatalf("the daemon does not hang up: %v", err)
	}
	return out
}

func isReset(err error) bool { var op *net.OpError; return errors.As(err, &op) && !op.Timeout() }

func framed(body []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestGarbageEndsThatConnectionAlone(t *testing.T) {
	h := serve(t, Options{})
	s := h.start(t, h.open(t, rawSpec, pbmc), ipc.StartOptions{BatchSize: 8})
	hello := framed([]byte("\x83\xa2op\xa5hello\xa8protocol\x92\x01\x00\xa5build\xa0"))
	for _, tt := range []struct {
		name string
		sent []byte
	}{
		{"nothing, for longer than the handshake may take", nil},
		{"a length of 4 GiB", []byte("\xff\xff\xff\xff")},
		{"a length of zero", []byte("\x00\x00\x00\x00")},
		{"no msgpack", framed([]byte("GET / HTTP/1.1\r\n"))},
		{"a message before hello", framed([]byte("\x81\xa2op\xa6status"))},
		{"another major", framed([]byte("\x82\xa2op\xa5hello\xa8protocol\x92\x09\x00"))},
		{"an unknown op", slices.Concat(hello, framed([]byte("\x81\xa2op\xa3fly")))},
		{"an op of the wrong type", slices.Concat(hello, framed([]byte("\x81\xa2op\x07")))},
		{"a field of the wrong type", slices.Concat(hello, framed([]byte("\x82\xa2op\xa4open\xa2id\xa1x")))},
		{"an array that claims a billion elements", slices.Concat(hello, framed([]byte("\x82\xa2op\xa4open\xa5paths\xdd\x3b\x9a\xca\x00")))},
		{"half a message", hello[:len(hello)-3]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h.speak(t, tt.sent)
		})
	}
	t.Run("the other session", func(t *testing.T) {
		if _, rows := h.chain(t, s); len(rows) != 700 {
			t.Errorf("it got %d rows", len(rows))
		}
	})
}

func TestAReleaseOfWhatWasNeverSentEndsTheConnection(t *testing.T) {
	hello := framed([]byte("\x82\xa2op\xa5hello\xa8protocol\x92\x01\x00"))
	h := serve(t, Options{})
	// A release without a stream, of a stale gen, is nothing: the connection goes on and answers status.
	out := h.speakThenClose(t, hello, framed([]byte("\x83\xa2op\xa7release\xa3gen\x05\xa4seqs\x91\x07")), framed([]byte("\x82\xa2op\xa6status\xa2id\x01")))
	if len(out) == 0 {
		t.Error("a stale release ended the connection")
	}
	s := &stream{mem: newSegments()}
	s.room = sync.NewCond(&s.mu)
	s.sent.Store(3)
	for _, seq := range []int64{-1, 3, 1 << 62} {
		if err := s.release([]int64{seq}); !errors.Is(err, errProtocol) {
			t.Errorf("release of %d: %v", seq, err)
		}
	}
	if err := s.release([]int64{0, 1, 1, 2}); err != nil {
		t.Errorf("release of what was sent, and again: %v", err)
	}
}

// speakThenClose is speak for a conversation that the daemon does not end.
func (h *harness) speakThenClose(t *testing.T, parts ...[]byte) []byte {
	t.Helper()
	conn, err := net.Dial("unix", h.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(slices.Concat(parts...))
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 1<<16)
	var all []byte
	for len(all) < 200 { // welcome is shorter, status longer
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("after %d bytes: %v", len(all), err)
		}
		all = append(all, buf[:n]...)
	}
	return all
}
