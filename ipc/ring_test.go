//go:build linux

package ipc

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/loaderd/loaderd/internal/leak"
)

func TestARingIsTheSameMemoryAtBothEnds(t *testing.T) {
	leak.Check(t)
	r, err := NewRing(100_000)
	check(t, err)
	defer r.Close()
	if page := int64(os.Getpagesize()); r.Size()%page != 0 || r.Size() < 100_000 || r.Size() >= 100_000+page {
		t.Errorf("size %d", r.Size())
	}
	daemon, client := conns(t)
	check(t, daemon.WriteMsg(&Started{SegSize: r.Size(), FDs: 1}, r.File()))
	if _, _, err := client.ReadMsg(); err != nil {
		t.Fatal(err)
	}
	f, err := client.TakeFD()
	check(t, err)
	mem, err := mapSegment(f, r.Size())
	check(t, err)
	defer mem.Unmap()
	copy(r.Bytes()[99_000:], "from the daemon")
	copy(mem[50_000:], "from the client")
	if !bytes.HasPrefix(mem[99_000:], []byte("from the daemon")) || !bytes.HasPrefix(r.Bytes()[50_000:], []byte("from the client")) {
		t.Error("the two ends see different bytes")
	}
}

func TestClosingARingTwiceIsFine(t *testing.T) {
	leak.Check(t)
	r, err := NewRing(1)
	check(t, err)
	check(t, r.Close())
	check(t, r.Close())
}

func TestARingOfImpossibleSizeIsRefused(t *testing.T) {
	leak.Check(t)
	_, err := NewRing(1<<63 - 1)
	wantError(t, err, ErrMemory, "9223372036854775807")
	for _, size := range []int64{0, -1} {
		_, err := NewRing(size)
		wantError(t, err, ErrInternal)
	}
}

func TestASegmentSmallerThanPromisedIsRefused(t *testing.T) {
	leak.Check(t)
	r, err := NewRing(4096)
	check(t, err)
	defer r.Close()
	for _, size := range []int64{r.Size() + 1, 0, -1} {
		f, err := os.OpenFile("/proc/self/fd/"+fdName(r.File()), os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) && runtime.GOOS != "linux" {
			t.Skip("no /proc")
		}
		check(t, err)
		_, err = mapSegment(f, size)
		wantError(t, err, ErrProtocol)
	}
}
