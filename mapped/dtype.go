package mapped

import "strings"

// dtype is an element type of arrays and fields. The zero value means none.
type dtype uint8

const (
	noType dtype = iota
	boolType
	int8Type
	int16Type
	int32Type
	int64Type
	uint8Type
	uint16Type
	uint32Type
	uint64Type
	float16Type
	bfloat16Type // in batches only: no file holds it
	float32Type
	float64Type
	numTypes
)

var dtypeNames = [numTypes]string{
	"", "bool", "int8", "int16", "int32", "int64",
	"uint8", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32", "float64",
}

var dtypeSizes = [numTypes]int{0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8}

// String is numpy's name, and PyTorch's of bfloat16, which numpy lacks.
func (d dtype) String() string { return dtypeNames[d] }

// size is in bytes.
func (d dtype) size() int { return dtypeSizes[d] }

func (d dtype) isFloat() bool  { return d >= float16Type }
func (d dtype) isSigned() bool { return d >= int8Type && d <= int64Type }

func parseDType(name string) (dtype, error) {
	for d := boolType; d < numTypes; d++ {
		if dtypeNames[d] == name {
			return d, nil
		}
	}
	return noType, fail(ErrInvalid, stageEncode, "dtype",
		"use one of "+strings.Join(dtypeNames[1:], ", "), "%q is not an element type", name)
}

func signedOf(size int) dtype {
	return map[int]dtype{1: int8Type, 2: int16Type, 4: int32Type, 8: int64Type}[size]
}

func unsignedOf(size int) dtype {
	return map[int]dtype{1: uint8Type, 2: uint16Type, 4: uint32Type, 8: uint64Type}[size]
}

func floatOf(size int) dtype {
	return map[int]dtype{2: float16Type, 4: float32Type, 8: float64Type}[size]
}

// promote is numpy's promote_types.
func promote(a, b dtype) dtype {
	switch {
	case a == noType || a == b:
		return b
	case b == noType:
		return a
	case a == boolType:
		return b
	case b == boolType:
		return a
	}
	if a.isFloat() != b.isFloat() {
		if b.isFloat() {
			a, b = b, a
		}
		// a float holds integers of half its own width, and float64 takes the rest.
		return floatOf(min(8, max(a.size(), 2*b.size())))
	}
	if a.isFloat() || a.isSigned() == b.isSigned() {
		if a.size() >= b.size() {
			return a
		}
		return b
	}
	if b.isSigned() {
		a, b = b, a
	}
	switch {
	case a.size() > b.size():
		return a
	case b.size() == 8:
		return float64Type
	}
	return signedOf(2 * b.size())
}

// promoteAll is numpy's result_type: floats are weighed first, so that
// int16, uint16 and float32 give float32 in every order.
func promoteAll(types ...dtype) dtype {
	out := noType
	for _, t := range types {
		if t.isFloat() {
			out = promote(out, t)
		}
	}
	floats := out != noType
	for _, t := range types {
		if !t.isFloat() && (!floats || t != noType) {
			out = promote(out, t)
		}
	}
	return out
}
