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
		switch x := v.(type) {
		case time.Time:
			v = x.UTC().Format(wireTime)
		case string:
			if !utf8.ValidString(x) {
				v = []byte(x)
			}
		}
		out[name] = v
	}
	return out
}

func wireRecords(m registry.Model, list []registry.Record) []any {
	out := make([]any, len(list))
	for i, r := range list {
		out[i] = wireRecord(m, r)
	}
	return out
}
