//go:build linux

package ipc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
	"golang.org/x/sys/unix"
)

func TestMessagesArriveAsTheyWereSent(t *testing.T) {
	leak.Check(t)
	daemon, client := conns(t)
	sent := &Ready{Gen: 3, Seq: 1 << 40, N: 128, Seg: 1, Base: 4096, Size: 8192, At: Ints{0, 64, 4096}, Var: Ints{7}}
	check(t, daemon.WriteMsg(sent))
	check(t, daemon.WriteMsg(&End{Gen: 3, Seq: 9}))
	op, body, err := client.ReadMsg()
	var got Ready
	if check(t, err); op != OpReady {
		t.Fatalf("op %q", op)
	}
	check(t, Decode(body, &got))
	if fmt.Sprint(got) != fmt.Sprint(*sent) {
		t.Errorf("got %+v, want %+v", got, *sent)
	}
	if op, _, err := client.ReadMsg(); op != OpEnd || err != nil {
		t.Errorf("second message: %q, %v", op, err)
	}
}

func TestAMessageArrivesWholeWhateverPiecesItComesIn(t *testing.T) {
	leak.Check(t)
	a, b := sockets(t)
	c := NewConn(a, ServerLimits)
	c.welcome.Store(true)
	big := &Get{ID: 7, Rows: EncodeRows(make([]int64, 3_000)), Format: "csr"}
	var stream []byte
	for _, m := range []Message{&Stop{Gen: 1}, big, &Release{Gen: 1, Seqs: Int64s{1, 2}}} {
		var err error
		stream, err = appendMessage(stream, m, 1<<20)
		check(t, err)
	}
	for _, piece := range []int{1, 3, 5, 4096, len(stream)} {
		go func() {
			for rest := stream; len(rest) > 0; {
				n := min(piece, len(rest))
				b.Write(rest[:n])
				rest = rest[n:]
			}
		}()
		for _, want := range []string{OpStop, OpGet, OpRelease} {
			op, body, err := c.ReadMsg()
			if err != nil || op != want {
				t.Fatalf("in pieces of %d: %q, %v; want %q", piece, op, err, want)
			}
			var m Get
			if check(t, Decode(body, &m)); op == OpGet && !bytes.Equal(m.Rows, big.Rows) {
				t.Errorf("in pieces of %d: other rows", piece)
			}
		}
	}
}

func TestAMessageBeyondTheLimitEndsTheConnectionBeforeItsBytesAreAwaited(t *testing.T) {
	leak.Check(t)
	for _, tc := range []struct {
		name    string
		welcome bool
		n       uint32
		ok      bool
	}{
		{"before welcome, at the limit", false, 64 << 10, true},
		{"before welcome, above it", false, 64<<10 + 1, false},
		{"after welcome, at the limit", true, 16 << 20, true},
		{"after welcome, above it", true, 16<<20 + 1, false},
		{"the longest there is", true, 1<<32 - 1, false},
		{"none", true, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := sockets(t)
			c := NewConn(a, ServerLimits)
			c.welcome.Store(tc.welcome)
			b.Write(binary.LittleEndian.AppendUint32(nil, tc.n))
			if tc.ok {
				b.Close()
			}
			_, _, err := c.ReadMsg()
			if tc.ok && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v, want an end in the middle", err)
			}
			if !tc.ok {
				wantError(t, err, ErrProtocol, fmt.Sprint(tc.n))
			}
		})
	}
}

func TestAPromiseOfManyBytesCostsNoMemory(t *testing.T) {
	leak.Check(t)
	a, b := sockets(t)
	c := NewConn(a, ServerLimits)
	c.welcome.Store(true)
	b.Write(append(binary.LittleEndian.AppendUint32(nil, 16<<20), 0x81))
	b.Close()
	if _, _, err := c.ReadMsg(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
	if cap(c.in.buf) > 64<<10 {
		t.Errorf("%d bytes allocated for 5 that came", cap(c.in.buf))
	}
}

func TestALargeMessageIsNotKept(t *testing.T) {
	leak.Check(t)
	daemon, client := conns(t)
	go func() {
		client.WriteMsg(&Get{Rows: make([]byte, 8<<20)})
		client.WriteMsg(&Stop{})
	}()
	for range 2 {
		if _, _, err := daemon.ReadMsg(); err != nil {
			t.Fatal(err)
		}
	}
	if cap(daemon.in.buf) > keepBuffer {
		t.Errorf("the reader keeps %d bytes", cap(daemon.in.buf))
	}
	client.wmu.Lock()
	defer client.wmu.Unlock()
	if n := cap(client.out.buf) + cap(client.pend.buf); n > 2*keepBuffer {
		t.Errorf("the writer keeps %d bytes", n)
	}
}

func TestTheEndOfTheConnectionIsSaidExactly(t *testing.T) {
	leak.Check(t)
	for _, tc := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"between messages", nil, io.EOF},
		{"in a head", []byte{1, 0}, io.ErrUnexpectedEOF},
		{"in a body", []byte{9, 0, 0, 0, 0x81}, io.ErrUnexpectedEOF},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := sockets(t)
			c := NewConn(a, ServerLimits)
			b.Write(tc.bytes)
			b.Close()
			if _, _, err := c.ReadMsg(); err != tc.want {
				t.Errorf("error %v, want %v", err, tc.want)
			}
		})
	}
}

func TestCloseEndsAReadAndAWrite(t *testing.T) {
	leak.Check(t)
	a, _ := sockets(t)
	c := NewConn(a, ServerLimits)
	c.welcome.Store(true)
	errs := make(chan error, 2)
	go func() { _, _, err := c.ReadMsg(); errs <- err }()
	go func() { errs <- c.WriteMsg(&Get{Rows: make([]byte, 32<<20)}) }() // more than a socket takes
	for c.wmu.TryLock() {
		c.wmu.Unlock()
		runtime.Gosched()
	}
	c.Close()
	for range 2 {
		if err := <-errs; !errors.Is(err, net.ErrClosed) {
			t.Errorf("error %v", err)
		}
	}
	wantError(t, c.WriteMsg(&Bye{}), ErrClosed)
}

func TestADeadlineEndsAWriteAndTheConnectionStaysBroken(t *testing.T) {
	leak.Check(t)
	a, _ := sockets(t)
	c := NewConn(a, ServerLimits)
	c.welcome.Store(true)
	a.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	if err := c.WriteMsg(&Get{Rows: make([]byte, 32<<20)}); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("error %v", err)
	}
	a.SetWriteDeadline(time.Time{})
	if err := c.WriteMsg(&Bye{}); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a message after half a message: error %v", err)
	}
}

func TestQueuedMessagesGoOutInOneWriteAndInOrder(t *testing.T) {
	leak.Check(t)
	a, b := sockets(t)
	daemon := NewConn(a, ServerLimits)
	const n = 100
	for i := range int64(n) {
		check(t, daemon.Queue(&End{Gen: 0, Seq: i}))
	}
	b.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if k, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes before Flush, %v", k, err)
	}
	b.SetReadDeadline(time.Time{})
	check(t, daemon.Flush())
	client := NewConn(b, ClientLimits)
	for i := range int64(n) {
		_, body, err := client.ReadMsg()
		check(t, err)
		var m End
		if check(t, Decode(body, &m)); m.Seq != i {
			t.Fatalf("message %d has seq %d", i, m.Seq)
		}
		if i == 0 && client.in.w != n*len(framed(body)) && client.in.w < n*10 {
			t.Errorf("one read brought %d bytes", client.in.w)
		}
	}
}

func TestMessagesOfManyWritersStayWhole(t *testing.T) {
	leak.Check(t)
	daemon, client := conns(t)
	const writers, each = 8, 200
	var wg sync.WaitGroup
	for w := range int64(writers) {
		wg.Go(func() {
			for i := range int64(each) {
				m := &End{Gen: w, Seq: i}
				if i%3 == 0 {
					if err := daemon.Queue(m); err != nil {
						t.Error(err)
					}
					continue
				}
				if err := daemon.WriteMsg(m); err != nil {
					t.Error(err)
				}
			}
			if err := daemon.Flush(); err != nil {
				t.Error(err)
			}
		})
	}
	next := make([]int64, writers)
	for range writers * each {
		op, body, err := client.ReadMsg()
		var m End
		if check(t, err); op != OpEnd {
			t.Fatalf("op %q", op)
		}
		check(t, Decode(body, &m))
		if m.Seq != next[m.Gen] {
			t.Fatalf("writer %d: seq %d, want %d", m.Gen, m.Seq, next[m.Gen])
		}
		next[m.Gen]++
	}
	wg.Wait()
}

// emptyFile makes an empty file whose name says which it is.
func emptyFile(t *testing.T, name string) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	check(t, err)
	f := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { f.Close() })
	return f
}

func nameOf(t *testing.T, f *os.File) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	check(t, err)
	return strings.TrimSuffix(strings.TrimPrefix(link, "/memfd:"), " (deleted)")
}

func TestDescriptorsComeWithTheirMessageAlsoAmongQueuedOnes(t *testing.T) {
	leak.Check(t)
	daemon, client := conns(t)
	first, second, third := emptyFile(t, "first"), emptyFile(t, "second"), emptyFile(t, "third")
	check(t, daemon.Queue(&Ready{Seq: 0}))
	check(t, daemon.Queue(&Ready{Seq: 1, FDs: 1}, first))
	check(t, daemon.Queue(&Ready{Seq: 2}))
	check(t, daemon.Queue(&Ready{Seq: 3, FDs: 2}, second, third))
	check(t, daemon.WriteMsg(&Ready{Seq: 4}))
	want := map[int64][]string{1: {"first"}, 3: {"second", "third"}}
	for seq := range int64(5) {
		_, body, err := client.ReadMsg()
		check(t, err)
		var m Ready
		if check(t, Decode(body, &m)); m.Seq != seq || m.FDs != len(want[seq]) {
			t.Fatalf("message %d: %+v", seq, m)
		}
		for _, name := range want[seq] {
			f, err := client.TakeFD()
			check(t, err)
			if got := nameOf(t, f); got != name {
				t.Errorf("message %d brought %q, want %q", seq, got, name)
			}
			if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("descriptor flags %#x, %v: it would be inherited", flags, err)
			}
			f.Close()
		}
	}
	_, err := client.TakeFD()
	wantError(t, err, ErrProtocol)
}

func TestALargeMessageWithADescriptorArrivesWhole(t *testing.T) {
	leak.Check(t)
	daemon, client := conns(t)
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprintf("ENSG%08d", i)
	}
	f := emptyFile(t, "segment")
	go daemon.WriteMsg(&Opened{ID: 1, Var: names}, f) // more than a socket takes at once
	_, body, err := client.ReadMsg()
	check(t, err)
	var m Opened
	if check(t, Decode(body, &m)); len(m.Var) != len(names) || m.Var[99_999] != names[99_999] {
		t.Errorf("%d names", len(m.Var))
	}
	got, err := client.TakeFD()
	check(t, err)
	got.Close()
}

func TestDescriptorsNobodyAskedForAreClosed(t *testing.T) {
	leak.Check(t)
	a, b := sockets(t)
	daemon, client := NewConn(a, ServerLimits), NewConn(b, ClientLimits)
	stray := emptyFile(t, "stray")
	many := make([]*os.File, maxRights)
	for i := range many {
		many[i] = stray
	}
	before := openFiles(t)
	for range 3 { // a client has none to send
		check(t, client.WriteMsg(&Stop{}, many...))
		if _, _, err := daemon.ReadMsg(); err != nil {
			t.Fatal(err)
		}
	}
	if n := openFiles(t); n != before {
		t.Errorf("the daemon keeps %d descriptors", n-before)
	}
	check(t, daemon.WriteMsg(&Bye{}, many...))
	if _, _, err := client.ReadMsg(); err != nil {
		t.Fatal(err)
	}
	if n := openFiles(t); n != before+ClientLimits.FDs {
		t.Errorf("the client keeps %d descriptors, may keep %d", n-before, ClientLimits.FDs)
	}
	client.Close()
	if n := openFiles(t); n >= before {
		t.Errorf("%d descriptors stay after Close", n-before)
	}
	if err := daemon.Queue(&Bye{}, append(many, stray)...); err == nil {
		t.Error("more descriptors than a message can carry were taken")
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(list)
}

func TestAMessageThatIsTooLongToSendIsRefusedAlone(t *testing.T) {
	leak.Check(t)
	a, b := sockets(t)
	client := NewConn(b, ClientLimits)
	err := client.WriteMsg(&Hello{Client: strings.Repeat("x", 64<<10)})
	wantError(t, err, ErrProtocol, "hello", "65536")
	client.welcome.Store(true)
	wantError(t, client.Queue(&Get{Rows: make([]byte, 16<<20)}), ErrProtocol, "get")
	check(t, client.WriteMsg(&Stop{Gen: 5}))
	if op, _, err := NewConn(a, ServerLimits).ReadMsg(); op != OpStop || err != nil {
		t.Errorf("the next message: %q, %v", op, err)
	}
}

func TestReadingAndWritingSmallMessagesHardlyAllocates(t *testing.T) {
	daemon, client := conns(t)
	m := &Ready{Gen: 1, Seq: 5, N: 128, Base: 4096, Size: 1 << 20, At: Ints{0, 64, 128}, Var: Ints{}}
	var got Ready
	n := testing.AllocsPerRun(100, func() {
		check(t, daemon.WriteMsg(m))
		_, body, err := client.ReadMsg()
		check(t, err)
		check(t, Decode(body, &got))
	})
	if n > 12 { // 6, but the race detector has the pools forget
		t.Errorf("%.0f allocations for a message sent, read and decoded", n)
	}
}

func BenchmarkReadyThroughASocket(b *testing.B) {
	daemon, client := conns(b)
	m := &Ready{Gen: 1, N: 128, Base: 4096, Size: 1 << 20, At: Ints{0, 64, 128, 192, 256}, Var: Ints{100_000}}
	var got Ready
	b.ReportAllocs()
	for b.Loop() {
		m.Seq++
		check(b, daemon.WriteMsg(m))
		_, body, err := client.ReadMsg()
		check(b, err)
		check(b, Decode(body, &got))
	}
}
