package mapped

import "math"

// halfToFloat widens an IEEE 754 binary16.
func halfToFloat(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp, frac := uint32(h>>10)&0x1f, uint32(h&0x3ff)
	switch {
	case exp == 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
	}
	f := float32(frac) * (1.0 / (1 << 24))
	return math.Float32frombits(math.Float32bits(f) | sign)
}

// floatToHalf rounds to the nearest binary16, ties to even, in one step from
// 64 bits: going through float32 would round twice.
func floatToHalf(f float64) uint16 {
	bits := math.Float64bits(f)
	sign := uint16(bits>>48) & 0x8000
	exp, frac := int(bits>>52)&0x7ff, bits&(1<<52-1)
	if exp == 0x7ff {
		if frac == 0 {
			return sign | 0x7c00
		}
		payload := uint16(frac >> 42)
		if payload == 0 {
			payload = 1
		}
		return sign | 0x7c00 | payload
	}
	e := exp - 1023
	switch {
	case e >= 16:
		return sign | 0x7c00
	case e < -25:
		return sign
	}
	frac |= 1 << 52
	shift, base := 42, uint16(e+14)<<10 // the implicit bit adds one to the exponent
	if e < -14 {
		shift, base = 42+(-14-e), 0
	}
	half := uint64(1) << (shift - 1)
	q, rest := frac>>shift, frac&(1<<shift-1)
	if rest > half || rest == half && q&1 == 1 {
		q++
	}
	return sign | (base + uint16(q))
}

// floatToHalf32 is floatToHalf for what is a float32 already, in fewer steps.
func floatToHalf32(f float32) uint16 {
	const (
		smallestNormal = 113 << 23 // 2⁻¹⁴
		overflow       = 143 << 23 // 2¹⁶
		half           = 126 << 23 // 0.5, whose last bit is worth the smallest half
	)
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b >= overflow:
		return floatToHalf(float64(f))
	case b < smallestNormal:
		// Adding 0.5 makes the processor round to multiples of 2⁻²⁴.
		sum := math.Float32frombits(b) + math.Float32frombits(half)
		return sign | uint16(math.Float32bits(sum)-half)
	}
	// Half of the last kept bit, less one when that bit is even: ties go to even.
	b += 0xfff + b>>13&1
	return sign | uint16((b-112<<23)>>13)
}
