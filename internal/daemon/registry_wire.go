package daemon

import (
	"time"
	"unicode/utf8"

	"github.com/loaderd/loaderd/registry"
)

// wireTime is how times travel.
const wireTime = "2006-01-02T15:04:05.000000Z"

// wireRecord is a record as it travels: times as text, and what is not UTF-8 as bytes.
func wireRecord(m registry.Model, r registry.Record) map[string]any {
	out := make(map[string]any, len(r)+1)
	out["model"] = string(m)
	for name, v := range r {
		out[name] = wireValue(v)
	}
	return out
}

// wireValue is a value of a record as it travels.
func wireValue(v any) any {
	switch x := v.(type) {
	case time.Time:
		return x.UTC().Format(wireTime)
	case string:
		return wireText(x)
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = wireValue(e)
		}
		return out
	}
	return v
}

// wireText is a text, or its bytes where it is not UTF-8.
func wireText(s string) any {
	if !utf8.ValidString(s) {
		return []byte(s)
	}
	return s
}

func wireRecords(m registry.Model, list []registry.Record) []any {
	out := make([]any, len(list))
	for i, r := range list {
		out[i] = wireRecord(m, r)
	}
	return out
}
