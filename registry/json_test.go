package registry

import (
	"math"
	"reflect"
	"testing"
)

func TestNumbersOfJSONKeepTheirKind(t *testing.T) {
	for _, v := range []any{
		int64(1), int64(math.MaxInt64), int64(math.MinInt64), 1.0, 0.5, math.Copysign(0, -1), 1e300, 5e-324, "1", true, nil,
		[]any{int64(0), 2.0, []any{int64(3)}}, map[string]any{"seed": int64(1<<53 + 1), "rate": 1.0, "deep": map[string]any{"n": int64(7)}},
	} {
		s, err := jsonText(v)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := jsonValue(s); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v comes back from %s as %#v, %v", v, s, got, err)
		}
	}
	for _, v := range []any{math.NaN(), []any{math.Inf(1)}, map[string]any{"f": func() {}}} {
		if s, err := jsonText(v); err == nil {
			t.Errorf("%v is spelled %s", v, s)
		}
	}
	for _, s := range []string{"", "{", "1 2", "nan"} {
		if v, err := jsonValue(s); err == nil {
			t.Errorf("%q is read as %v", s, v)
		}
	}
}
