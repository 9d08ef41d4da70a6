package mapped

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/loaderd/loaderd/internal/formats"
)

var update = flag.Bool("update", false, "write docs/formats.md anew")

// Every AnnData file of the matrix: all rows as batches, every column and label, against anndata.
func TestEveryFormOfTheMatrixReadsAsAnndataReadsIt(t *testing.T) {
	dir, cases := formats.Load(t)
	var outcomes []formats.Outcome
	forms, batches := 0, 0
	for i := range cases {
		c := &cases[i]
		if c.Kind != "anndata" {
			continue
		}
		forms++
		t.Run(c.Name(), func(t *testing.T) {
			path := filepath.Join(dir, c.Path)
			for _, raw := range c.Requests {
				checkRequest(t, path, raw)
				batches++
			}
			o := formats.Outcome{Case: c}
			for _, raw := range c.Refusals {
				o.Refused = append(o.Refused, checkRefusal(t, path, raw))
			}
			outcomes = append(outcomes, o)
		})
	}
	if batches < 200 && len(outcomes) == forms {
		t.Errorf("only %d batches", batches)
	}
	if !t.Failed() && len(outcomes) == forms {
		formats.Check(t, "anndata", outcomes, *update)
	}
}

// wish is a request for a batch of all rows, and what is expected of it.
type wish struct {
	Options struct {
		LayersKeys []string `json:"layers_keys"`
		ObsKeys    []string `json:"obs_keys"`
		ObsmKeys   []string `json:"obsm_keys"`
		Encode     []string
		Format     string
		Object     string // of a refusal: what the error names
	}
	Expect struct {
		NObs   int64 `json:"n_obs"`
		Var    []string
		Fields []goldenField
	}
}

// parseWish keeps numbers as they are written: an int64 does not fit into a float64.
func parseWish(t *testing.T, raw []byte) (w wish) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&w); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *wish) open(path string) (*Collection, error) {
	return Open(context.Background(), []string{path}, Options{
		LayersKeys: w.Options.LayersKeys, ObsKeys: w.Options.ObsKeys, ObsmKeys: w.Options.ObsmKeys, Encode: w.Options.Encode})
}

func (w *wish) encoder(t *testing.T, c *Collection) (*Encoder, error) {
	t.Helper()
	format := Dense
	if w.Options.Format != "" {
		var err error
		if format, err = ParseFormat(w.Options.Format); err != nil {
			t.Fatal(err)
		}
	}
	return c.NewEncoder(EncoderOptions{Format: format})
}

func checkRequest(t *testing.T, path string, raw []byte) {
	t.Helper()
	w := parseWish(t, raw)
	c, err := w.open(path)
	if err != nil {
		t.Errorf("%+v: %v", w.Options, err)
		return
	}
	defer c.Close()
	if c.NObs() != w.Expect.NObs || !slices.Equal(c.Var(), w.Expect.Var) {
		t.Errorf("%d rows and variables %q,\nwant %d and %q", c.NObs(), c.Var(), w.Expect.NObs, w.Expect.Var)
	}
	e, err := w.encoder(t, c)
	if err != nil {
		t.Errorf("%+v: %v", w.Options, err)
		return
	}
	rows := sequence(c.NObs())
	caps := e.Bounds(rows, nil)
	bufs := layout(e, len(rows), caps)
	nnz, err := write(e.NewBatch(), rows, 0, bufs, caps, 2)
	if err != nil {
		t.Errorf("%+v: %v", w.Options, err)
		return
	}
	compareExactly(t, e.Fields(), bufs, nnz, len(rows), w.Expect.Fields)
}

// compareExactly compares the bytes of a batch with numbers as Python prints them.
func compareExactly(t *testing.T, fields []Field, bufs [][]byte, nnz []int, n int, want []goldenField) {
	t.Helper()
	if len(fields) != len(want) {
		t.Errorf("fields %v, want %d", fields, len(want))
		return
	}
	for i, f := range fields {
		w := want[i]
		if f.Name != w.Name || f.Kind.String() != w.Kind || f.DType != w.DType || f.Width != w.Width || f.Of != w.Of {
			t.Errorf("field %q is %s %s × %d of %q, want %q %s %s × %d of %q", f.Name, f.Kind, f.DType, f.Width, f.Of, w.Name, w.Kind, w.DType, w.Width, w.Of)
			return
		}
		count := n * f.Width
		if f.Kind == KindCSR {
			count, nnz = nnz[0], nnz[1:]
			if ptr, cols := view[int32](bufs[0])[:n+1], view[int32](bufs[1])[:count]; !slices.Equal(ptr, w.Indptr) || !slices.Equal(cols, w.Indices) {
				t.Errorf("field %q: indptr and indices %v %v, want %v %v", f.Name, ptr, cols, w.Indptr, w.Indices)
			}
			bufs = bufs[2:]
		}
		if err := sameNumbers(bufs[0], f.DType, count, w.Values); err != nil {
			t.Errorf("field %q: %v", f.Name, err)
		}
		if got, want := plainly(f.Categories), plainly(w.Categories); !slices.Equal(got, want) {
			t.Errorf("field %q: categories %v, want %v", f.Name, got, want)
		}
		bufs = bufs[1:]
	}
}

// sameNumbers compares n numbers with those of JSON; null is NaN.
func sameNumbers(b []byte, dtype string, n int, want []any) error {
	if n != len(want) {
		return fmt.Errorf("%d values, want %d", n, len(want))
	}
	for i, w := range want {
		if got, want := numberText(b, dtype, i), plain(w); got != want {
			return fmt.Errorf("value %d is %s, want %s", i, got, want)
		}
	}
	return nil
}

// numberText writes one native number, read without the code under test: integers in full, floats so that they read back
// to the same bits, booleans as 0 and 1.
func numberText(b []byte, dtype string, i int) string {
	le := binary.LittleEndian
	switch dtype {
	case "bool", "uint8":
		return strconv.Itoa(int(b[i]))
	case "int8":
		return strconv.Itoa(int(int8(b[i])))
	case "int16":
		return strconv.Itoa(int(int16(le.Uint16(b[2*i:]))))
	case "uint16":
		return strconv.Itoa(int(le.Uint16(b[2*i:])))
	case "int32":
		return strconv.Itoa(int(int32(le.Uint32(b[4*i:]))))
	case "uint32":
		return strconv.FormatUint(uint64(le.Uint32(b[4*i:])), 10)
	case "int64":
		return strconv.FormatInt(int64(le.Uint64(b[8*i:])), 10)
	case "uint64":
		return strconv.FormatUint(le.Uint64(b[8*i:]), 10)
	case "float16":
		return floatText(slowHalf(le.Uint16(b[2*i:])))
	case "float32":
		return floatText(float64(math.Float32frombits(le.Uint32(b[4*i:]))))
	case "float64":
		return floatText(math.Float64frombits(le.Uint64(b[8*i:])))
	}
	return "a number of type " + dtype
}

func floatText(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 && (f != 0 || !math.Signbit(f)) {
		return strconv.FormatInt(int64(f), 10) // as JSON writes whole numbers of integer fields
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// plain writes a value of JSON as numberText writes one of a batch.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return "NaN"
	case bool:
		return strconv.Itoa(int(truth(v)))
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return v.String()
		}
		if _, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			return v.String()
		}
		f, err := v.Float64()
		if err != nil {
			return err.Error()
		}
		return floatText(f)
	case string: // infinities have no number in JSON
		return map[string]string{"inf": "+Inf", "-inf": "-Inf"}[v]
	}
	return fmt.Sprintf("a %T", v)
}

// plainly writes labels, of JSON or of a batch, with text apart from numbers.
func plainly(labels []any) []string {
	out := make([]string, 0, len(labels))
	for _, v := range labels {
		switch v := v.(type) {
		case string:
			out = append(out, strconv.Quote(v))
		case int64:
			out = append(out, strconv.FormatInt(v, 10))
		case uint64:
			out = append(out, strconv.FormatUint(v, 10))
		case float64:
			out = append(out, floatText(v))
		default:
			out = append(out, plain(v))
		}
	}
	return out
}

// checkRefusal asks for what is not read, holds the error to what is promised of it, and gives its words.
func checkRefusal(t *testing.T, path string, raw []byte) formats.Refusal {
	t.Helper()
	w := parseWish(t, raw)
	c, err := w.open(path)
	if err == nil {
		defer c.Close()
		_, err = w.encoder(t, c)
	}
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrNoElement) {
		t.Errorf("%+v: %v, want ErrUnsupported or ErrNoElement", w.Options, err)
		return formats.Refusal{}
	}
	if want := element(path, w.Options.Object); e.Object != want || e.Detail == "" || e.Hint == "" {
		t.Errorf("%v names %q, says %q, cure %q; want %q and any", e, e.Object, e.Detail, e.Hint, want)
	}
	return formats.Refusal{Met: e.Detail, Cure: e.Hint}
}
