package sampler

import (
	"fmt"
	"math"
	"testing"
)

// tailP is how improbable a statistic may be, on either side, before a test fails. The package computes about 360
// of them, on fixed seeds. A perfect shuffle would fail one with a chance of 360 × 2 × 1e-6 = 7e-4, so a
// failure after a change of the order is a fault of the change and not bad luck. The weak networks of
// quality_teeth_test.go come out below 1e-12.
const tailP = 1e-6

// gammaQ is the regularised upper incomplete gamma function Q(a, x), by series below a+1 and by Lentz's continued
// fraction above (Abramowitz & Stegun 6.5.29 and 6.5.31).
func gammaQ(a, x float64) float64 {
	if x <= 0 {
		return 1
	}
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	const eps, tiny, most = 1e-15, 1e-300, 1_000_000
	if x < a+1 {
		term := 1 / a
		sum := term
		for k := a + 1; term > sum*eps && k < a+most; k++ {
			term *= x / k
			sum += term
		}
		return 1 - front*sum
	}
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for i := 1.0; i < most; i++ {
		an := -i * (i - a)
		b += 2
		d = 1 / orTiny(an*d+b, tiny)
		c = orTiny(b+an/c, tiny)
		h *= d * c
		if math.Abs(d*c-1) < eps {
			break
		}
	}
	return front * h
}

func orTiny(x, tiny float64) float64 {
	if math.Abs(x) < tiny {
		return tiny
	}
	return x
}

// chi2 is a χ² statistic with its degrees of freedom.
type chi2 struct{ x, df float64 }

// upper returns P(χ² ≥ x): small when the counts are further from the expectation than chance allows.
func (c chi2) upper() float64 {
	if c.df <= 0 {
		return 1
	}
	return gammaQ(c.df/2, c.x/2)
}

func (c chi2) String() string {
	return fmt.Sprintf("χ² = %.1f with %.0f degrees of freedom, p = %.3g", c.x, c.df, c.upper())
}

// ok fails the test when the counts are too far from the expectation, or closer to it than independent draws come.
func (c chi2) ok(t *testing.T, what string) {
	t.Helper()
	if c.df <= 0 {
		return
	}
	// With few cells a perfect fit is nothing unlikely: counts are whole numbers.
	if p := c.upper(); p < tailP || p > 1-tailP && c.df >= 20 {
		t.Errorf("%s: %v", what, c)
		return
	}
	t.Logf("%s: %v", what, c)
}

// fit compares counts with probabilities. Neighbouring cells are pooled until each expects at least five, as χ²
// asks; a cell of probability 0 that was hit makes the statistic infinite.
func fit(counts []int64, prob []float64) chi2 {
	var total, o, e float64
	for _, c := range counts {
		total += float64(c)
	}
	var s chi2
	cells := 0.0
	for i, c := range counts {
		if prob[i] == 0 {
			if c != 0 {
				return chi2{x: math.Inf(1), df: 1}
			}
			continue
		}
		o += float64(c)
		e += prob[i] * total
		if e >= 5 {
			s.x += (o - e) * (o - e) / e
			cells++
			o, e = 0, 0
		}
	}
	if e > 0 {
		s.x += (o - e) * (o - e) / e
		cells++
	}
	s.df = cells - 1
	return s
}

// uniform compares counts with equal probabilities.
func uniform(counts []int64) chi2 {
	p := make([]float64, len(counts))
	for i := range p {
		p[i] = 1 / float64(len(p))
	}
	return fit(counts, p)
}

// normalOK fails the test when got is further from mean than a normal of that variance goes with probability tailP.
func normalOK(t *testing.T, what string, got, mean, variance float64) {
	t.Helper()
	z := (got - mean) / math.Sqrt(variance)
	if p := math.Erfc(math.Abs(z) / math.Sqrt2); p < tailP {
		t.Errorf("%s: %.6g, expected %.6g, z = %.2f", what, got, mean, z)
		return
	}
	t.Logf("%s: %.6g, expected %.6g, z = %.2f", what, got, mean, z)
}

// hypergeometric returns P(k rows of a file that has rows of n in all are among drawn), for k = 0…drawn.
func hypergeometric(n, rows, drawn int64) []float64 {
	p := make([]float64, drawn+1)
	for k := range p {
		k := int64(k)
		if k > rows || drawn-k > n-rows {
			continue
		}
		p[k] = math.Exp(logChoose(rows, k) + logChoose(n-rows, drawn-k) - logChoose(n, drawn))
	}
	return p
}

func logChoose(n, k int64) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

func TestTheStatisticsAreThoseOfTheTables(t *testing.T) {
	// Critical values: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4.
	for _, c := range []struct{ x, df, p float64 }{
		{3.841, 1, 0.05}, {6.635, 1, 0.01}, {18.307, 10, 0.05}, {29.588, 10, 0.001}, {124.342, 100, 0.05},
		{149.449, 100, 0.001}, {77.929, 100, 0.95},
	} {
		if got := (chi2{c.x, c.df}).upper(); math.Abs(got-c.p) > 2e-4*math.Max(1, 1/c.p/1e3) {
			t.Errorf("P(χ²_%v ≥ %v) = %v, the table says %v", c.df, c.x, got, c.p)
		}
	}
	// χ² with two degrees of freedom is an exponential: exact far out, where the thresholds are.
	for _, x := range []float64{1e-9, 0.5, 3, 20, 60, 400} {
		if got, want := (chi2{x, 2}).upper(), math.Exp(-x/2); math.Abs(got-want) > 1e-12*want+1e-15 {
			t.Errorf("P(χ²_2 ≥ %v) = %v, exactly %v", x, got, want)
		}
	}
	sum := 0.0
	for _, p := range hypergeometric(20, 7, 12) {
		sum += p
	}
	if p := hypergeometric(20, 7, 12)[4]; math.Abs(p-0.35758) > 1e-5 || math.Abs(sum-1) > 1e-12 {
		t.Errorf("P(4 of 7 among 12 of 20) = %v, sum %v", p, sum)
	}
	if got := fit([]int64{10, 20, 30}, []float64{0.25, 0.25, 0.5}); math.Abs(got.x-10.0/3) > 1e-12 || got.df != 2 {
		t.Errorf("fit: %v", got)
	}
}
