package h5

import (
	"fmt"
	"strings"
)

// Class is the kind of an element, HDF5's datatype class with strings of variable length set apart.
type Class uint8

// The classes. Sizes are in Type.Size.
const (
	ClassInvalid    Class = iota
	ClassInt              // two's complement, Signed or not, 1–8 bytes
	ClassFloat            // IEEE 754, 2, 4 or 8 bytes
	ClassString           // fixed length, padded as Type.Padding says
	ClassVLenString       // in the file: a 16-byte descriptor into a global heap
	ClassVLen             // sequence of Base, stored as ClassVLenString is
	ClassBitfield         // bytes
	ClassOpaque           // bytes
	ClassCompound         // Members
	ClassReference        // object reference: the address of an object's header
	ClassEnum             // Base integers named by Enum
	ClassArray            // Dims of Base
)

var classNames = [...]string{"invalid", "int", "float", "string", "vlen string", "vlen", "bitfield",
	"opaque", "compound", "reference", "enum", "array"}

// String names the class.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// Padding says how a fixed-length string fills its space.
type Padding uint8

// The paddings.
const (
	PadNullTerm Padding = iota // ends at the first zero byte
	PadNull                    // trailing zero bytes are not part of it
	PadSpace                   // trailing spaces are not part of it
)

// Type describes one element as it lies in the file. A Type is immutable.
type Type struct {
	Class     Class
	Size      int  // bytes of one element in the file
	BigEndian bool // numbers only
	Signed    bool // integers
	UTF8      bool // strings: declared UTF-8 rather than ASCII
	Padding   Padding
	Base      *Type       // of enum, array, vlen
	Dims      []int       // of array
	Members   []Member    // of compound, in file order
	Enum      []EnumValue // of enum, in file order
}

// Member is one field of a compound.
type Member struct {
	Name   string
	Offset int // bytes from the start of the element
	Type   *Type
}

// EnumValue is one name of an enumeration.
type EnumValue struct {
	Name  string
	Value int64
}

// IsBool reports whether t is h5py's boolean: a one-byte enumeration of FALSE = 0 and TRUE = 1.
func (t *Type) IsBool() bool {
	if t.Class != ClassEnum || t.Size != 1 || len(t.Enum) != 2 {
		return false
	}
	for _, v := range t.Enum {
		if !(v.Name == "FALSE" && v.Value == 0) && !(v.Name == "TRUE" && v.Value == 1) {
			return false
		}
	}
	return t.Enum[0].Value != t.Enum[1].Value
}

// IsString reports whether t is text of fixed or variable length.
func (t *Type) IsString() bool { return t.Class == ClassString || t.Class == ClassVLenString }

// Member gives the compound's field of that name, or false.
func (t *Type) Member(name string) (Member, bool) {
	for _, m := range t.Members {
		if m.Name == name {
			return m, true
		}
	}
	return Member{}, false
}

// String is numpy's name of t where numpy has one ("int32", "float64", "bool"), with ">" before it
// when the bytes are big-endian; else a description ("string[16]", "compound{a int8, b float32}").
func (t *Type) String() string {
	order := ""
	if t.BigEndian && t.Size > 1 {
		order = ">"
	}
	switch t.Class {
	case ClassInt:
		if t.Signed {
			return fmt.Sprintf("%sint%d", order, 8*t.Size)
		}
		return fmt.Sprintf("%suint%d", order, 8*t.Size)
	case ClassFloat:
		return fmt.Sprintf("%sfloat%d", order, 8*t.Size)
	case ClassString, ClassBitfield, ClassOpaque:
		return fmt.Sprintf("%s[%d]", t.Class, t.Size)
	case ClassVLen:
		return "vlen " + t.Base.String()
	case ClassEnum:
		if t.IsBool() {
			return "bool"
		}
		return "enum " + t.Base.String()
	case ClassArray:
		return fmt.Sprintf("%v%s", t.Dims, t.Base)
	case ClassCompound:
		parts := make([]string, len(t.Members))
		for i, m := range t.Members {
			parts[i] = m.Name + " " + m.Type.String()
		}
		return "compound{" + strings.Join(parts, ", ") + "}"
	}
	return t.Class.String()
}
