package mapped

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Transform is one step of what is done to the values of a layer before they are
// written into a batch. The steps of a layer follow each other in the order of
// Options.Transforms. Names and arguments are those of docs/protocol.md, "Transforms":
//
//	normalize_total  target_sum float, over "file" or "joined"
//	log1p            base float or nil
//	clip             min, max float or nil
//	scale            mean, std []float64, max_value float or nil, zero_center bool
//	binarize         threshold float
//	rank_tokens      k int, divisor []float64 or nil, ids []float64 or nil, pad int, dtype str, values, length bool, name str
//	cast             dtype str
//
// Each takes "on" too, the layer, "X" if it is not there. Arrays have one element
// for each joined variable of the layer, as []float64 or as bytes of little-endian float64.
type Transform struct {
	Name string
	Args map[string]any
}

// A stepKind is what a step does.
type stepKind uint8

const (
	normalizeStep stepKind = iota
	log1pStep
	clipStep
	binarizeStep
	scaleStep
	rankStep
	castStep
)

// stepKinds has the steps by name, and the names of their arguments.
var stepKinds = map[string]struct {
	kind stepKind
	args []string
}{
	"normalize_total": {normalizeStep, []string{"target_sum", "over"}},
	"log1p":           {log1pStep, []string{"base"}},
	"clip":            {clipStep, []string{"min", "max"}},
	"binarize":        {binarizeStep, []string{"threshold"}},
	"scale":           {scaleStep, []string{"mean", "std", "max_value", "zero_center"}},
	"rank_tokens":     {rankStep, []string{"k", "divisor", "ids", "pad", "dtype", "values", "length", "name"}},
	"cast":            {castStep, []string{"dtype"}},
}

// step is a checked transform.
type step struct {
	kind stepKind
	name string

	factor    float64 // normalize: the target sum; log1p: what the logarithm is multiplied by
	joined    bool    // normalize: over the joined columns only
	low, high float32 // clip, and the clipping of scale
	threshold float32
	mean, std []float64
	center    bool
	dtype     dtype // cast
	rank      *rankTokens
}

// object names a transform in errors.
func (t Transform) object() string { return "transforms." + t.Name }

// parseTransforms sorts transforms by layer, and checks all that can be checked without a file.
func parseTransforms(list []Transform, layers []string) (map[string][]step, error) {
	var out map[string][]step
	for _, t := range list {
		kind, ok := stepKinds[t.Name]
		if !ok {
			return nil, fail(ErrInvalid, stageOpen, "transforms", hintOf(t.Name, keysOf(stepKinds)), "%q is not a transform", t.Name)
		}
		a := &stepArgs{t: t}
		on := a.text("on", "X")
		a.known(append([]string{"on"}, kind.args...))
		s := a.step(kind.kind)
		if a.err != nil {
			return nil, a.err
		}
		if !slices.Contains(layers, on) {
			return nil, fail(ErrInvalid, stageOpen, t.object(), hintOf(on, layers), "it is on %q, which is not among layers_keys", on)
		}
		if out == nil {
			out = make(map[string][]step)
		}
		if err := mayFollow(out[on], s); err != nil {
			return nil, err
		}
		out[on] = append(out[on], s)
	}
	return out, nil
}

// mayFollow refuses orders of steps that have no meaning.
func mayFollow(before []step, s step) error {
	for _, b := range before {
		object, hint := "transforms."+s.name, "put "+s.name+" before "+b.name
		switch {
		case b.kind == castStep || b.kind == rankStep:
			return fail(ErrInvalid, stageOpen, object, hint, "nothing can follow %s", b.name)
		case s.kind == normalizeStep && b.kind == scaleStep:
			return fail(ErrInvalid, stageOpen, object, hint, "the total of values that were scaled gene by gene has no meaning")
		case s.kind == normalizeStep && b.value(0, 0) != 0:
			return fail(ErrInvalid, stageOpen, object, hint, "%s makes another value of 0, so that every gene would count in the total", b.name)
		}
	}
	return nil
}

// layerFields are the batch fields of a layer that goes through steps.
func layerFields(layer string, steps []step) []string {
	if n := len(steps); n > 0 && steps[n-1].rank != nil {
		return steps[n-1].rank.names()
	}
	return []string{layer}
}

// hintOf is didYouMean for what no file has.
func hintOf(name string, known []string) string {
	if near := nearest(name, known, 3); len(near) > 0 {
		return "did you mean " + quoteList(near, " or ") + "?"
	}
	return "there are " + quoteList(known, ", ")
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// stepArgs reads the arguments of one transform, and keeps the first error.
type stepArgs struct {
	t   Transform
	err error
}

func (a *stepArgs) fail(name, hint, format string, args ...any) {
	if a.err == nil {
		a.err = fail(ErrInvalid, stageOpen, a.t.object(), hint, "%s %s", name, fmt.Sprintf(format, args...))
	}
}

// known refuses arguments that the transform does not have.
func (a *stepArgs) known(names []string) {
	for _, key := range keysOf(a.t.Args) {
		if !slices.Contains(names, key) {
			a.fail(fmt.Sprintf("%q", key), hintOf(key, names), "is not an argument of %s", a.t.Name)
		}
	}
}

func (a *stepArgs) step(kind stepKind) step {
	s := step{kind: kind, name: a.t.Name, low: float32(math.Inf(-1)), high: float32(math.Inf(1))}
	switch kind {
	case normalizeStep:
		s.factor = a.number("target_sum", nan)
		if !(s.factor > 0) || math.IsInf(s.factor, 0) {
			a.fail("target_sum", "give the total that every cell shall have, such as 1e4", "must be a number above 0, got %v", a.t.Args["target_sum"])
		}
		s.joined = a.choice("over", "file", "joined") == "joined"
	case log1pStep:
		s.factor = 1
		if base := a.number("base", math.E); a.t.Args["base"] != nil {
			s.factor = 1 / math.Log(base)
			if !(base > 0) || base == 1 || math.IsInf(base, 0) {
				a.fail("base", "leave it out for the natural logarithm", "must be a number above 0 that is not 1, got %v", base)
			}
		}
	case clipStep:
		s.low, s.high = float32(a.number("min", math.Inf(-1))), float32(a.number("max", math.Inf(1)))
		if !(s.low <= s.high) {
			a.fail("min", "", "must not be above max: %v and %v", a.t.Args["min"], a.t.Args["max"])
		}
	case binarizeStep:
		s.threshold = float32(a.number("threshold", 0))
		if s.threshold != s.threshold {
			a.fail("threshold", "", "must be a number, got NaN")
		}
	case scaleStep:
		a.scale(&s)
	case rankStep:
		s.rank = a.rankTokens()
	case castStep:
		s.dtype = a.dtype("dtype", "")
	}
	return s
}

func (a *stepArgs) scale(s *step) {
	s.mean, s.std = a.array("mean"), a.array("std")
	if a.err == nil && (s.mean == nil || s.std == nil) {
		a.fail("mean and std", "loaderd's statistics give both", "must be given")
	}
	if a.err == nil && len(s.mean) != len(s.std) {
		a.fail("mean", "", "has %d values and std %d: both have one for each gene", len(s.mean), len(s.std))
	}
	for i, v := range s.mean {
		if a.err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			a.fail("mean", "", "of gene %d is %v", i, v)
		}
	}
	s.std = slices.Clone(s.std)
	for i, v := range s.std {
		switch {
		case !(v >= 0) || math.IsInf(v, 0):
			a.fail("std", "give the standard deviation of each gene, not below 0", "of gene %d is %v", i, v)
		case v == 0: // a gene that is the same in all cells stays so
			s.std[i] = 1
		}
	}
	s.center = a.truth("zero_center", true)
	if a.t.Args["max_value"] == nil {
		return
	}
	limit := float32(a.number("max_value", nan))
	if !(limit > 0) {
		a.fail("max_value", "", "must be above 0, got %v", a.t.Args["max_value"])
	}
	if s.high = limit; s.center {
		s.low = -limit
	}
}

// number is a number of any type, or def where there is none.
func (a *stepArgs) number(name string, def float64) float64 {
	switch v := a.t.Args[name].(type) {
	case nil:
		return def
	case float64:
		return v
	case float32:
		return float64(v)
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	default:
		a.fail(name, "", "must be a number, got %v", v)
		return def
	}
}

// whole is a whole number in a range.
func (a *stepArgs) whole(name string, def, least, most int64) int64 {
	v := a.number(name, float64(def))
	if v != math.Trunc(v) || v < float64(least) || v > float64(most) {
		a.fail(name, "", "must be a whole number from %d to %d, got %v", least, most, a.t.Args[name])
		return def
	}
	return int64(v)
}

func (a *stepArgs) truth(name string, def bool) bool {
	switch v := a.t.Args[name].(type) {
	case nil:
		return def
	case bool:
		return v
	default:
		a.fail(name, "", "must be true or false, got %v", v)
		return def
	}
}

func (a *stepArgs) text(name, def string) string {
	switch v := a.t.Args[name].(type) {
	case nil:
		return def
	case string:
		return v
	default:
		a.fail(name, "", "must be text, got %v", v)
		return def
	}
}

// choice is one of the words; the first where none is given.
func (a *stepArgs) choice(name string, words ...string) string {
	v := a.text(name, words[0])
	if !slices.Contains(words, v) {
		a.fail(name, hintOf(v, words), "is %q, and must be one of %s", v, strings.Join(words, ", "))
	}
	return v
}

func (a *stepArgs) dtype(name, def string) dtype {
	v := a.text(name, def)
	d, err := parseDType(v)
	if err != nil {
		a.fail(name, hintOf(v, dtypeNames[1:]), "is %q, which is not an element type", v)
	}
	return d
}

// array is one number a gene; nil where there is none.
func (a *stepArgs) array(name string) []float64 {
	switch v := a.t.Args[name].(type) {
	case nil:
		return nil
	case []float64:
		return v
	case []byte:
		if len(v)%8 == 0 {
			own := alignedBytes(len(v))
			copy(own, v)
			return append([]float64{}, view[float64](own)...)
		}
		a.fail(name, "", "has %d bytes, which is no number of float64", len(v))
	default:
		a.fail(name, "", "must be an array with a number for each gene, got %v", v)
	}
	return nil
}
