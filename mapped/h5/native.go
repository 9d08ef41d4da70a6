package h5

import (
	"encoding/binary"
	"fmt"
	"math"
)

// swaps reports whether elements of t hold numbers that are not little-endian.
func (t *Type) swaps() bool {
	switch t.Class {
	case ClassInt, ClassFloat, ClassBitfield, ClassEnum:
		return t.BigEndian && t.Size > 1
	case ClassArray:
		return t.Base.swaps()
	case ClassCompound:
		for _, m := range t.Members {
			if m.Type.swaps() {
				return true
			}
		}
	}
	return false
}

// indirect reports whether elements of t hold references into a heap of the file.
func (t *Type) indirect() bool {
	switch t.Class {
	case ClassVLen, ClassVLenString:
		return true
	case ClassArray:
		return t.Base.indirect()
	case ClassCompound:
		for _, m := range t.Members {
			if m.Type.indirect() {
				return true
			}
		}
	}
	return false
}

// toNative makes the elements in p little-endian, in place.
func (t *Type) toNative(p []byte) {
	if !t.swaps() {
		return
	}
	switch t.Class {
	case ClassArray:
		t.Base.toNative(p)
	case ClassCompound:
		for _, m := range t.Members {
			if !m.Type.swaps() {
				continue
			}
			for at := m.Offset; at+m.Type.Size <= len(p); at += t.Size {
				m.Type.toNative(p[at : at+m.Type.Size])
			}
		}
	default:
		swapBytes(p, t.Size)
	}
}

func swapBytes(p []byte, size int) {
	switch size {
	case 2:
		for ; len(p) >= 2; p = p[2:] {
			p[0], p[1] = p[1], p[0]
		}
	case 4:
		for ; len(p) >= 4; p = p[4:] {
			binary.LittleEndian.PutUint32(p, binary.BigEndian.Uint32(p))
		}
	case 8:
		for ; len(p) >= 8; p = p[8:] {
			binary.LittleEndian.PutUint64(p, binary.BigEndian.Uint64(p))
		}
	}
}

// uintAt reads a native unsigned integer of t.Size bytes.
func (t *Type) uintAt(p []byte) uint64 {
	switch t.Size {
	case 1:
		return uint64(p[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(p))
	case 4:
		return uint64(binary.LittleEndian.Uint32(p))
	}
	return binary.LittleEndian.Uint64(p)
}

// intAt reads a native integer of t.Size bytes with its sign.
func (t *Type) intAt(p []byte) int64 {
	v := t.uintAt(p)
	if t.Signed {
		shift := 64 - 8*t.Size
		return int64(v<<shift) >> shift
	}
	return int64(v)
}

// floatAt reads a native number.
func (t *Type) floatAt(p []byte) float64 {
	if t.Class != ClassFloat {
		if t.Signed {
			return float64(t.intAt(p))
		}
		return float64(t.uintAt(p))
	}
	switch t.Size {
	case 2:
		return float64(half(binary.LittleEndian.Uint16(p)))
	case 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(p)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(p))
}

// half converts IEEE 754 binary16, exactly.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, int(h>>10&31), uint32(h&0x3ff)
	switch exp {
	case 0:
		f := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | uint32(exp+127-15)<<23 | frac<<13)
}

func (t *Type) isInteger() bool {
	return t.Class == ClassInt || t.Class == ClassEnum || t.Class == ClassBitfield
}

func wrongType(t *Type, want string) error {
	return &Error{Kind: ErrType, Form: fmt.Sprintf("%s is not %s", t, want)}
}
