package rowstore

// DType is the element type of a stored matrix. The zero value is none.
type DType uint8

const (
	Bool DType = iota + 1
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Float16
	Float32
	Float64
	numTypes
)

var dtypeNames = [numTypes]string{
	"none", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
}

var dtypeSizes = [numTypes]int{0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8}

// String is numpy's name.
func (d DType) String() string {
	if !d.valid() {
		return "none"
	}
	return dtypeNames[d]
}

// Size is in bytes; 0 of what is no type.
func (d DType) Size() int {
	if !d.valid() {
		return 0
	}
	return dtypeSizes[d]
}

func (d DType) valid() bool { return d >= Bool && d < numTypes }

// negativeZero has the bits of −0.0, which is a stored value like others and yet not a non-zero; 0 where there is none.
func (d DType) negativeZero() uint64 {
	switch d {
	case Float16:
		return 1 << 15
	case Float32:
		return 1 << 31
	case Float64:
		return 1 << 63
	}
	return 0
}
