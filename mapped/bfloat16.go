package mapped

import "math"

// bfloatToFloat widens a bfloat16, the upper half of a float32.
func bfloatToFloat(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// floatToBfloat32 rounds to the nearest bfloat16, ties to even. A NaN stays one.
func floatToBfloat32(f float32) uint16 {
	b := math.Float32bits(f)
	if f != f {
		return uint16(b>>16) | 0x40
	}
	// Half of the last kept bit, less one when that bit is even; a carry into the exponent is right, up to infinity.
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// floatToBfloat is floatToBfloat32 in one step from 64 bits. The float32 on the
// way is rounded to odd, so that no tie appears that was not there.
func floatToBfloat(f float64) uint16 {
	near := float32(f)
	b := math.Float32bits(near)
	if back := float64(near); back != f && f == f {
		if math.Abs(back) > math.Abs(f) {
			b--
		}
		b |= 1
	}
	return floatToBfloat32(math.Float32frombits(b))
}
