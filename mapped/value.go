package mapped

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

type valueKind uint8

const (
	textValue valueKind = iota
	boolValue
	intValue
	uintValue // above the largest int64
	floatValue
)

// value is one label of an obs column.
type value struct {
	kind valueKind
	bits uint64 // of a number
	text string
}

func ofText(s string) value { return value{kind: textValue, text: s} }
func ofBool(b bool) value   { return value{kind: boolValue, bits: uint64(truth(b))} }
func ofInt(i int64) value   { return value{kind: intValue, bits: uint64(i)} }
func ofFloat(f float64) value {
	return value{kind: floatValue, bits: math.Float64bits(f)}
}

func ofUint(u uint64) value {
	if u <= math.MaxInt64 {
		return ofInt(int64(u))
	}
	return value{kind: uintValue, bits: u}
}

func (v value) float() float64 { return math.Float64frombits(v.bits) }

// any gives bool, int64, uint64, float64 or string.
func (v value) any() any {
	switch v.kind {
	case boolValue:
		return v.bits != 0
	case intValue:
		return int64(v.bits)
	case uintValue:
		return v.bits
	case floatValue:
		return v.float()
	}
	return v.text
}

// key is the same for values that Python holds equal: True, 1 and 1.0 are one label.
func (v value) key() value {
	switch v.kind {
	case boolValue:
		return ofInt(int64(v.bits))
	case floatValue:
		f := v.float()
		switch {
		case f != math.Trunc(f):
		case f >= -1<<63 && f < 1<<63:
			return ofInt(int64(f))
		case f >= 1<<63 && f < 1<<64:
			return ofUint(uint64(f))
		}
	}
	return v
}

// compareValues orders numbers by value and texts by code point; numbers come first.
func compareValues(a, b value) int {
	if (a.kind == textValue) != (b.kind == textValue) {
		if b.kind == textValue {
			return -1
		}
		return 1
	}
	if a.kind == textValue {
		return strings.Compare(a.text, b.text)
	}
	if a.kind == floatValue && b.kind == floatValue {
		return cmp.Compare(a.float(), b.float())
	}
	a, b = a.key(), b.key()
	switch {
	case a.kind == intValue && b.kind == intValue:
		return cmp.Compare(int64(a.bits), int64(b.bits))
	case a.kind == uintValue && b.kind == uintValue:
		return cmp.Compare(a.bits, b.bits)
	case a.kind == intValue && b.kind == uintValue:
		return -1
	case a.kind == uintValue && b.kind == intValue:
		return 1
	}
	// One of them is a float that no integer equals, so widening the other cannot tie.
	return cmp.Compare(a.widened(), b.widened())
}

func (v value) widened() float64 {
	switch v.kind {
	case intValue:
		return float64(int64(v.bits))
	case uintValue:
		return float64(v.bits)
	}
	return v.float()
}

// numberAt is element i of native numbers; false for NaN.
func numberAt(data []byte, d dtype, i int) (value, bool) {
	switch d {
	case boolType:
		return ofBool(data[i] != 0), true
	case int8Type:
		return ofInt(int64(view[int8](data)[i])), true
	case int16Type:
		return ofInt(int64(view[int16](data)[i])), true
	case int32Type:
		return ofInt(int64(view[int32](data)[i])), true
	case int64Type:
		return ofInt(view[int64](data)[i]), true
	case uint8Type:
		return ofInt(int64(data[i])), true
	case uint16Type:
		return ofInt(int64(view[uint16](data)[i])), true
	case uint32Type:
		return ofInt(int64(view[uint32](data)[i])), true
	case uint64Type:
		return ofUint(view[uint64](data)[i]), true
	case float16Type:
		return ofNumber(float64(halfToFloat(view[uint16](data)[i])))
	case bfloat16Type:
		return ofNumber(float64(bfloatToFloat(view[uint16](data)[i])))
	case float32Type:
		return ofNumber(float64(view[float32](data)[i]))
	}
	return ofNumber(view[float64](data)[i])
}

func ofNumber(f float64) (value, bool) { return ofFloat(f), f == f }

// python writes the value as Python's str does.
func (v value) python() string {
	switch v.kind {
	case boolValue:
		return map[bool]string{false: "False", true: "True"}[v.bits != 0]
	case intValue:
		return strconv.FormatInt(int64(v.bits), 10)
	case uintValue:
		return strconv.FormatUint(v.bits, 10)
	case floatValue:
		return pythonFloat(v.float())
	}
	return v.text
}

// pythonFloat writes f as Python's str does: names of variables may be numbers.
func pythonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
