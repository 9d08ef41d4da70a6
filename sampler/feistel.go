package sampler

import (
	"math"
	"math/bits"
)

// feistelRounds is the number of rounds. Three and four rounds fail the pair tests of this package; the bias of
// pairs falls by a factor of about √n with every two further rounds, and at n > 65,536 eight are already beyond
// what any test can see. Ten is what NIST SP 800-38G takes for FF1.
const feistelRounds = 10

// SplitMix64's increment and multipliers.
const (
	splitGamma = 0x9E3779B97F4A7C15
	splitMul1  = 0xBF58476D1CE4E5B9
	splitMul2  = 0x94D049BB133111EB
)

// feistel is a keyed bijection on [0, n). A number x < a·b is held as the pair (x / b, x mod b); rounds
// alternately add a keyed function of one half to the other, modulo a and modulo b. Each round can be undone, so
// the whole is a bijection on [0, a·b), whatever the function. a is ⌈√n⌉ and b is ⌈n / a⌉, so a·b < n + a: a
// result at or above n, which is rare, is sent through again (cycle walking) until it falls below n, and that
// restricts the bijection to [0, n).
//
// J. Black, P. Rogaway: "Ciphers with arbitrary finite domains", CT-RSA 2002 (generalised Feistel on a × b, and
// cycle walking). The keys come from Philox, one 64-bit key a round.
//
// It is immutable and about 100 bytes.
type feistel struct {
	n, a, b uint64
	keys    [feistelRounds]uint64
}

func newFeistel(n int64, s *stream) feistel {
	f := feistel{n: uint64(n)}
	f.a, f.b = halves(f.n)
	for i := range f.keys {
		f.keys[i] = s.next()
	}
	return f
}

// halves returns the least a with a² ≥ n, and the least b with a·b ≥ n. The product does not overflow: it is
// below n + a, and n is below 2⁶³.
func halves(n uint64) (a, b uint64) {
	a = uint64(math.Sqrt(float64(n)))
	for a*a < n {
		a++
	}
	for a > 1 && (a-1)*(a-1) >= n {
		a--
	}
	return a, (n + a - 1) / a
}

// mix is the round function: number x of the SplitMix64 stream that starts at state key. Each round thus adds
// what is a random stream in its own right, and streams of different keys do not overlap but with chance 2⁻³⁰.
//
// G. L. Steele, D. Lea, C. H. Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014, with the
// multipliers of D. Stafford's Mix13.
func mix(key, x uint64) uint64 {
	z := key + x*splitGamma
	z = (z ^ z>>30) * splitMul1
	z = (z ^ z>>27) * splitMul2
	return z ^ z>>31
}

// add returns (half + r·m / 2⁶⁴) mod m. The high word of r·m is uniform on [0, m) but for a bias of m / 2⁶⁴,
// less than 2⁻³² for any n.
func add(half, r, m uint64) uint64 {
	hi, _ := bits.Mul64(r, m)
	half += hi
	if half >= m {
		half -= m
	}
	return half
}

// at returns the image of x < n.
func (f *feistel) at(x uint64) uint64 {
	for {
		l, r := x/f.b, x%f.b
		for i := 0; i < feistelRounds; i += 2 {
			l = add(l, mix(f.keys[i], r), f.a)
			r = add(r, mix(f.keys[i+1], l), f.b)
		}
		if x = l*f.b + r; x < f.n {
			return x
		}
	}
}

// lanes is how many positions at4 carries through the rounds at a time.
const lanes = 4

// at4 is at for x, x+stride, x+2·stride, x+3·stride. A round must wait for the one before it; four independent
// chains fill the waiting, and make a position about twice as cheap.
func (f *feistel) at4(dst []int64, x, stride uint64) {
	var l, r [lanes]uint64
	for j := range lanes {
		p := x + uint64(j)*stride
		l[j], r[j] = p/f.b, p%f.b
	}
	for i := 0; i < feistelRounds; i += 2 {
		k0, k1 := f.keys[i], f.keys[i+1]
		l[0] = add(l[0], mix(k0, r[0]), f.a)
		l[1] = add(l[1], mix(k0, r[1]), f.a)
		l[2] = add(l[2], mix(k0, r[2]), f.a)
		l[3] = add(l[3], mix(k0, r[3]), f.a)
		r[0] = add(r[0], mix(k1, l[0]), f.b)
		r[1] = add(r[1], mix(k1, l[1]), f.b)
		r[2] = add(r[2], mix(k1, l[2]), f.b)
		r[3] = add(r[3], mix(k1, l[3]), f.b)
	}
	for j := range lanes {
		row := l[j]*f.b + r[j]
		if row >= f.n {
			row = f.at(row)
		}
		dst[j] = int64(row)
	}
}
