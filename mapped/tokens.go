package mapped

import (
	"math"
	"slices"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// rankTokens lists, for each row, the genes with the largest values, for models
// that read a cell as a sequence of genes (as Geneformer does). Only values above 0
// are ranked, the largest first, equal ones by ascending joined column.
type rankTokens struct {
	k       int
	divisor []float64 // nil, or what each gene's value is divided by; NaN: never a token
	given   []float64 // as ids, before they are checked
	ids     []int64   // nil: the joined column
	pad     int64     // where a row has less than k
	dtype   dtype     // int32 or int64
	values  bool      // a field of the values too
	length  bool      // a field of how many are no padding
	name    string
}

// maxTokens bounds what one row may take.
const maxTokens = 1 << 20

func (a *stepArgs) rankTokens() *rankTokens {
	r := &rankTokens{
		k: int(a.whole("k", 0, 0, maxTokens)), divisor: a.array("divisor"), given: a.array("ids"),
		pad: a.whole("pad", -1, math.MinInt32, math.MaxInt32), values: a.truth("values", false), length: a.truth("length", false),
		name: a.text("name", "tokens"),
	}
	if r.k == 0 {
		a.fail("k", "give the number of tokens of a cell, such as 2048", "must be from 1 to %d, got %v", maxTokens, a.t.Args["k"])
	}
	r.dtype = map[string]dtype{"int32": int32Type, "int64": int64Type}[a.choice("dtype", "int32", "int64")]
	for i, v := range r.divisor {
		if v <= 0 || math.IsInf(v, 0) {
			a.fail("divisor", "use NaN for a gene that shall never be a token", "of gene %d is %v", i, v)
		}
	}
	for i, v := range r.given {
		if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
			a.fail("ids", "give a whole number that fits int32 for each gene", "of gene %d is %v", i, v)
			return r
		}
		r.ids = append(r.ids, int64(v))
	}
	return r
}

// names are those of the fields, in order.
func (r *rankTokens) names() []string {
	out := []string{r.name}
	if r.values {
		out = append(out, r.name+"_values")
	}
	if r.length {
		out = append(out, r.name+"_length")
	}
	return out
}

// addTokens adds the fields of tokens in the place of layer i.
func (e *Encoder) addTokens(p plan, want dtype) {
	r := p.rank
	p.Field, p.dtype = &Field{Name: r.name, Width: r.k}, r.dtype
	e.add(p)
	further := plan{parts: p.parts, filled: true}
	if r.values {
		further.Field, further.dtype = &Field{Name: r.name + "_values", Width: r.k}, want
		e.add(further)
	}
	if r.length {
		further.Field, further.dtype = &Field{Name: r.name + "_length", Kind: KindColumn, Width: 1}, int32Type
		e.add(further)
	}
}

// fillTokens writes the field of tokens and those that follow from it. stored is as for writeDense.
func (b *Batch) fillTokens(p *plan, row int, stored rowstore.Row, s *Scratch) error {
	r := p.rank
	var keys []uint64
	if part := p.parts[b.store[row]]; part != nil {
		idx, vals, _, err := part.transformed(b.local[row], stored, s)
		if err != nil {
			return err
		}
		if zero := part.transform.zero; zero != nil {
			idx, vals = part.everywhere(idx, vals, s)
		}
		keys = r.ranked(idx, vals, s)
	}
	size := r.k * p.dtype.size()
	dst := b.bufs[p.buf][row*size : (row+1)*size]
	if p.dtype == int32Type {
		writeTokens(r, view[int32](dst), keys)
	} else {
		writeTokens(r, view[int64](dst), keys)
	}
	at := p.buf + 1
	if r.values {
		r.writeValues(b.bufs[at], row, keys, b.e.valuesType(at), s)
		at++
	}
	if r.length {
		view[int32](b.bufs[at])[row] = int32(len(keys))
	}
	return nil
}

// valuesType is the type of the field with buffer buf.
func (e *Encoder) valuesType(buf int) dtype {
	for i := range e.plans {
		if e.plans[i].buf == buf {
			return e.plans[i].dtype
		}
	}
	return noType
}

// everywhere gives the whole row, where 0 has become something else.
func (p *part) everywhere(idx []int32, vals []float32, s *Scratch) ([]int32, []float32) {
	width := len(p.transform.zero)
	if p.cols == nil { // stores that are not joined may be narrower
		width = min(width, p.m.cols)
	}
	row := view[float32](grow(&s.wholeVals, 4*width))[:width]
	copy(row, p.transform.zero)
	for k, c := range idx {
		row[c] = vals[k]
	}
	all := view[int32](grow(&s.workIdx, 4*width))[:width]
	for c := range all {
		all[c] = int32(c)
	}
	return all, row
}

// ranked gives the first k of the values above 0 as keys that sort in the order
// of the tokens: the value's bits, inverted, above the column.
func (r *rankTokens) ranked(idx []int32, vals []float32, s *Scratch) []uint64 {
	keys := s.keys[:0]
	for k, c := range idx {
		v := vals[k]
		if r.divisor != nil {
			v = float32(float64(v) / r.divisor[c])
		}
		if v > 0 {
			keys = append(keys, uint64(^math.Float32bits(v))<<32|uint64(uint32(c)))
		}
	}
	s.keys = keys
	if len(keys) > r.k {
		smallest(keys, r.k)
		keys = keys[:r.k]
	}
	slices.Sort(keys)
	return keys
}

// smallest moves the k smallest of distinct keys to the front (Hoare's quickselect).
func smallest(keys []uint64, k int) {
	for lo, hi := 0, len(keys)-1; lo < hi; {
		a, b, c := keys[lo], keys[lo+(hi-lo)/2], keys[hi]
		pivot := max(min(a, b), min(max(a, b), c)) // the median of three
		i, j := lo, hi
		for i <= j {
			for keys[i] < pivot {
				i++
			}
			for keys[j] > pivot {
				j--
			}
			if i <= j {
				keys[i], keys[j] = keys[j], keys[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return
		}
	}
}

func writeTokens[T int32 | int64](r *rankTokens, dst []T, keys []uint64) {
	for i := range dst {
		switch {
		case i >= len(keys):
			dst[i] = T(r.pad)
		case r.ids != nil:
			dst[i] = T(r.ids[uint32(keys[i])])
		default:
			dst[i] = T(uint32(keys[i]))
		}
	}
}

// writeValues writes the ranked values, 0 where there is padding.
func (r *rankTokens) writeValues(buf []byte, row int, keys []uint64, d dtype, s *Scratch) {
	raw := grow(&s.wholeVals, 4*r.k)
	vals := view[float32](raw)[:r.k]
	for i := range vals {
		if vals[i] = 0; i < len(keys) {
			vals[i] = math.Float32frombits(^uint32(keys[i] >> 32))
		}
	}
	size := r.k * d.size()
	casterFor(d, float32Type)(buf[row*size:(row+1)*size], raw, r.k)
}
