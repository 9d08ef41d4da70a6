package mapped

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// StatisticsOptions say of what, and how, statistics are taken.
type StatisticsOptions struct {
	// Layer is one of Options.LayersKeys; "" is "X".
	Layer string
	// Transforms are done to the values first. nil: those of the collection; empty: none.
	// Tokens are not made and casts not done: statistics are of float32 values.
	Transforms []Transform
	// SkipAbsent counts, for each gene, only cells whose file has the gene. Else a gene
	// that a file lacks has there the value that rows of a batch have, 0 before transforms.
	SkipAbsent bool
	// Workers is how many goroutines read; 0: one for each processor.
	Workers int
}

// Statistics are numbers about the values of one layer, over all rows of a
// collection and its joined variables. Cells of stores that lack the layer count
// nowhere. The same whatever the number of workers and the storage, bit for bit.
type Statistics struct {
	N int64 // cells that have the layer

	// Of each joined variable.
	Present []int64   // cells whose file has it
	Mean    []float64 // 0 where no cell counts
	Var     []float64 // of the sample (divided by n-1), as scanpy has it; 0 for fewer than two cells
	NonZero []int64   // cells in which it is not 0

	// Of each row of the collection.
	Total        []float64 // NaN where the store lacks the layer
	CellNonZeros []int32
}

// statBlock is how many rows of one store are summed up at once. It must never
// change with the machine: the sums are merged block by block, in order.
const statBlock = 8192

// statRows is how many rows are looked up in the row store at once.
const statRows = 128

// moments are a gene's sums over some rows: Welford's running mean, and sum of
// squared distances from it.
type moments struct {
	n, nonzero int64
	mean, m2   float64
}

// add takes one value into account.
func (m *moments) add(x float64) {
	m.n++
	d := x - m.mean
	m.mean += d / float64(m.n)
	m.m2 += d * (x - m.mean)
	if x != 0 {
		m.nonzero++
	}
}

// merge takes in the moments of other rows (Chan, Golub and LeVeque 1983).
func (m *moments) merge(o moments) {
	if o.n == 0 {
		return
	}
	if m.n == 0 {
		*m = o
		return
	}
	n := float64(m.n + o.n)
	d := o.mean - m.mean
	m.m2 += o.m2 + d*d*float64(m.n)*float64(o.n)/n
	m.mean += d * float64(o.n) / n
	m.n += o.n
	m.nonzero += o.nonzero
}

// sameMoments are the moments of n rows with one value.
func sameMoments(n int64, x float64) moments {
	m := moments{n: n, mean: x}
	if x != 0 {
		m.nonzero = n
	}
	return m
}

// statPass is one pass over all rows.
type statPass struct {
	c     *Collection
	enc   *Encoder // for its stores only
	plan  plan
	parts []*part
	width int
	zero  []float32 // nil: zeros
	sum   struct {  // of a row of zeros
		total   float64
		nonzero int32
	}
	genes []moments
	cells int64
	out   *Statistics
}

// Statistics takes the statistics of a layer in one pass over all rows, or finds
// them where an earlier pass left them: with the collection, and in
// $LOADERD_CACHE_DIR where that is set. It needs about 32 bytes a variable and
// worker, and 12 bytes a row.
//
// It fails as NewEncoder and Fill do, and when ctx ends.
func (c *Collection) Statistics(ctx context.Context, o StatisticsOptions) (*Statistics, error) {
	p, key, err := c.newStatPass(ctx, o)
	if err != nil {
		return nil, err
	}
	select { // one pass at a time: the second who asks finds what the first has found
	case c.statistics.turn <- struct{}{}:
		defer func() { <-c.statistics.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c.closed.Load() {
		return nil, errClosed()
	}
	if found := c.statistics.find(key, p); found {
		if err := p.changed(); err != nil {
			return nil, err
		}
	} else if err := p.run(ctx, o.Workers); err != nil {
		return nil, err
	} else {
		c.statistics.keep(key, p)
	}
	p.out.finish(p.genes, p.zero, p.cells, o.SkipAbsent)
	return p.out, nil
}

// newStatPass checks the options. The key says what the outcome depends on.
func (c *Collection) newStatPass(ctx context.Context, o StatisticsOptions) (*statPass, [sha256.Size]byte, error) {
	var key [sha256.Size]byte
	layer := o.Layer
	if layer == "" {
		layer = "X"
	}
	i := slices.Index(c.options.LayersKeys, layer)
	if i < 0 {
		return nil, key, fail(ErrUnknownKey, stageStatistics, "layer", hintOf(layer, c.options.LayersKeys),
			"%q is not among the layers_keys of the collection", layer)
	}
	if err := c.Wait(ctx); err != nil {
		return nil, key, err
	}
	list, prog, join := c.options.Transforms, c.programs[i], c.joinOf(layer)
	if join.uneven >= 0 {
		return nil, key, fail(ErrInvalid, stageStatistics, "join", `open the files with join="inner" or "outer", or with a panel`,
			"the files differ in their genes and are not joined: a column of %s is another gene in each", layer)
	}
	if o.Transforms != nil {
		list = o.Transforms
		steps, err := parseTransforms(list, c.options.LayersKeys)
		if err == nil {
			prog, err = newProgram(steps[layer], join, layer)
		}
		if err != nil {
			return nil, key, err
		}
	}
	if prog == nil {
		prog = &program{}
	}
	p := &statPass{c: c, enc: &Encoder{c: c, only: -1}, width: join.width, zero: prog.zero, out: &Statistics{}}
	p.plan.Field = &Field{Width: join.width}
	p.plan.build(p.enc, func(s *store) *matrix { return s.layers[i] }, join.maps, float32Type)
	p.plan.transform(prog)
	p.parts = p.plan.parts
	for _, v := range prog.zero {
		p.sum.total += float64(v)
		p.sum.nonzero += int32(truth(v != 0))
	}
	return p, c.statisticsKey(layer, join, list), nil
}

// run goes over all rows.
func (p *statPass) run(ctx context.Context, workers int) error {
	p.genes, p.cells = make([]moments, p.width), 0
	n := p.c.NObs()
	p.out.Total, p.out.CellNonZeros = make([]float64, n), make([]int32, n)
	blocks := p.blocks()
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	line := newTurnstile()
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(workers, len(blocks)) {
		g.Go(func() error {
			w := &statWorker{pass: p, batch: p.enc.NewBatch(), scratch: NewScratch(), genes: make([]moments, p.width)}
			for {
				i := next.Add(1) - 1
				if i >= int64(len(blocks)) {
					return nil
				}
				err := w.guarded(func() error {
					return p.c.useRows(w.scratch, func() error { return w.block(ctx, blocks[i]) })
				})
				if err := line.pass(i, err, w.deliver); err != nil {
					return err
				}
			}
		})
	}
	return p.explain(g.Wait())
}

// explain says "closed" when that is why a read failed.
func (p *statPass) explain(err error) error {
	if err != nil && p.c.closed.Load() {
		return errClosed()
	}
	return err
}

func (p *statPass) changed() error {
	for _, s := range p.c.stores {
		if err := s.env.file.changed(); err != nil {
			return s.env.readError("", err)
		}
	}
	return nil
}

// statRange are rows of one store.
type statRange struct{ from, to int64 }

func (p *statPass) blocks() (out []statRange) {
	for i := range p.c.stores {
		for at, end := p.c.starts[i], p.c.starts[i+1]; at < end; at += statBlock {
			out = append(out, statRange{at, min(at+statBlock, end)})
		}
	}
	return out
}

// statWorker sums up one block at a time. One goroutine works on it.
type statWorker struct {
	pass    *statPass
	batch   *Batch
	scratch *Scratch
	rows    []int64
	genes   []moments // of the stored values of the block
	n       int64     // rows of the block that have the layer
	part    *part     // of the block's store
}

// guarded makes a panic an error: it costs this pass and not the process.
func (w *statWorker) guarded(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			slog.Error("panic while taking statistics", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic while taking statistics: %v", r)
		}
	}()
	return do()
}

func (w *statWorker) block(ctx context.Context, r statRange) error {
	b, p := w.batch, w.pass
	w.rows = w.rows[:0]
	for row := r.from; row < r.to; row++ {
		w.rows = append(w.rows, row)
	}
	b.rows = w.rows
	if err := b.locate(); err != nil {
		return err
	}
	if err := b.changed(true); err != nil {
		return err
	}
	clear(w.genes)
	w.n, w.part = 0, p.parts[b.store[0]]
	if w.part == nil {
		for row := r.from; row < r.to; row++ {
			p.out.Total[row] = nan
		}
		return ctx.Err()
	}
	for lo := 0; lo < len(b.local); lo += statRows {
		hi := min(lo+statRows, len(b.local))
		found, err := b.find(ctx, &w.pass.plan, w.scratch, lo, hi)
		if err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := w.row(r.from+int64(i), b.local[i], found[i-lo]); err != nil {
				return err
			}
			w.scratch.release(p.c.cache)
		}
	}
	w.n = r.to - r.from
	return b.changed(true)
}

// row adds one row. Values that are what 0 becomes are added by deliver, so that
// it does not matter whether a file stores its zeros.
func (w *statWorker) row(at, local int64, stored rowstore.Row) error {
	p := w.pass
	idx, vals, _, err := w.part.transformed(local, stored, w.scratch)
	if err != nil {
		w.scratch.release(p.c.cache)
		return err
	}
	total, nonzero := p.sum.total, p.sum.nonzero
	for k, c := range idx {
		x, zero := vals[k], float32(0)
		if p.zero != nil {
			zero = p.zero[c]
		}
		if x == zero {
			continue
		}
		w.genes[c].add(float64(x))
		total += float64(x) - float64(zero)
		nonzero += int32(truth(x != 0)) - int32(truth(zero != 0))
	}
	p.out.Total[at], p.out.CellNonZeros[at] = total, nonzero
	return nil
}

// deliver merges the block into the pass; blocks come here in order.
func (w *statWorker) deliver() error {
	if w.n == 0 {
		return nil
	}
	p, from := w.pass, w.part.from()
	p.cells += w.n
	for c := range w.genes {
		if from != nil && from[c] < 0 || from == nil && c >= w.part.m.cols {
			continue
		}
		m := w.genes[c]
		m.merge(sameMoments(w.n-m.n, zeroAt(p.zero, c)))
		p.genes[c].merge(m)
	}
	return nil
}

func zeroAt(zero []float32, c int) float64 {
	if zero == nil {
		return 0
	}
	return float64(zero[c])
}

// finish makes the numbers of the genes of their moments over cells cells.
func (s *Statistics) finish(genes []moments, zero []float32, cells int64, skipAbsent bool) {
	s.N = cells
	s.Present, s.NonZero = make([]int64, len(genes)), make([]int64, len(genes))
	s.Mean, s.Var = make([]float64, len(genes)), make([]float64, len(genes))
	for c, m := range genes {
		s.Present[c] = m.n
		if !skipAbsent {
			m.merge(sameMoments(cells-m.n, zeroAt(zero, c)))
		}
		s.Mean[c], s.NonZero[c] = m.mean, m.nonzero
		if m.n > 1 {
			s.Var[c] = m.m2 / float64(m.n-1)
		}
	}
}

// ColumnCounts says how often each label of an obs column occurs.
type ColumnCounts struct {
	Key     string
	Counts  []int64 // of each of the column's categories
	Unknown int64   // of the unknown label
	Missing int64
}

// ColumnCounts counts the labels of each of Options.ObsKeys that has categories, over all rows.
func (c *Collection) ColumnCounts(ctx context.Context) ([]ColumnCounts, error) {
	var out []ColumnCounts
	b := (&Encoder{c: c, only: -1}).NewBatch()
	for _, col := range c.columns {
		if col.Categories == nil {
			continue
		}
		counts := ColumnCounts{Key: col.Key, Counts: make([]int64, len(col.Categories))}
		var rows []int64
		for at := int64(0); at < c.NObs(); at += statBlock {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			rows = rows[:0]
			for row := at; row < min(at+statBlock, c.NObs()); row++ {
				rows = append(rows, row)
			}
			b.rows = rows
			if err := b.locate(); err != nil {
				return nil, err
			}
			counts.add(col, b)
		}
		out = append(out, counts)
	}
	return out, nil
}

func (l *ColumnCounts) add(col *obsColumn, b *Batch) {
	for i, local := range b.local {
		part := &col.parts[b.store[i]]
		code := int32(-1)
		if part.column != nil {
			code = part.column.codes.at(local)
		}
		if code < 0 {
			l.Missing++
		} else if code = part.remap[code]; code < 0 {
			l.Unknown++
		} else {
			l.Counts[code]++
		}
	}
}

// Std is the square root of Var.
func (s *Statistics) Std() []float64 {
	out := make([]float64, len(s.Var))
	for i, v := range s.Var {
		out[i] = math.Sqrt(v)
	}
	return out
}
