package rowstore

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var allTypes = []DType{Bool, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Float16, Float32, Float64}

// A testRow is a row as it is given to the encoder.
type testRow struct {
	name  string
	d     DType
	cols  int
	dense bool
	idx   []int32 // of all columns, when dense
	vals  []byte
}

func (r *testRow) encode(t testing.TB, dst []byte, number int64) []byte {
	t.Helper()
	var err error
	if r.dense {
		dst, err = AppendDense(dst, number, r.d, r.vals)
	} else {
		dst, err = AppendSparse(dst, number, r.d, r.cols, r.idx, r.vals)
	}
	if err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	return dst
}

// element gives the bits of value i.
func (r *testRow) element(i int) uint64 { return bitsAt(r.vals, i, r.d.Size()) }

func bitsAt(b []byte, i, size int) uint64 {
	var e [8]byte
	copy(e[:], b[i*size:(i+1)*size])
	return binary.LittleEndian.Uint64(e[:])
}

func appendBits(b []byte, v uint64, size int) []byte {
	var e [8]byte
	binary.LittleEndian.PutUint64(e[:], v)
	return append(b, e[:size]...)
}

// bitsOf is the element of d that equals v, or is near it.
func bitsOf(d DType, v float64) uint64 {
	switch d {
	case Float16:
		return uint64(halfBits(v))
	case Float32:
		return uint64(math.Float32bits(float32(v)))
	case Float64:
		return math.Float64bits(v)
	}
	if d.Size() == 8 {
		return uint64(int64(v))
	}
	return uint64(int64(v)) & (1<<(8*d.Size()) - 1)
}

// valueOf is bitsOf turned round.
func valueOf(d DType, b uint64) float64 {
	switch d {
	case Float16:
		return halfValue(uint16(b))
	case Float32:
		return float64(math.Float32frombits(uint32(b)))
	case Float64:
		return math.Float64frombits(b)
	case Bool:
		if b != 0 {
			return 1
		}
		return 0
	case Int8, Int16, Int32, Int64:
		shift := 64 - 8*d.Size()
		return float64(int64(b<<shift) >> shift)
	}
	return float64(b)
}

func halfValue(h uint16) float64 {
	e, f := int(h>>10)&31, float64(h&1023)
	v := math.Ldexp(1024+f, e-25)
	switch {
	case e == 0:
		v = math.Ldexp(f, -24)
	case e == 31 && f == 0:
		v = math.Inf(1)
	case e == 31:
		v = math.NaN()
	}
	if h>>15 != 0 {
		v = -v
	}
	return v
}

// halfBits cuts what does not fit.
func halfBits(v float64) uint16 {
	b := math.Float32bits(float32(v))
	if v == 0 || b<<1 < 113<<24 {
		return uint16(b >> 16 & 0x8000)
	}
	if b<<1 >= 143<<24 {
		return uint16(b>>16&0x8000) | 0x7c00
	}
	return uint16(b>>16&0x8000) | uint16((b&0x7fffffff-112<<23)>>13)
}

// Values are made by their kind.
var valueKinds = map[string]func(r *rand.Rand, d DType) uint64{
	"counts": func(r *rand.Rand, d DType) uint64 { return bitsOf(d, math.Ceil(r.ExpFloat64())) },
	"counts with a few beyond a byte": func(r *rand.Rand, d DType) uint64 {
		if r.IntN(60) == 0 {
			return bitsOf(d, float64(200+r.IntN(2000)))
		}
		return bitsOf(d, float64(1+r.IntN(100)))
	},
	"counts with many beyond a byte": func(r *rand.Rand, d DType) uint64 { return bitsOf(d, float64(r.IntN(40000))) },
	"counts beyond a word":           func(r *rand.Rand, d DType) uint64 { return bitsOf(d, math.Exp(16*r.Float64())) },
	"a few dozen floats":             func(r *rand.Rand, d DType) uint64 { return bitsOf(d, math.Log1p(float64(r.IntN(40))*1.37)) },
	"some hundred floats": func(r *rand.Rand, d DType) uint64 {
		return bitsOf(d, math.Log1p(math.Floor(60*r.ExpFloat64())*1.37))
	},
	"normal floats": func(r *rand.Rand, d DType) uint64 { return bitsOf(d, r.NormFloat64()*3) },
	"any bits":      func(r *rand.Rand, d DType) uint64 { return r.Uint64() },
	"zeros":         func(r *rand.Rand, d DType) uint64 { return 0 },
	"specials": func(r *rand.Rand, d DType) uint64 {
		special := []uint64{0, d.negativeZero(), bitsOf(d, math.Inf(1)), bitsOf(d, 1), bitsOf(d, 255), bitsOf(d, 256), bitsOf(d, -1)}
		switch d {
		case Float16:
			special = append(special, 0x7e01, 0xfe55, 0x7c01, 1)
		case Float32:
			special = append(special, 0x7fc00001, 0xffc12345, 0x7f800001, 1)
		case Float64:
			special = append(special, 0x7ff8000000000001, 0xfff8123456789abc, 0x7ff0000000000001, 1)
		}
		return special[r.IntN(len(special))]
	},
}

// Columns are made by their kind: the numbers between them.
var gapKinds = map[string]func(r *rand.Rand) int{
	"close":         func(r *rand.Rand) int { return r.IntN(3) },
	"as in cells":   func(r *rand.Rand) int { return int(10 * r.ExpFloat64()) },
	"far":           func(r *rand.Rand) int { return int(150 * r.ExpFloat64()) },
	"at the escape": func(r *rand.Rand) int { return 250 + r.IntN(10) },
	"very far":      func(r *rand.Rand) int { return int(30000 * r.ExpFloat64()) },
	"at the word":   func(r *rand.Rand) int { return []int{65533, 65534, 65535, 65536, 70000, 0}[r.IntN(6)] },
}

var lengths = []int{0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 255, 256, 257, 300, 511, 1000, 1775, 5000}

// sparseRow makes one of at most n values.
func sparseRow(r *rand.Rand, d DType, gaps, values string, n int) testRow {
	row := testRow{name: fmt.Sprintf("%v, %s, %s, %d values", d, gaps, values, n), d: d}
	c := -1
	for range n {
		if c += 1 + gapKinds[gaps](r); c >= maxColumns {
			break
		}
		row.idx = append(row.idx, int32(c))
		row.vals = appendBits(row.vals, valueKinds[values](r, d), d.Size())
		row.cols = c + 1
	}
	row.cols = min(maxColumns, row.cols+r.IntN(3)*r.IntN(40))
	return row
}

// denseRow makes one of n columns, of which a share is not zero.
func denseRow(r *rand.Rand, d DType, values string, n int, share float64) testRow {
	row := testRow{name: fmt.Sprintf("%v, dense, %s, %d columns, %.1f", d, values, n, share), d: d, cols: n, dense: true}
	for c := range n {
		row.idx = append(row.idx, int32(c))
		v := uint64(0)
		if r.Float64() < share {
			v = valueKinds[values](r, d)
		}
		row.vals = appendBits(row.vals, v, d.Size())
	}
	return row
}

// eachRow calls f with rows of every kind, from a fixed seed; in short tests with every seventh.
func eachRow(t *testing.T, f func(r *rand.Rand, row *testRow)) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 11))
	at := 0
	pass := func(make func() testRow) {
		if at++; (testing.Short() || raceEnabled) && at%7 != 0 {
			return
		}
		row := make()
		f(r, &row)
	}
	for _, d := range allTypes {
		for _, values := range sortedKeys(valueKinds) {
			for _, gaps := range sortedKeys(gapKinds) {
				for range 2 {
					pass(func() testRow { return sparseRow(r, d, gaps, values, lengths[r.IntN(len(lengths))]) })
				}
			}
			for _, share := range []float64{0, 0.05, 0.4, 0.6, 1} {
				pass(func() testRow { return denseRow(r, d, values, lengths[r.IntN(len(lengths))], share) })
			}
		}
	}
	for _, n := range lengths {
		pass(func() testRow { return sparseRow(r, Float32, "as in cells", "counts", n) })
		pass(func() testRow { return sparseRow(r, Int16, "far", "counts with a few beyond a byte", n) })
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// alignedRecord is a copy that begins at a multiple of 8, as records of a segment do.
func alignedRecord(rec []byte) Row {
	b := alignedBytes(len(rec))
	copy(b, rec)
	return b
}
