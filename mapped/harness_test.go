package mapped

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"
)

// decoded is one field of a batch as plain numbers.
type decoded struct {
	Field
	values  []float64
	indptr  []int32
	indices []int32
}

// layout gives buffers for n rows, filled with rubbish so that what is not written shows.
func layout(e *Encoder, n int, caps []int) [][]byte {
	var bufs [][]byte
	k := 0
	for _, f := range e.Fields() {
		d, err := parseDType(f.DType)
		if err != nil {
			panic(err)
		}
		sizes := []int{n * f.Width * d.size()}
		if f.Kind == KindCSR {
			sizes = []int{(n + 1) * 4, caps[k] * 4, caps[k] * d.size()}
			k++
		}
		for _, size := range sizes {
			buf := alignedBytes(size)
			for i := range buf {
				buf[i] = 0xcd
			}
			bufs = append(bufs, buf)
		}
	}
	return bufs
}

// encode writes rows by `parts` goroutines and decodes the batch.
func encode(e *Encoder, rows []int64, pad, parts int) ([]decoded, error) {
	caps := e.Bounds(rows, nil)
	bufs := layout(e, len(rows), caps)
	b := e.NewBatch()
	nnz, err := write(b, rows, pad, bufs, caps, parts)
	if err != nil {
		return nil, err
	}
	return decode(e, len(rows), bufs, nnz), nil
}

func write(b *Batch, rows []int64, pad int, bufs [][]byte, caps []int, parts int) ([]int, error) {
	if err := b.Begin(rows, pad, bufs, caps); err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(context.Background())
	for p := range parts {
		g.Go(func() error {
			return b.Fill(ctx, NewScratch(), p*len(rows)/parts, (p+1)*len(rows)/parts)
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return b.Finish()
}

func decode(e *Encoder, n int, bufs [][]byte, nnz []int) []decoded {
	var out []decoded
	at, k := 0, 0
	for _, f := range e.Fields() {
		d, _ := parseDType(f.DType)
		x := decoded{Field: f}
		count := n * f.Width
		if f.Kind == KindCSR {
			x.indptr = slices.Clone(view[int32](bufs[at])[:n+1])
			x.indices = slices.Clone(view[int32](bufs[at+1])[:nnz[k]])
			count = nnz[k]
			at += 2
			k++
		}
		x.values = floats(bufs[at], d, count)
		at++
		out = append(out, x)
	}
	return out
}

// floats widens n native numbers, one by one and not by the code under test.
func floats(b []byte, d dtype, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		switch d {
		case boolType, uint8Type:
			out[i] = float64(b[i])
		case int8Type:
			out[i] = float64(int8(b[i]))
		case int16Type:
			out[i] = float64(view[int16](b)[i])
		case uint16Type:
			out[i] = float64(view[uint16](b)[i])
		case int32Type:
			out[i] = float64(view[int32](b)[i])
		case uint32Type:
			out[i] = float64(view[uint32](b)[i])
		case int64Type:
			out[i] = float64(view[int64](b)[i])
		case uint64Type:
			out[i] = float64(view[uint64](b)[i])
		case float16Type:
			out[i] = slowHalf(view[uint16](b)[i])
		case bfloat16Type:
			out[i] = float64(math.Float32frombits(uint32(view[uint16](b)[i]) << 16))
		case float32Type:
			out[i] = float64(view[float32](b)[i])
		case float64Type:
			out[i] = view[float64](b)[i]
		}
	}
	return out
}

// slowHalf is the definition of binary16.
func slowHalf(h uint16) float64 {
	sign, exp, frac := 1.0, int(h>>10&0x1f), float64(h&0x3ff)/1024
	if h>>15 == 1 {
		sign = -1
	}
	switch exp {
	case 0:
		return sign * frac * math.Pow(2, -14)
	case 31:
		if frac == 0 {
			return sign * math.Inf(1)
		}
		return math.NaN()
	}
	return sign * (1 + frac) * math.Pow(2, float64(exp-15))
}

// same compares numbers exactly, NaN being equal to itself.
func same(a, b []float64) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d values, want %d", len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
			return fmt.Errorf("value %d is %v, want %v", i, a[i], b[i])
		}
	}
	return nil
}

func find(t *testing.T, fields []decoded, name string) decoded {
	t.Helper()
	for _, f := range fields {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no field %q", name)
	return decoded{}
}

// checkCSR holds a csr field to what the protocol says of it.
func checkCSR(f decoded, n int) error {
	if len(f.indptr) != n+1 || f.indptr[0] != 0 || int(f.indptr[n]) != len(f.indices) {
		return fmt.Errorf("indptr %v for %d rows and %d values", f.indptr, n, len(f.indices))
	}
	for i := range n {
		last := int32(-1)
		for _, c := range f.indices[f.indptr[i]:f.indptr[i+1]] {
			if c <= last || int(c) >= f.Width {
				return fmt.Errorf("row %d: column %d after %d in a width of %d", i, c, last, f.Width)
			}
			last = c
		}
	}
	return nil
}

func wantError(t *testing.T, err, kind error, parts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error is %v, want one that is %q", err, kind)
	}
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind || e.Stage == "" || e.Object == "" {
		t.Errorf("%#v does not say kind, stage and object", err)
	}
	for _, p := range parts {
		if !contains(err.Error(), p) {
			t.Errorf("%q does not mention %q", err, p)
		}
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }
