package mapped

import (
	"context"
	"fmt"
	"slices"
)

// EncoderOptions say how batches look.
type EncoderOptions struct {
	Format Format
	// DType of layers and obsm, numpy's name. "" is the promoted type of the stores.
	DType string
	// MayPad adds the mask of _idx, for batches that repeat a row to be full.
	MayPad bool
	// Store, if not nil, is the only store whose rows will be asked for. What JoinNone leaves in different widths
	// then has the width it has there: rows of one store are one dense array, whatever the others are.
	Store *int
	// Own gives rows of that store as the store has them: values in its own types, categories that are numbers as
	// numbers, and raw.X with the columns that it has there, not those of the join. A panel prevails.
	Own bool
}

// Encoder writes rows of a collection into memory in one form. It is immutable
// and shared by goroutines; each batch in work has a Batch, each goroutine a Scratch.
type Encoder struct {
	c      *Collection
	mayPad bool
	only   int // the one store that is encoded; -1: all
	own    bool
	fields []Field
	plans  []plan
	csr    []int // numbers of the plans that are CSR
	bufs   int   // of all fields
}

// plan is how one field is filled.
type plan struct {
	*Field
	dtype dtype
	buf   int // number of the field's first buffer

	parts  []*part // dense and csr: per store, nil where it lacks the matrix
	tabled bool    // some of them has a place in the row store
	absent func(row []byte)
	counts []nnzCount // csr: all rows by their bound
	column *obsColumn
	of     *plan // mask; nil for the mask of _idx

	rank   *rankTokens // tokens
	filled bool        // by the plan of the tokens before it
}

// NewEncoder checks that the collection can be given in this form. It waits until
// CSC matrices are turned into rows: see Collection.Wait.
func (c *Collection) NewEncoder(o EncoderOptions) (*Encoder, error) {
	if err := c.Wait(context.Background()); err != nil {
		return nil, err
	}
	if o.Format > CSR {
		return nil, fail(ErrInvalid, stageEncode, "format", "use Dense or CSR", "%d is not a format", o.Format)
	}
	want := noType
	if o.DType != "" {
		var err error
		if want, err = parseDType(o.DType); err != nil {
			return nil, err
		}
	}
	e := &Encoder{c: c, mayPad: o.MayPad, only: -1, own: o.Own && o.Store != nil}
	if o.Store != nil {
		if e.only = *o.Store; e.only < 0 || e.only >= len(c.stores) {
			return nil, fail(ErrInvalid, stageEncode, "store", "", "there is no store %d of %d", e.only, len(c.stores))
		}
	}
	e.add(plan{Field: &Field{Name: storeIdxName, Kind: KindColumn, Width: 1}, dtype: int64Type})
	for i, key := range c.options.LayersKeys {
		if err := e.addLayer(i, key, o.Format, want); err != nil {
			return nil, err
		}
	}
	for i, key := range c.options.ObsmKeys {
		if err := e.addObsm(i, key, want); err != nil {
			return nil, err
		}
	}
	for _, col := range c.columns {
		if e.own {
			col = col.own(e.only)
		}
		f := &Field{Name: col.Key, Kind: KindColumn, Width: 1, Categories: col.Categories}
		e.add(plan{Field: f, dtype: col.dtype, column: col})
	}
	e.add(plan{Field: &Field{Name: idxName, Kind: KindColumn, Width: 1}, dtype: int64Type})
	e.addMasks()
	for i := range e.plans {
		e.fields = append(e.fields, *e.plans[i].Field)
	}
	return e, nil
}

// Streamed is the encoder for batches of which those that are in use at once take more memory than the processor's caches have
// (about 16 MB and more): rows from the row store are written past the caches. It changes no byte of a batch.
func (e *Encoder) Streamed() *Encoder {
	streamed := *e
	streamed.plans = slices.Clone(e.plans)
	for i := range streamed.plans {
		p := &streamed.plans[i]
		p.parts = slices.Clone(p.parts)
		for k, from := range p.parts {
			if from != nil && from.kernel != nil {
				to := *from
				to.kernel = from.kernel.Streamed()
				p.parts[k] = &to
			}
		}
	}
	return &streamed
}

func (e *Encoder) add(p plan) {
	p.DType = p.dtype.String()
	p.buf = e.bufs
	e.bufs += p.Kind.Buffers()
	if p.Kind == KindCSR {
		e.csr = append(e.csr, len(e.plans))
	}
	e.plans = append(e.plans, p)
}

func (e *Encoder) addLayer(i int, key string, format Format, want dtype) error {
	join, prog := e.c.joinOf(key), e.c.programs[i]
	// What is transformed is joined, for transforms know the joined variables.
	own := key == "raw.X" && e.own && e.c.options.VarNames == nil && prog == nil
	if own {
		join = newVarJoin(len(e.c.stores))
	} else if key == "raw.X" && e.c.rawError != nil {
		return e.c.rawError
	}
	p := plan{Field: &Field{Name: key, Width: join.width}, absent: func(row []byte) { clear(row) }}
	if prog != nil {
		p.rank, want = prog.rank, prog.dtype(want)
	}
	if p.rank != nil {
		// Tokens are as wide as they are asked for, whatever the format and the join.
	} else if format == CSR {
		if prog != nil && prog.zero != nil {
			return fail(ErrInvalid, stageEncode, key, prog.denseHint(),
				"%s makes another value of 0, so that no row would be sparse", prog.turns)
		}
		p.Kind = KindCSR
	}
	uneven := p.Kind == KindDense && p.rank == nil && join.uneven >= 0
	if own || uneven && e.only >= 0 {
		p.Width = 0
		if m := e.c.stores[e.only].layers[i]; m != nil {
			p.Width = m.cols
		}
	} else if uneven {
		return e.uneven(key, join.even, join.uneven, func(s *store) *matrix { return s.layers[i] },
			`use format="csr", or join="inner" or "outer"`)
	}
	p.build(e, func(s *store) *matrix { return s.layers[i] }, join.maps, want)
	if prog != nil {
		p.transform(prog)
	}
	if p.rank != nil {
		e.addTokens(p, want)
		return nil
	}
	if p.Kind == KindCSR {
		p.counts = e.c.counts[i]()
	}
	e.add(p)
	return nil
}

func (e *Encoder) uneven(name string, a, b int, of func(*store) *matrix, hint string) error {
	ma, mb := of(e.c.stores[a]), of(e.c.stores[b])
	return fail(ErrInvalid, stageEncode, name, hint,
		"rows of different widths cannot be one dense array: %s has %d columns and %s has %d",
		ma.object(), ma.cols, mb.object(), mb.cols)
}

func (e *Encoder) addObsm(i int, key string, want dtype) error {
	p := plan{Field: &Field{Name: obsmPrefix + key}}
	first := -1
	for n, s := range e.c.stores {
		switch m := s.obsm[i]; {
		case m == nil || e.only >= 0 && n != e.only:
		case first < 0:
			first, p.Width = n, m.cols
		case m.cols != p.Width:
			return e.uneven(p.Name, first, n, func(s *store) *matrix { return s.obsm[i] },
				"leave the key out, or make the entries equally wide")
		}
	}
	p.build(e, func(s *store) *matrix { return s.obsm[i] }, nil, want)
	p.absent = absentRow(p.dtype)
	e.add(p)
	return nil
}

// absentRow writes NaN for floats and 0 for others.
func absentRow(d dtype) func(row []byte) {
	if !d.isFloat() {
		return func(row []byte) { clear(row) }
	}
	nan := nanBytes(d)
	return func(row []byte) {
		for ; len(row) > 0; row = row[len(nan):] {
			copy(row, nan)
		}
	}
}

// nanBytes is one NaN of a floating type.
func nanBytes(d dtype) []byte {
	one, out := alignedBytes(8), alignedBytes(8)
	view[float64](one)[0] = nan
	casterFor(d, float64Type)(out, one, 1)
	return out[:d.size()]
}

// build prepares the matrices of all stores and chooses the type: want, or what
// the stores' types promote to.
func (p *plan) build(e *Encoder, of func(*store) *matrix, maps []*colMap, want dtype) {
	var types []dtype
	for i, s := range e.c.stores {
		if m := of(s); m != nil && !(e.own && i != e.only && of(e.c.stores[e.only]) != nil) {
			types = append(types, m.dtype())
		}
	}
	if p.dtype = want; want == noType {
		p.dtype = promoteAll(types...)
	}
	p.parts = make([]*part, len(e.c.stores))
	for i, s := range e.c.stores {
		m := of(s)
		if m == nil || e.only >= 0 && i != e.only {
			continue
		}
		var cols *colMap
		if maps != nil {
			cols = maps[i]
		}
		p.parts[i] = newPart(m, cols, p.Width, p.dtype)
		if m.table != nil {
			p.parts[i].kernel = p.parts[i].newKernel()
		}
		p.tabled = p.tabled || m.table != nil
	}
}

// transform has the rows of all stores go through a program.
func (p *plan) transform(prog *program) {
	t := newTransforming(prog, p.dtype)
	for _, part := range p.parts {
		if part != nil {
			part.transform = t
		}
	}
}

// countLayer says how many values the rows of a layer can have in a csr field.
func (c *Collection) countLayer(i int, join *varJoin) []nnzCount {
	counts := make(map[int64]int64)
	for k, s := range c.stores {
		m := s.layers[i]
		if m == nil {
			counts[0] += s.kept()
			continue
		}
		limit := int64(most(join.maps[k], m.cols, join.width))
		switch {
		case m.sparse == nil:
			counts[limit] += s.kept()
		case s.selected != nil:
			for _, row := range s.all() {
				_, n := m.sparse.index.span(row)
				counts[min(n, limit)]++
			}
		default:
			for _, n := range m.sparse.counts {
				counts[min(n.n, limit)] += n.rows
			}
		}
	}
	return sortedCounts(counts)
}

// addMasks appends a mask for each field that some row may lack.
func (e *Encoder) addMasks() {
	for i := range len(e.plans) {
		p := &e.plans[i]
		if p.Name == idxName && !e.mayPad || p.Name != idxName && !p.mayLack(e.c, e.only) {
			continue
		}
		of := *p
		e.add(plan{
			Field: &Field{Name: maskPrefix + p.Name, Kind: KindMask, Width: 1, Of: p.Name},
			dtype: boolType, of: &of,
		})
	}
}

func (p *plan) mayLack(c *Collection, only int) bool {
	if p.column != nil {
		return p.column.Missing
	}
	for i, part := range p.parts {
		if part == nil && c.stores[i].kept() > 0 && (only < 0 || i == only) {
			return true
		}
	}
	return false
}

// Fields lists the fields of a batch in the order of their buffers. The caller
// must not change it.
func (e *Encoder) Fields() []Field { return e.fields }

// Bounds appends to caps[:0], for each csr field, an upper bound of the values
// that these rows have. Rows outside the collection count nothing: Begin refuses them.
func (e *Encoder) Bounds(rows []int64, caps []int) []int {
	caps = caps[:0]
	for range e.csr {
		caps = append(caps, 0)
	}
	for _, row := range rows {
		if len(caps) == 0 || row < 0 || row >= e.c.NObs() {
			continue
		}
		store := e.c.storeOf(row)
		for i, p := range e.csr {
			if part := e.plans[p].parts[store]; part != nil {
				caps[i] += part.bound(e.c.stores[store].row(row - e.c.starts[store]))
			}
		}
	}
	return caps
}

// MaxBounds is what Bounds gives for the n rows of the collection with the most
// values. When n exceeds the collection, the longest row is counted for the rest,
// since a batch may repeat rows to be full.
func (e *Encoder) MaxBounds(n int) []int {
	out := make([]int, len(e.csr))
	for i, p := range e.csr {
		counts := e.plans[p].counts
		out[i] = int(largest(counts, int64(n), int64(e.plans[p].Width)))
		if extra := int64(n) - e.c.NObs(); extra > 0 && len(counts) > 0 {
			out[i] += int(extra * counts[0].n)
		}
	}
	return out
}

// String names the form, for logs.
func (e *Encoder) String() string {
	return fmt.Sprintf("%d fields, %d of them csr", len(e.fields), len(e.csr))
}
