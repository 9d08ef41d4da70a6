package registry

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// parameter makes what SQLite compares with a column of type t out of a value of a message.
func (t Type) parameter(v any) (any, error) {
	switch t {
	case Text, Ref:
		return textParameter(v)
	case Int:
		return intParameter(v)
	case Bool:
		b, ok := v.(bool)
		if !ok {
			return nil, fmt.Errorf("%s stands where True or False is wanted", describe(v))
		}
		if b {
			return int64(1), nil
		}
		return int64(0), nil
	case Time:
		return timeParameter(v)
	}
	return nil, fmt.Errorf("a field of type %s can only be compared by isnull", t)
}

func textParameter(v any) (string, error) {
	s, ok := v.(string)
	b, isBytes := v.([]byte) // a path that is not UTF-8
	if isBytes {
		s = string(b)
	}
	switch {
	case !ok && !isBytes:
		return "", fmt.Errorf("%s stands where a text is wanted", describe(v))
	case !isBytes && !utf8.ValidString(s):
		return "", fmt.Errorf("%s is not UTF-8", describe(v))
	case strings.IndexByte(s, 0) >= 0:
		return "", fmt.Errorf("%s holds a zero byte", describe(v))
	}
	return s, nil
}

func intParameter(v any) (any, error) {
	switch v := v.(type) {
	case int:
		return int64(v), nil
	case uint:
		return intParameter(uint64(v))
	case int8:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case int64:
		return v, nil
	case uint8:
		return int64(v), nil
	case uint16:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case uint64:
		if v > math.MaxInt64 {
			return nil, fmt.Errorf("%d is beyond 64 bits with a sign", v)
		}
		return int64(v), nil
	case float32:
		return floatParameter(float64(v))
	case float64:
		return floatParameter(v)
	}
	return nil, fmt.Errorf("%s stands where a number is wanted", describe(v))
}

// floatParameter takes 1e6 for a whole number, and compares 1.5 as it is.
func floatParameter(v float64) (any, error) {
	if math.IsNaN(v) {
		return nil, fmt.Errorf("NaN compares with nothing; isnull finds absent values")
	}
	if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
		return int64(v), nil
	}
	return v, nil
}

// timeForms are the texts that stand for a time: RFC 3339 with any offset, the forms that Python and people write, taken as UTC.
var timeForms = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly}

func timeParameter(v any) (any, error) {
	at, ok := v.(time.Time)
	if s, isText := v.(string); isText {
		for _, form := range timeForms {
			var err error
			if at, err = time.Parse(form, s); err == nil {
				ok = true
				break
			}
		}
	}
	at = at.UTC()
	if ok && (at.Year() < 0 || at.Year() > 9999) { // the texts of others do not sort
		return nil, fmt.Errorf("%s is outside the years 0 to 9999", describe(v))
	}
	if ok {
		return at.Format(timeLayout), nil
	}
	return nil, fmt.Errorf("%s stands where a time is wanted, such as 2026-01-31 or 2026-01-31T12:30:00Z", describe(v))
}

// fromText makes a value of type t out of a word of a command line. "none" is an absent value, where it can not be a text.
func (t Type) fromText(s string) (any, error) {
	if t == Text || t == Ref {
		return s, nil
	}
	if strings.EqualFold(s, "none") {
		return nil, nil
	}
	switch t {
	case Int:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, nil
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f, nil
		}
		return nil, fmt.Errorf("%q is no number", s)
	case Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", s)
		}
		return b, nil
	}
	return s, nil
}
