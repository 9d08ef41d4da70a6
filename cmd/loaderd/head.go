package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/loaderd/loaderd/internal/build"
	"github.com/loaderd/loaderd/ipc"
)

type headCmd struct {
	Paths     []string `arg:"" name:"path" help:"AnnData files (h5ad)."`
	Socket    string   `help:"Socket of the daemon." env:"LOADERD_SOCKET" placeholder:"PATH"`
	Batches   int      `short:"n" help:"Batches to print." default:"1"`
	BatchSize int      `help:"Cells in a batch." default:"8"`
	Obs       []string `help:"Columns of obs to show, separated by commas." placeholder:"KEY,…"`
	Layer     string   `help:"X, raw.X, or a name under layers." default:"X"`
	Join      string   `help:"How genes are joined: inner, outer or none." enum:"inner,outer,none" default:"inner"`
	Shuffle   bool     `help:"In exact uniform order instead of the files'."`
	Seed      uint64   `help:"Seed of the shuffle."`
	Top       int      `help:"Genes shown of each cell, those with the highest values." default:"4"`
}

// Run reads batches from the ring, as any Go program can, and prints them. It starts a daemon where none runs.
func (c *headCmd) Run(ctx context.Context, con *console) (err error) {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	client, err := ipc.Dial(ctx, ipc.DialOptions{
		Socket: c.Socket, Start: true, Binary: binary, Build: build.Version, Name: "loaderd head",
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	spec := ipc.Spec{LayersKeys: []string{c.Layer}, ObsKeys: c.Obs, Join: ipc.Join(c.Join), Labels: ipc.Labels{None: true}}
	opened, err := client.Open(ctx, c.Paths, spec)
	if err != nil {
		return err
	}
	order := "sequential"
	if c.Shuffle {
		order = "shuffle"
	}
	session, err := client.Start(ctx, ipc.StartOptions{
		BatchSize: c.BatchSize, Order: order, Seed: c.Seed, Format: "csr", Prefetch: 1,
	})
	if err != nil {
		return err
	}
	defer session.Close()
	fmt.Fprintf(con.out, "%d cells × %s genes in %d files, %d batches of %d\n",
		opened.NObs, orUnknown(opened.NVars), len(c.Paths), session.Steps(), c.BatchSize)
	for i := range c.Batches {
		batch, err := session.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(con.out, "\nbatch %d\n", i)
		err = c.print(con.out, batch, opened.Var)
		batch.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func orUnknown(n *int64) string {
	if n == nil {
		return "?"
	}
	return fmt.Sprint(*n)
}

// print writes one batch as a table, a cell a line.
func (c *headCmd) print(w io.Writer, b *ipc.Batch, genes []string) error {
	x, err := b.CSR(c.Layer)
	if err != nil {
		return err
	}
	names := append([]string{"_idx", "_store_idx"}, c.Obs...)
	series := make([]ipc.Series, len(names))
	for i, name := range names {
		if series[i], err = b.Column(name); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tSTORED\tSUM\tHIGHEST\n", strings.Join(append([]string{"CELL", "FILE"}, c.Obs...), "\t"))
	for row := range b.N() {
		for i := range series {
			fmt.Fprintf(t, "%s\t", show(series[i].Value(row)))
		}
		from, to := int(x.Indptr[row]), int(x.Indptr[row+1])
		sum := 0.0
		for i := from; i < to; i++ {
			sum += x.Values.Float64(i)
		}
		fmt.Fprintf(t, "%d\t%.6g\t%s\n", to-from, sum, c.highest(x, from, to, genes))
	}
	return t.Flush()
}

func show(v any) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprint(v)
}

// highest names the genes of a row with the highest values, ties in their order.
func (c *headCmd) highest(x ipc.CSR, from, to int, genes []string) string {
	order := make([]int, to-from)
	for i := range order {
		order[i] = from + i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x.Values.Float64(b), x.Values.Float64(a)) })
	out := make([]string, 0, c.Top)
	for _, i := range order[:min(max(0, c.Top), len(order))] {
		name := fmt.Sprintf("[%d]", x.Indices[i])
		if int(x.Indices[i]) < len(genes) {
			name = genes[x.Indices[i]]
		}
		out = append(out, name+"="+x.Values.Format(i))
	}
	return strings.Join(out, " ")
}
