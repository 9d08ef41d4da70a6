package mapped

import "math"

// program is what the transforms of one layer do to a row, compiled once for a
// collection: passes over the stored values, of which each does several steps at
// once. Rows stay sparse: what 0 becomes is known beforehand.
type program struct {
	passes []pass
	// early is how many passes run before the join, so that the last normalization
	// over the file's own genes sees all of them; its total is taken before the join too.
	early int
	// zero is what 0 becomes in each joined column; nil where it stays 0.
	zero []float32
	// turns is the step that makes another value of 0, for errors.
	turns string
	cast  dtype // noType: as the encoder is asked
	rank  *rankTokens
}

// pass is one pass over the values of a row: a division by their total, then
// steps that need nothing but the value; or a scaling by column.
type pass struct {
	norm  *step
	steps []step
	scale *step
	// memo says that equal values are worth remembering: counts repeat, and a logarithm is slow.
	memo bool
}

// newProgram compiles the steps for rows of the width of join. object names the layer in errors.
func newProgram(steps []step, join *varJoin, object string) (*program, error) {
	if len(steps) == 0 {
		return nil, nil
	}
	p := &program{}
	for i := range steps {
		s := &steps[i]
		if err := s.checkWidth(join, object); err != nil {
			return nil, err
		}
		p.add(s)
	}
	p.setZero(join.width)
	return p, nil
}

// add puts a step into the pass before it, where that can do it.
func (p *program) add(s *step) {
	switch s.kind {
	case castStep:
		p.cast = s.dtype
		return
	case rankStep:
		p.rank = s.rank
		return
	case scaleStep:
		p.passes = append(p.passes, pass{scale: s})
		return
	case normalizeStep:
		if !s.joined {
			p.early = len(p.passes)
		}
		p.passes = append(p.passes, pass{norm: s})
		return
	}
	if n := len(p.passes); n == 0 || p.passes[n-1].scale != nil {
		p.passes = append(p.passes, pass{})
	}
	last := &p.passes[len(p.passes)-1]
	last.steps = append(last.steps, *s)
	last.memo = last.memo || s.kind == log1pStep
}

// setZero finds what 0 becomes.
func (p *program) setZero(width int) {
	zero := make([]float32, width)
	for i := range p.passes {
		ps := &p.passes[i]
		switch {
		case ps.scale != nil:
			for c, v := range zero {
				zero[c] = ps.scale.scaled(v, c)
			}
			if ps.scale.center && p.turns == "" {
				p.turns = ps.scale.name
			}
		default:
			for c, v := range zero {
				zero[c] = ps.value(v, 1)
			}
			for _, s := range ps.steps {
				if p.turns == "" && s.value(0, 1) != 0 {
					p.turns = s.name
				}
			}
		}
	}
	if p.turns != "" {
		p.zero = zero
	}
}

// dtype is the type of a field: what the transforms or else the encoder's options say, else float32 whatever the files have.
func (p *program) dtype(want dtype) dtype {
	switch {
	case p.cast != noType:
		return p.cast
	case want != noType:
		return want
	}
	return float32Type
}

// denseHint says how to have what cannot be sparse.
func (p *program) denseHint() string {
	if p.turns == "scale" {
		return `use format="dense", or scale with zero_center=False`
	}
	return `use format="dense"`
}

// checkWidth holds arrays to the number of joined variables.
func (s *step) checkWidth(join *varJoin, layer string) error {
	arrays := map[string][]float64{"mean": s.mean}
	if s.rank != nil && join.uneven >= 0 {
		return fail(ErrInvalid, stageOpen, "transforms."+s.name, `use join="inner" or "outer", or a panel`,
			"tokens are numbers of genes, and the files differ in theirs and are not joined")
	}
	if s.rank != nil {
		arrays = map[string][]float64{"divisor": s.rank.divisor, "ids": s.rank.given}
	}
	for _, name := range keysOf(arrays) {
		values := arrays[name]
		if values == nil {
			continue
		}
		if join.uneven >= 0 {
			return fail(ErrInvalid, stageOpen, "transforms."+s.name, `use join="inner" or "outer"`,
				"%s has a value for each gene, and the files differ in theirs and are not joined", name)
		}
		if len(values) != join.width {
			return fail(ErrInvalid, stageOpen, "transforms."+s.name, "give one value for each gene of the collection, in their order",
				"%s has %d values, and %s has %d genes", name, len(values), layer, join.width)
		}
	}
	return nil
}

// value is what a step that looks at nothing else makes of x. Results are rounded to float32 after each step.
func (s *step) value(x float32, factor float64) float32 {
	switch s.kind {
	case normalizeStep:
		if x != 0 { // also where the factor is not a number
			x = float32(float64(x) * factor)
		}
	case log1pStep:
		x = float32(math.Log1p(float64(x)) * s.factor)
	case clipStep:
		x = s.clipped(x)
	case binarizeStep:
		x = float32(truth(x > s.threshold))
	}
	return x
}

func (s *step) clipped(x float32) float32 {
	switch {
	case x < s.low:
		return s.low
	case x > s.high:
		return s.high
	}
	return x // NaN too
}

func (s *step) scaled(x float32, column int) float32 {
	v := float64(x)
	if s.center {
		v -= s.mean[column]
	}
	return s.clipped(float32(v / s.std[column]))
}

func (ps *pass) value(x float32, factor float64) float32 {
	if ps.norm != nil {
		x = ps.norm.value(x, factor)
	}
	for i := range ps.steps {
		x = ps.steps[i].value(x, factor)
	}
	return x
}

// factor is what the pass multiplies values by, to is as for total.
func (ps *pass) factor(vals []float32, idx, to []int32) float64 {
	if ps.norm == nil {
		return 1
	}
	if !ps.norm.joined {
		to = nil
	}
	if sum := total(vals, idx, to); sum != 0 {
		return ps.norm.factor / sum
	}
	return 1 // a cell of zeros stays one
}

// total adds in float64, in the order of the columns: all values, or with to those of columns that are joined.
func total(vals []float32, idx, to []int32) (sum float64) {
	if to == nil {
		for _, v := range vals {
			sum += float64(v)
		}
		return sum
	}
	for k, c := range idx {
		if to[c] >= 0 {
			sum += float64(vals[k])
		}
	}
	return sum
}

// run does one pass over values at joined columns, or before the join, when no pass looks at columns.
func (ps *pass) run(vals []float32, idx []int32, factor float64, m *memo) {
	switch {
	case ps.scale != nil:
		for k, c := range idx {
			vals[k] = ps.scale.scaled(vals[k], int(c))
		}
	case ps.memo:
		m.run(ps, vals, factor)
	default:
		for k, x := range vals {
			vals[k] = ps.value(x, factor)
		}
	}
}

// memo remembers, for one pass over one row, what values became: a row has few
// different ones. A value has one place in it, the last one that needs it keeps it.
type memo struct {
	now     uint32
	entries [1 << memoBits]struct {
		made uint32 // of pass now: the entry is of this one
		from uint32 // bits of the value
		to   float32
	}
}

const memoBits = 8

func (m *memo) run(ps *pass, vals []float32, factor float64) {
	if m.now++; m.now == 0 {
		*m = memo{now: 1}
	}
	for k, x := range vals {
		from := math.Float32bits(x)
		e := &m.entries[from*0x9e3779b1>>(32-memoBits)]
		if e.made != m.now || e.from != from {
			e.made, e.from, e.to = m.now, from, ps.value(x, factor)
		}
		vals[k] = e.to
	}
}
