package daemon

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/ipc"
)

// bothSpec asks for both matrices of the fixture, which are compressed.
var bothSpec = ipc.Spec{LayersKeys: []string{"X", "raw.X"}, Labels: ipc.Labels{None: true}}

// told is what a client is told of its request.
type told struct {
	mu          sync.Mutex
	done, total []int64
}

func (p *told) tell(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = append(p.done, done), append(p.total, total)
}

// filesOf lists the files of a folder that end so.
func filesOf(t *testing.T, dir, suffix string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, suffix) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPrepareWritesAllRowsAndTellsHowFarItIs(t *testing.T) {
	dir := t.TempDir()
	h := serve(t, Options{RowStore: dir})
	c := h.dial(t)
	opened, err := c.Open(h.ctx, []string{pbmc}, bothSpec)
	if err != nil {
		t.Fatal(err)
	}
	if s := opened.RowStore; s == nil || s.Dir != dir || s.Rows != 1400 || s.Stored != 0 || s.Needs == 0 || s.Complete || s.Allowed == 0 {
		t.Errorf("opened: the row store is %+v", s)
	}
	var p told
	got, err := c.Prepare(h.ctx, p.tell)
	if err != nil {
		t.Fatal(err)
	}
	if got.Stored != 1400 || !got.Complete || got.Has == 0 || got.Total < got.Has || got.Dir != dir || got.Problem != "" {
		t.Errorf("prepared: the row store is %+v", got)
	}
	if n := len(p.done); n == 0 || p.done[n-1] != 1400 || p.total[n-1] != 1400 {
		t.Errorf("told of %v of %v rows", p.done, p.total)
	}
	if now, err := c.RowStore(h.ctx); err != nil || now.Stored != got.Stored || now.Has != got.Has || !now.Complete {
		t.Errorf("asked again: %+v, %v", now, err)
	}
	st, err := c.Status(h.ctx)
	if err != nil || st.RowStore == nil || st.RowStore.Dir != dir || st.RowStore.Total != got.Total {
		t.Errorf("the status says %+v, %v", st.RowStore, err)
	}
	if open := filesOf(t, dir, ".open"); len(open) > 0 {
		t.Errorf("not sealed: %q", open)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	next := serve(t, Options{RowStore: dir}).dial(t)
	if opened, err = next.Open(h.ctx, []string{pbmc}, bothSpec); err != nil || !opened.RowStore.Complete {
		t.Errorf("the next daemon finds %+v, %v", opened.RowStore, err)
	}
}

func TestTwoClientsPrepareAtOnceAndWriteOnce(t *testing.T) {
	one := serve(t, Options{})
	wanted, err := one.open(t, bothSpec, pbmc).Prepare(one.ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := serve(t, Options{})
	spec := bothSpec
	spec.Join = ipc.JoinNone // another collection of the same file
	clients := []*ipc.Client{h.open(t, bothSpec, pbmc), h.open(t, bothSpec, pbmc), h.open(t, spec, pbmc)}
	var g errgroup.Group
	for _, c := range clients {
		g.Go(func() error {
			got, err := c.Prepare(h.ctx, nil)
			if err == nil && (!got.Complete || got.Stored != 1400) {
				return errors.New("not complete")
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	got, err := clients[0].RowStore(h.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got.Has > wanted.Has+wanted.Has/10 {
		t.Errorf("rows were written twice: %d bytes, by one client %d", got.Has, wanted.Has)
	}
}

func TestPrepareEndsWithItsClientAndGoesOnWithTheNext(t *testing.T) {
	h := serve(t, Options{})
	var paths []string
	for i := range 5 {
		paths = append(paths, copyOf(t, string(rune('A'+i))+".h5ad"))
	}
	gone := h.open(t, bothSpec, paths...)
	begun := make(chan struct{})
	var once sync.Once
	var g errgroup.Group
	g.Go(func() error {
		_, err := gone.Prepare(h.ctx, func(int64, int64) { once.Do(func() { close(begun) }) })
		return err
	})
	<-begun
	gone.Close()
	if err := g.Wait(); !errors.Is(err, ipc.ErrClosed) {
		t.Errorf("the client that was closed got %v", err)
	}
	eventually(t, "the connection has ended", 5*time.Second, func() bool { return h.connections() == 0 })
	c := h.open(t, bothSpec, paths...)
	before, err := c.RowStore(h.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if before.Stored == 0 || before.Complete {
		t.Errorf("after the interrupt: %+v", before)
	}
	after, err := c.Prepare(h.ctx, nil)
	if err != nil || !after.Complete || after.Stored != 5*1400 {
		t.Errorf("after the second prepare: %+v, %v", after, err)
	}
}

func TestAFolderThatCannotBeUsedIsLoggedOnceAndServingGoesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	h := serve(t, Options{RowStore: filepath.Join(file, "rows"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3 {
		c := h.dial(t)
		opened, err := c.Open(h.ctx, []string{pbmc}, bothSpec)
		if err != nil {
			t.Fatal(err)
		}
		if s := opened.RowStore; s == nil || s.Dir != "" || !strings.Contains(s.Problem, file) {
			t.Errorf("opened: the row store is %+v", s)
		}
		if _, err = c.Prepare(h.ctx, nil); !errors.Is(err, ipc.ErrDisk) || !strings.Contains(err.Error(), "LOADERD_ROWSTORE") {
			t.Errorf("prepare: %v", err)
		}
		if _, rows := h.chain(t, h.start(t, c, ipc.StartOptions{BatchSize: 64})); len(rows) != 700 {
			t.Errorf("the stream has %d rows", len(rows))
		}
		st, err := c.Status(h.ctx)
		if err != nil || st.RowStore == nil || !strings.Contains(st.RowStore.Problem, file) {
			t.Errorf("the status says %+v, %v", st.RowStore, err)
		}
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "no row store"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
}

func TestWithoutARowStoreNothingIsSaidAndPrepareNamesTheCure(t *testing.T) {
	for _, off := range []string{"off", "0"} {
		h := serve(t, Options{RowStore: off})
		c := h.dial(t)
		opened, err := c.Open(h.ctx, []string{pbmc}, bothSpec)
		if err != nil || opened.RowStore != nil {
			t.Errorf("opened: %+v, %v", opened.RowStore, err)
		}
		if s, err := c.RowStore(h.ctx); err != nil || s != nil {
			t.Errorf("asked: %+v, %v", s, err)
		}
		if _, err := c.Prepare(h.ctx, nil); !errors.Is(err, ipc.ErrUnsupported) || !strings.Contains(err.Error(), "LOADERD_ROWSTORE is off") {
			t.Errorf("prepare: %v", err)
		}
	}
}

func TestACollectionThatNobodyUsesIsSealed(t *testing.T) {
	dir := t.TempDir()
	h := serve(t, Options{RowStore: dir})
	c := h.open(t, rawSpec, pbmc)
	if _, rows := h.chain(t, h.start(t, c, ipc.StartOptions{BatchSize: 64, Order: "shuffle"})); len(rows) != 700 {
		t.Fatalf("the stream has %d rows", len(rows))
	}
	if len(filesOf(t, dir, ".open")) == 0 {
		t.Fatal("nothing was begun")
	}
	c.Close()
	eventually(t, "nobody uses the collection", 5*time.Second, func() bool { return h.data.list()[0].refs == 0 })
	h.data.expire(time.Now().Add(time.Hour))
	if open, sealed := filesOf(t, dir, ".open"), filesOf(t, dir, ".seg"); len(open) > 0 || len(sealed) == 0 {
		t.Errorf("not sealed: %q; sealed: %q", open, sealed)
	}
}

func TestATableThatCannotBeOpenedIsToldAndServingGoesOn(t *testing.T) {
	dir := t.TempDir()
	h := serve(t, Options{RowStore: dir})
	if s, err := h.open(t, rawSpec, pbmc).Prepare(h.ctx, nil); err != nil || !s.Complete || s.Problem != "" {
		t.Fatalf("prepare: %+v, %v", s, err)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	lock := filesOf(t, dir, "/lock")[0]
	if err := errors.Join(os.Remove(lock), os.Mkdir(lock, 0o700)); err != nil {
		t.Fatal(err)
	}
	h = serve(t, Options{RowStore: dir})
	c := h.open(t, rawSpec, pbmc)
	if s, err := c.RowStore(h.ctx); err != nil || s.Dir != dir || s.Complete || s.Rows != 700 || !strings.Contains(s.Problem, lock) {
		t.Errorf("asked: %+v, %v", s, err)
	}
	if s, err := c.Prepare(h.ctx, nil); !errors.Is(err, ipc.ErrDisk) || !strings.Contains(err.Error(), lock) {
		t.Errorf("prepare: %+v, %v", s, err)
	}
	if _, rows := h.chain(t, h.start(t, c, ipc.StartOptions{BatchSize: 64})); len(rows) != 700 {
		t.Errorf("the stream has %d rows", len(rows))
	}
}
