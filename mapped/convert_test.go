package mapped

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestHalvesAreWhatTheStandardSaysForAllOfThem(t *testing.T) {
	for h := range 1 << 16 {
		got, want := float64(halfToFloat(uint16(h))), slowHalf(uint16(h))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("%#04x widens to %v, want %v", h, got, want)
		}
		if math.IsNaN(want) {
			if back := slowHalf(floatToHalf(want)); !math.IsNaN(back) {
				t.Fatalf("%#04x: NaN becomes %v", h, back)
			}
			continue
		}
		if back := floatToHalf(want); back != uint16(h) {
			t.Fatalf("%v narrows to %#04x, want %#04x", want, back, h)
		}
	}
}

// nearestHalf rounds by looking at both neighbours.
func nearestHalf(f float64) uint16 {
	sign := uint16(0)
	if math.Signbit(f) {
		sign, f = 0x8000, -f
	}
	if f >= 65520 {
		return sign | 0x7c00
	}
	lo, _ := slices.BinarySearchFunc(positiveHalves, f, func(h, f float64) int {
		if h <= f {
			return -1
		}
		return 1
	})
	lo-- // the last that is not above f
	if lo+1 == len(positiveHalves) {
		return sign | uint16(lo)
	}
	below, above := f-positiveHalves[lo], positiveHalves[lo+1]-f
	if above < below || above == below && lo&1 == 1 {
		lo++
	}
	return sign | uint16(lo)
}

var positiveHalves = func() (all []float64) {
	for h := range 0x7c00 {
		all = append(all, slowHalf(uint16(h)))
	}
	return all
}()

func TestNarrowingToHalfRoundsToTheNearestAndTiesToEven(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var samples []float64
	for i, h := range positiveHalves[:len(positiveHalves)-1] {
		middle := (h + positiveHalves[i+1]) / 2
		samples = append(samples, middle, math.Nextafter(middle, 0), math.Nextafter(middle, 1e9), -middle,
			float64(math.Nextafter32(float32(middle), 0)), float64(math.Nextafter32(float32(middle), 1e9)))
	}
	for range 100000 {
		samples = append(samples, math.Ldexp(r.Float64()*2-1, r.IntN(50)-30), float64(math.Float32frombits(r.Uint32())))
	}
	samples = append(samples, 65504, 65519.999, 65520, 1e300, 5e-324, 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1))
	for _, f := range samples {
		if math.IsNaN(f) {
			continue
		}
		if got, want := floatToHalf(f), nearestHalf(f); got != want {
			t.Fatalf("%v narrows to %#04x, want %#04x", f, got, want)
		}
		if f32 := float32(f); float64(f32) == f {
			if got, want := floatToHalf32(f32), nearestHalf(f); got != want {
				t.Fatalf("float32 %v narrows to %#04x, want %#04x", f, got, want)
			}
		}
	}
}

// nearestBfloat rounds by exact arithmetic on the last kept bit.
func nearestBfloat(f float64) float64 {
	if f == 0 || math.IsInf(f, 0) {
		return f
	}
	_, exp := math.Frexp(f)
	unit := math.Ldexp(1, max(exp-8, -133)) // 8 bits, or multiples of the smallest one
	out := math.RoundToEven(f/unit) * unit
	if math.Abs(out) >= math.Ldexp(1, 128) {
		return math.Inf(int(math.Copysign(1, f)))
	}
	return out
}

func TestBfloatsAreTheUpperHalvesOfFloatsForAllOfThem(t *testing.T) {
	for h := range 1 << 16 {
		b := uint16(h)
		f := bfloatToFloat(b)
		if want := math.Float32frombits(uint32(h) << 16); f != want && f == f {
			t.Fatalf("%#04x widens to %v, want %v", b, f, want)
		}
		if f != f {
			if a, c := bfloatToFloat(floatToBfloat32(f)), bfloatToFloat(floatToBfloat(float64(f))); a == a || c == c {
				t.Fatalf("%#04x: NaN becomes %v and %v", b, a, c)
			}
			continue
		}
		if a, c := floatToBfloat32(f), floatToBfloat(float64(f)); a != b || c != b {
			t.Fatalf("%v narrows to %#04x and %#04x, want %#04x", f, a, c, b)
		}
	}
}

func TestNarrowingToBfloatRoundsToTheNearestAndTiesToEven(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	samples := []float64{math.MaxFloat32, 1e300, -1e300, 5e-324, 0, math.Inf(1), math.Inf(-1), 3.3961775292304597e38}
	for h := range 0x7f80 - 1 {
		low, high := float64(bfloatToFloat(uint16(h))), float64(bfloatToFloat(uint16(h+1)))
		if math.IsInf(high, 0) {
			high = math.Ldexp(1, 128)
		}
		middle := low + (high-low)/2
		samples = append(samples, middle, -middle, math.Nextafter(middle, 0), math.Nextafter(middle, math.Inf(1)),
			float64(math.Nextafter32(float32(middle), 0)), float64(math.Nextafter32(float32(middle), math.MaxFloat32)))
	}
	for range 100000 {
		samples = append(samples, math.Ldexp(r.Float64()*2-1, r.IntN(300)-150), float64(math.Float32frombits(r.Uint32())))
	}
	for _, f := range samples {
		if f != f {
			continue
		}
		if got, want := float64(bfloatToFloat(floatToBfloat(f))), nearestBfloat(f); got != want {
			t.Fatalf("%v narrows to %v, want %v", f, got, want)
		}
		if f32 := float32(f); float64(f32) == f {
			if got, want := float64(bfloatToFloat(floatToBfloat32(f32))), nearestBfloat(f); got != want {
				t.Fatalf("float32 %v narrows to %v, want %v", f, got, want)
			}
		}
	}
}

func TestCastsKeepSmallNumbersBetweenAllTypes(t *testing.T) {
	want := []float64{0, 1, 2, 3, 100, 127}
	types := append(slices.Clone(allTypes), bfloat16Type)
	for _, from := range types {
		for _, to := range types {
			in, expect := slices.Clone(want), slices.Clone(want)
			if from == boolType || to == boolType {
				for i := range expect {
					expect[i] = float64(truth(want[i] != 0))
				}
			}
			src := encodeNumbers(in, from)
			dst := alignedBytes(len(in) * to.size())
			casterFor(to, from)(dst, src, len(in))
			if err := same(floats(dst, to, len(in)), expect); err != nil {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
}

// encodeNumbers stores numbers without the casts under test.
func encodeNumbers(vals []float64, d dtype) []byte {
	out := alignedBytes(len(vals) * d.size())
	for i, v := range vals {
		switch d {
		case boolType:
			out[i] = truth(v != 0)
		case int8Type, uint8Type:
			out[i] = byte(int(v))
		case int16Type, uint16Type:
			view[uint16](out)[i] = uint16(int(v))
		case int32Type, uint32Type:
			view[uint32](out)[i] = uint32(int(v))
		case int64Type, uint64Type:
			view[uint64](out)[i] = uint64(int(v))
		case float16Type:
			view[uint16](out)[i] = nearestHalf(v)
		case bfloat16Type:
			view[uint16](out)[i] = uint16(math.Float32bits(float32(nearestBfloat(v))) >> 16)
		case float32Type:
			view[float32](out)[i] = float32(v)
		case float64Type:
			view[float64](out)[i] = v
		}
	}
	return out
}

func TestCastsFollowNumpy(t *testing.T) {
	for _, c := range []struct {
		from, to dtype
		in, want float64
	}{
		{float64Type, int32Type, -1.9, -1}, // towards zero
		{float64Type, int8Type, 100.7, 100},
		{float32Type, boolType, 0.25, 1},
		{float32Type, boolType, math.NaN(), 1},
		{int16Type, int8Type, 300, 44}, // modulo 2⁸
		{int16Type, uint8Type, -1, 255},
		{int64Type, uint32Type, -1, math.MaxUint32},
		{int64Type, float32Type, 16777217, 16777216},
		{float64Type, float32Type, 1e300, math.Inf(1)},
		{uint32Type, int32Type, math.MaxUint32, -1},
	} {
		var src []byte
		if c.from.isFloat() || c.from == uint32Type {
			src = encodeNumbers([]float64{c.in}, c.from)
		} else {
			src = encodeNumbers([]float64{c.in}, signedOf(c.from.size()))
		}
		dst := alignedBytes(8)
		casterFor(c.to, c.from)(dst, src, 1)
		if err := same(floats(dst, c.to, 1), []float64{c.want}); err != nil {
			t.Errorf("%v as %s to %s: %v", c.in, c.from, c.to, err)
		}
	}
}

func TestPromotionIsNumpys(t *testing.T) {
	// numpy.result_type of each pair, and of three types that no chain of pairs gives.
	for _, c := range []struct{ a, b, want dtype }{
		{boolType, boolType, boolType}, {boolType, int8Type, int8Type}, {boolType, float16Type, float16Type},
		{int8Type, uint8Type, int16Type}, {int16Type, uint8Type, int16Type}, {int8Type, uint16Type, int32Type},
		{int32Type, uint32Type, int64Type}, {int64Type, uint64Type, float64Type}, {int8Type, uint64Type, float64Type},
		{uint8Type, uint32Type, uint32Type}, {int16Type, int64Type, int64Type},
		{float16Type, int8Type, float16Type}, {float16Type, uint8Type, float16Type}, {float16Type, int16Type, float32Type},
		{float16Type, uint16Type, float32Type}, {float16Type, int32Type, float64Type}, {float16Type, int64Type, float64Type},
		{float32Type, int16Type, float32Type}, {float32Type, int32Type, float64Type}, {float32Type, uint64Type, float64Type},
		{float32Type, float64Type, float64Type}, {float16Type, float32Type, float32Type},
	} {
		for _, pair := range [][2]dtype{{c.a, c.b}, {c.b, c.a}} {
			if got := promoteAll(pair[0], pair[1]); got != c.want {
				t.Errorf("%s and %s give %s, want %s", pair[0], pair[1], got, c.want)
			}
		}
	}
	three := []dtype{int16Type, uint16Type, float32Type}
	for range 6 {
		if got := promoteAll(three...); got != float32Type {
			t.Errorf("%v give %s, want float32", three, got)
		}
		three[0], three[1], three[2] = three[1], three[2], three[0]
	}
}

func TestIndicesOfAnyTypeBecomeInt32AndWhatDoesNotFitBecomesNegative(t *testing.T) {
	for _, d := range indexTypes {
		dst := make([]int32, 3)
		toIndices(dst, encodeNumbers([]float64{0, 5, 127}, d), d)
		if !slices.Equal(dst, []int32{0, 5, 127}) {
			t.Errorf("%s: %v", d, dst)
		}
	}
	wide := alignedBytes(24)
	copy(view[uint64](wide), []uint64{1 << 31, 1 << 40, math.MaxUint64})
	for _, d := range []dtype{int64Type, uint64Type} {
		dst := make([]int32, 3)
		toIndices(dst, wide, d)
		if !slices.Equal(dst, []int32{-1, -1, -1}) {
			t.Errorf("%s: %v", d, dst)
		}
	}
}

func TestUnitsOfByteOrder(t *testing.T) {
	for _, size := range []int{1, 2, 4, 8} {
		b := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
		want := slices.Clone(b)
		for at := 0; at < len(want); at += size {
			slices.Reverse(want[at : at+size])
		}
		swapBytes(b, size)
		if fmt.Sprint(b) != fmt.Sprint(want) {
			t.Errorf("size %d: %v, want %v", size, b, want)
		}
	}
}
