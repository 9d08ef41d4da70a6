package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/internal/leak"
	"github.com/loaderd/loaderd/ipc"
)

// pbmc is a real file: 700 cells; X dense and compressed, raw.X sparse with unsorted rows.
const pbmc = "../../testdata/10x_pbmc68k_reduced.h5ad"

// harness is a running server.
type harness struct {
	*Server
	socket string
	ctx    context.Context
	stop   func() error // ends the server and returns what Serve did
}

// serve runs a server for the test, and checks after it that nothing is left.
func serve(t *testing.T, o Options) *harness {
	t.Helper()
	leak.Check(t)
	dir := filepath.Join(t.TempDir(), "run")
	if o.Socket == "" {
		o.Socket = filepath.Join(dir, "s.sock")
	}
	if o.RowStore == "" {
		o.RowStore = filepath.Join(dir, "rows")
	}
	if o.Budget == (Budget{}) {
		o.Budget.Bytes = 1 << 30 // on a disk that is nearly full too
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	s, err := Listen(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	var g errgroup.Group
	serveCtx, leave := context.WithCancel(ctx)
	g.Go(func() error { return s.Serve(serveCtx) })
	h := &harness{Server: s, socket: o.Socket, ctx: ctx}
	var done bool
	var result error
	h.stop = func() error {
		leave()
		if !done {
			done, result = true, g.Wait()
		}
		return result
	}
	t.Cleanup(func() {
		defer cancel()
		if err := h.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		if _, err := os.Stat(o.Socket); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
	return h
}

// dial connects a client that is closed with the test.
func (h *harness) dial(t *testing.T) *ipc.Client {
	t.Helper()
	c, err := ipc.Dial(h.ctx, ipc.DialOptions{Socket: h.socket, Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// rawSpec asks for the sparse matrix of the fixture and two labels.
var rawSpec = ipc.Spec{LayersKeys: []string{"raw.X"}, ObsKeys: []string{"bulk_labels", "n_genes"}, Labels: ipc.Labels{Only: []string{"bulk_labels"}}}

// open connects a client and opens paths.
func (h *harness) open(t *testing.T, spec ipc.Spec, paths ...string) *ipc.Client {
	t.Helper()
	c := h.dial(t)
	if _, err := c.Open(h.ctx, paths, spec); err != nil {
		t.Fatal(err)
	}
	return c
}

// start begins a stream.
func (h *harness) start(t *testing.T, c *ipc.Client, o ipc.StartOptions) *ipc.Session {
	t.Helper()
	s, err := c.Start(h.ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// chain hashes everything a stream brings, batch by batch.
func (h *harness) chain(t *testing.T, s *ipc.Session) (hash string, rows []int64) {
	t.Helper()
	sum := sha256.New()
	for {
		b, err := s.Next(h.ctx)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(sum.Sum(nil)), rows
		}
		if err != nil {
			t.Fatal(err)
		}
		digest(t, sum, b)
		rows = append(rows, indexes(t, b)...)
		b.Release()
	}
}

// digest adds all values of a batch to w.
func digest(t *testing.T, w io.Writer, b *ipc.Batch) {
	t.Helper()
	for _, f := range b.Schema() {
		switch f.Kind {
		case ipc.KindDense:
			d, err := b.Dense(f.Name)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(d.Bytes)
		case ipc.KindCSR:
			c, err := b.CSR(f.Name)
			if err != nil {
				t.Fatal(err)
			}
			for row := range c.Rows {
				size := len(c.Values.Bytes) / max(1, c.Values.Len())
				for i := c.Indptr[row]; i < c.Indptr[row+1]; i++ {
					w.Write([]byte{byte(c.Indices[i]), byte(c.Indices[i] >> 8)})
					w.Write(c.Values.Bytes[int(i)*size : int(i+1)*size])
				}
			}
		case ipc.KindColumn:
			c, err := b.Column(f.Name)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(c.Bytes)
		}
	}
}

func indexes(t *testing.T, b *ipc.Batch) []int64 {
	t.Helper()
	c, err := b.Column("_idx")
	if err != nil {
		t.Fatal(err)
	}
	out := make([]int64, b.N())
	for i := range out {
		if c.Mask != nil && c.Mask[i] == 0 {
			return out[:i]
		}
		out[i] = c.Int64(i)
	}
	return out
}

// eventually waits for what another goroutine or process has to do first.
func eventually(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// copyOf puts a copy of the fixture into the test's folder.
func copyOf(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(pbmc)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
