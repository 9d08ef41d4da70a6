package registry

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// jsonText spells a value of a JSON field. Whole numbers and others stay apart: 1.0 is no 1.
func jsonText(v any) (string, error) {
	b, err := json.Marshal(spelled(v))
	return string(b), err
}

// spelled is the value with numbers that are not whole in a spelling that says so.
func spelled(v any) any {
	switch v := v.(type) {
	case float32:
		return spelled(float64(v))
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if strings.ContainsAny(s, "IN") { // infinite, or no number: json says that it has none of these
			return v
		}
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return json.Number(s)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = spelled(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = spelled(e)
		}
		return out
	}
	return v
}

// jsonValue reads what jsonText wrote: whole numbers as int64 where they fit, other numbers as float64.
func jsonValue(s string) (any, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return numbered(v), nil
}

func numbered(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		n, _ := v.Float64()
		return n
	case []any:
		for i, e := range v {
			v[i] = numbered(e)
		}
	case map[string]any:
		for k, e := range v {
			v[k] = numbered(e)
		}
	}
	return v
}
