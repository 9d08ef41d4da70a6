package daemon

import (
	"fmt"
	"path/filepath"
	"strings"
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
	case []string:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = wireText(e)
		}
		return out
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

// wireNotes are what the user should hear of: text, whatever the paths in it are.
func wireNotes(list []string) []string {
	out := make([]string, len(list))
	for i, note := range list {
		out[i] = forPeople(note)
	}
	return out
}

// forPeople is a text to be read, with a mark for each byte that is none.
func forPeople(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

func wireRecords(m registry.Model, list []registry.Record) []any {
	out := make([]any, len(list))
	for i, r := range list {
		out[i] = wireRecord(m, r)
	}
	return out
}

// pathOf is a path or a URL of the wire: absolute, as text or as bytes. The scheme of a URL, which has no case, is in small letters.
func pathOf(v any) (string, error) {
	path, ok := v.(string)
	if b, isBytes := v.([]byte); isBytes {
		path, ok = string(b), true
	}
	if !ok || path == "" {
		return "", invalid("registry", "path", fmt.Errorf("got %v (%T); it must be an absolute path, or a URL", v, v))
	}
	if isURL(path) {
		scheme, rest, _ := strings.Cut(path, "://")
		return strings.ToLower(scheme) + "://" + rest, nil
	}
	if !filepath.IsAbs(path) {
		return "", invalid("registry", "path", fmt.Errorf("%q is not absolute; the daemon does not know the client's working directory", path))
	}
	return filepath.Clean(path), nil
}

func isURL(path string) bool {
	scheme, _, ok := strings.Cut(path, "://")
	return ok && scheme != "" && !strings.Contains(scheme, "/")
}
