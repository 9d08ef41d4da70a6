package zarr

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// fields are the members of a JSON object, unparsed. Names count exactly, which decoding into a
// struct would not hold to.
type fields map[string]json.RawMessage

// parseObject parses the text of an object. Python writes NaN, Infinity and -Infinity bare, which
// JSON does not know; they are read as the strings of that name.
func parseObject(data []byte) (fields, error) {
	var f fields
	err := json.Unmarshal(data, &f)
	if err != nil {
		if quoted := quoteSpecials(data); quoted != nil {
			f = nil
			err = json.Unmarshal(quoted, &f)
		}
	}
	if err != nil {
		return nil, &Error{Kind: ErrCorrupt, Form: "JSON", Err: err}
	}
	if f == nil {
		return nil, corrupt("JSON: null where an object belongs")
	}
	return f, nil
}

// quoteSpecials puts bare NaN, Infinity and -Infinity into quotes; nil when there are none.
func quoteSpecials(data []byte) []byte {
	var out []byte
	last, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			inString = !inString
		case c == '\\' && inString:
			i++
		case !inString && (c == 'N' || c == 'I' || c == '-'):
			for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
				if bytes.HasPrefix(data[i:], []byte(word)) {
					out = append(append(append(append(out, data[last:i]...), '"'), word...), '"')
					i += len(word) - 1
					last = i + 1
					break
				}
			}
		}
	}
	if out == nil {
		return nil
	}
	return append(out, data[last:]...)
}

// has reports a member that is there and not null.
func (f fields) has(name string) bool {
	raw, ok := f[name]
	return ok && string(raw) != "null"
}

// text is a string member; false when it is absent, null or not a string.
func (f fields) text(name string) (string, bool) {
	raw, ok := f[name]
	if !ok {
		return "", false
	}
	return asText(raw)
}

func asText(raw json.RawMessage) (string, bool) {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", false
	}
	return *s, true
}

// object is a member that is an object; nil when it is absent or null.
func (f fields) object(name string) (fields, error) {
	if !f.has(name) {
		return nil, nil
	}
	var o fields
	if json.Unmarshal(f[name], &o) != nil {
		return nil, corrupt("%q is not an object", name)
	}
	return o, nil
}

// list is a member that is an array; nil when it is absent or null.
func (f fields) list(name string) ([]json.RawMessage, error) {
	if !f.has(name) {
		return nil, nil
	}
	var l []json.RawMessage
	if json.Unmarshal(f[name], &l) != nil {
		return nil, corrupt("%q is not a list", name)
	}
	return l, nil
}

// sizes is a list of whole numbers that are not negative.
func (f fields) sizes(name string) ([]int64, error) {
	l, err := f.list(name)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, corrupt("%q is missing", name)
	}
	if len(l) > maxRank {
		return nil, unsupported("%d dimensions", len(l))
	}
	out := make([]int64, len(l))
	for i, raw := range l {
		n, ok := asInt(raw)
		if !ok || n < 0 {
			return nil, corrupt("%q holds %s", name, brief(raw))
		}
		out[i] = n
	}
	return out, nil
}

// asInt reads a whole number; also one that is written as 3.0.
func asInt(raw json.RawMessage) (int64, bool) {
	s := string(raw)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != float64(int64(f)) || f < -1<<53 || f > 1<<53 || !strings.ContainsAny(s, ".eE") {
		return 0, false
	}
	return int64(f), true
}

// named is the form of codecs and other extensions in zarr 3: {"name": …, "configuration": {…}}, or the
// name alone.
func named(raw json.RawMessage) (name string, config fields, err error) {
	if s, ok := asText(raw); ok {
		return s, fields{}, nil
	}
	var f fields
	if json.Unmarshal(raw, &f) != nil || f == nil {
		return "", nil, corrupt("%s where a name and a configuration belong", brief(raw))
	}
	name, ok := f.text("name")
	if !ok {
		return "", nil, corrupt("an extension without a name: %s", brief(raw))
	}
	config, err = f.object("configuration")
	if config == nil {
		config = fields{}
	}
	return name, config, err
}

// brief is JSON text short enough for an error.
func brief(raw json.RawMessage) string {
	const most = 60
	var flat bytes.Buffer
	if json.Compact(&flat, raw) == nil {
		raw = flat.Bytes()
	}
	if len(raw) > most {
		return strconv.QuoteToASCII(string(raw[:most])) + "…"
	}
	return strings.TrimSpace(string(raw))
}
