package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/internal/build"
	"github.com/loaderd/loaderd/ipc"
)

type prepareCmd struct {
	Paths  []string `arg:"" name:"path" help:"AnnData files (h5ad, zarr)."`
	Socket string   `help:"Socket of the daemon." env:"LOADERD_SOCKET" placeholder:"PATH"`
	Layer  []string `help:"What to write: X, raw.X, or names under layers, separated by commas." default:"X" placeholder:"KEY,…"`
	Obsm   []string `help:"Names under obsm, too, separated by commas." placeholder:"KEY,…"`
	JSON   bool     `help:"Print what the row store has then as one JSON object."`
}

// Run has the daemon, which it starts where none runs, write the rows of files to its row store. Ctrl-C ends it; what is
// written by then stays.
func (c *prepareCmd) Run(ctx context.Context, con *console) (err error) {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	client, err := ipc.Dial(ctx, ipc.DialOptions{
		Socket: c.Socket, Start: true, Binary: binary, Build: build.Version, Name: "loaderd prepare",
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	// Not joined: rows are kept as each file has them, whatever they will be joined with.
	spec := ipc.Spec{LayersKeys: c.Layer, ObsmKeys: c.Obsm, Join: ipc.JoinNone, Labels: ipc.Labels{None: true}}
	if _, err := client.Open(ctx, c.Paths, spec); err != nil {
		return err
	}
	bar := newBar(con.err)
	got, err := client.Prepare(ctx, bar.tell)
	bar.end()
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("interrupted; what is written stays, and the next call goes on from there (%w)", err)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(con.out)
		enc.SetIndent("", "  ")
		return enc.Encode(got)
	}
	if got == nil {
		fmt.Fprintln(con.out, "nothing to prepare: these matrices are read in place, as dense ones are that are not compressed")
		return nil
	}
	fmt.Fprintf(con.out, "%d rows, %s, in %s (%s of %s)\n", got.Stored, size(got.Has), got.Dir, size(got.Total), size(got.Allowed))
	return nil
}

// bar shows on a terminal how far something is; elsewhere it shows nothing.
type bar struct {
	out   io.Writer // nil: no terminal
	start time.Time
	group errgroup.Group
	stop  chan struct{}

	mu          sync.Mutex // guards what follows
	done, total int64
}

// redraw is how often a bar is drawn.
const redraw = 200 * time.Millisecond

func newBar(out *os.File) *bar {
	b := &bar{start: time.Now(), stop: make(chan struct{})}
	if fi, err := out.Stat(); err != nil || fi.Mode()&os.ModeCharDevice == 0 {
		return b
	}
	b.out = out
	b.group.Go(func() error {
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-b.stop:
				fmt.Fprint(b.out, "\r\x1b[K")
				return nil
			case now := <-tick.C:
				fmt.Fprint(b.out, "\r\x1b[K"+b.line(now))
			}
		}
	})
	return b
}

func (b *bar) tell(done, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done, b.total = done, total
}

// line is what is shown; nothing before the first is done.
func (b *bar) line(now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.total <= 0 || b.done <= 0 {
		return ""
	}
	spent := now.Sub(b.start)
	left := time.Duration(float64(spent) * float64(b.total-b.done) / float64(b.done))
	return fmt.Sprintf("%3d %%  %d of %d rows, %s left", 100*b.done/b.total, b.done, b.total, left.Round(time.Second))
}

// end takes the bar away.
func (b *bar) end() {
	close(b.stop)
	b.group.Wait()
}
