package rowstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestRowsComeBackBitForBit(t *testing.T) { eachLevel(t, (*testing.T).Run, testRoundTrips) }

func testRoundTrips(t *testing.T) {
	eachRow(t, func(r *rand.Rand, row *testRow) {
		number := r.Int64()
		rec := row.encode(t, []byte("before"), number)
		if string(rec[:6]) != "before" {
			t.Fatalf("%s: what stood in dst is gone", row.name)
		}
		comesBack(t, row, number, rec[6:])
	})
}

// comesBack holds a record against the row that was encoded.
func comesBack(t testing.TB, row *testRow, number int64, rec []byte) {
	t.Helper()
	if n, ok := Length(append(slices.Clone(rec), "more"...)); !ok || n != len(rec) || n%unit != 0 {
		t.Fatalf("%s: Length is %d, %v of %d bytes", row.name, n, ok, len(rec))
	}
	got := Row(rec)
	if err := got.Check(number, row.d, row.cols); err != nil {
		t.Fatalf("%s: %v", row.name, err)
	}
	if got.Number() != number || got.DType() != row.d {
		t.Fatalf("%s: row %d of %v", row.name, got.Number(), got.DType())
	}
	want, size := row.stored(), row.d.Size()
	if !row.dense && got.NNZ() != len(want) || got.NNZ() < len(want) {
		t.Fatalf("%s: NNZ is %d of %d", row.name, got.NNZ(), len(want))
	}
	idx, vals := make([]int32, got.NNZ()), alignedBytes(got.NNZ()*size)
	n := got.Decode(idx, vals)
	if n != len(want) {
		t.Fatalf("%s: %d values, want %d", row.name, n, len(want))
	}
	for i, w := range want {
		if idx[i] != w.column || bitsAt(vals, i, size) != w.bits {
			t.Fatalf("%s: value %d is %x at %d, want %x at %d", row.name, i, bitsAt(vals, i, size), idx[i], w.bits, w.column)
		}
	}
	if row.cols > 1<<20 {
		return
	}
	dense, wantDense := alignedBytes(row.cols*size), make([]byte, row.cols*size)
	for i := range dense {
		dense[i] = 0xa5
	}
	got.DecodeDense(dense)
	for _, w := range want {
		copy(wantDense[int(w.column)*size:], appendBits(nil, w.bits, size))
	}
	if !bytes.Equal(dense, wantDense) {
		t.Fatalf("%s: DecodeDense gives another row", row.name)
	}
}

type element struct {
	column int32
	bits   uint64
}

// stored lists what Decode is to give.
func (r *testRow) stored() []element {
	var out []element
	for i, c := range r.idx {
		if v := r.element(i); v != 0 || !r.dense {
			out = append(out, element{c, v})
		}
	}
	return out
}

func TestRowsAtTheLimits(t *testing.T) {
	million := testRow{name: "a million values", d: Float32, cols: 1 << 20}
	for i := range 1000000 {
		million.idx = append(million.idx, int32(i+i/50))
		million.vals = appendBits(million.vals, bitsOf(Float32, float64(i%300)), 4)
	}
	last := testRow{name: "the last column there can be", d: Int64, cols: maxColumns, idx: []int32{maxColumns - 1}, vals: appendBits(nil, 3, 8)}
	both := testRow{name: "the first and the last", d: Uint8, cols: maxColumns, idx: []int32{0, maxColumns - 1}, vals: []byte{1, 2}}
	empty := testRow{name: "no column at all", d: Bool}
	emptyDense := testRow{name: "no column at all, dense", d: Float64, dense: true}
	for _, row := range []testRow{million, last, both, empty, emptyDense} {
		t.Run(row.name, func(t *testing.T) { comesBack(t, &row, 5, row.encode(t, nil, 5)) })
	}
}

func TestTheSmallestFormIsTaken(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 2000
	for _, tc := range []struct {
		name   string
		row    testRow
		form   form
		layout uint8
		most   int // bytes
	}{
		{"counts are bytes", sparseRow(r, Float32, "as in cells", "counts", n), byteForm, 0, 2*n + 64},
		{"counts of int64 are bytes", sparseRow(r, Int64, "as in cells", "counts", n), byteForm, 0, 2*n + 64},
		{"halves are bytes", sparseRow(r, Float16, "as in cells", "counts", n), byteForm, 0, 2*n + 64},
		{"a few large counts are exceptions", sparseRow(r, Float32, "as in cells", "counts with a few beyond a byte", n), byteForm, 0, 2*n + n/4},
		{"large counts are words", sparseRow(r, Float32, "as in cells", "counts with many beyond a byte", n), wordForm, 0, 3*n + 64},
		{"log-normalised counts are a dictionary", sparseRow(r, Float32, "as in cells", "a few dozen floats", n), dictionaryForm, 0, 2*n + 40*4 + 64},
		{"many distinct floats are one with exceptions", sparseRow(r, Float64, "as in cells", "some hundred floats", n), dictionaryForm, 0, 2*n + 256*8 + n},
		{"floats are raw", sparseRow(r, Float32, "as in cells", "normal floats", n), rawForm, 0, 5*n + 64},
		{"booleans are bytes", sparseRow(r, Bool, "as in cells", "counts", n), byteForm, 0, 2*n + 64},
		{"a dense row of few counts is sparse", denseRow(r, Float32, "counts", n, 0.1), byteForm, wasDense, n/4 + 128},
		{"a dense row of counts is bytes", denseRow(r, Float32, "counts", n, 0.9), byteForm, layoutDense | wasDense, n + 64},
		{"a dense row of floats is raw", denseRow(r, Float32, "normal floats", n, 1), rawForm, layoutDense | wasDense, 4*n + 64},
		{"−0.0 in a dense row is marked", denseRow(r, Float32, "specials", n, 0.1), dictionaryForm, wasDense | minusZeros, n/2 + 256},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := Row(tc.row.encode(t, nil, 0))
			if got := form(rec[atForm]); got != tc.form || rec[atLayout] != tc.layout {
				t.Errorf("form %d, layout %d; want %d, %d", got, rec[atLayout], tc.form, tc.layout)
			}
			if len(rec) > tc.most {
				t.Errorf("%d bytes, want at most %d", len(rec), tc.most)
			}
		})
	}
}

func TestRowsThatAreNotCanonicalAreRefused(t *testing.T) {
	four := make([]byte, 16)
	for _, tc := range []struct {
		name string
		row  int64
		d    DType
		cols int
		idx  []int32
		vals []byte
		want string
	}{
		{"columns that fall", 0, Int32, 9, []int32{0, 2, 1, 3}, four, "column 2 stands before 1"},
		{"a column twice", 0, Int32, 9, []int32{0, 2, 2, 3}, four, "column 2 stands before 2"},
		{"a column below 0", 0, Int32, 9, []int32{-2, 2, 3, 4}, four, "column -1 stands before -2"},
		{"a column beyond the matrix", 0, Int32, 9, []int32{0, 2, 3, 9}, four, "column 9 of 9"},
		{"more values than columns", 0, Int32, 3, []int32{0, 1, 2, 3}, four, "4 values in 3 columns"},
		{"values of another size", 0, Int64, 9, []int32{0, 1, 2, 3}, four, "16 bytes of values for 4 elements of int64"},
		{"no type", 0, 0, 9, []int32{0, 1, 2, 3}, four, "type 0 is none of"},
		{"a row below 0", -4, Int32, 9, []int32{0, 1, 2, 3}, four, "row -4"},
		{"too many columns", 0, Int32, maxColumns + 1, []int32{0, 1, 2, 3}, four, "at most 2147483647 columns"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dst, err := AppendSparse([]byte("x"), tc.row, tc.d, tc.cols, tc.idx, tc.vals)
			if !errors.Is(err, ErrNotCanonical) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
			if string(dst) != "x" {
				t.Errorf("dst is %q after an error", dst)
			}
		})
	}
	if _, err := AppendDense(nil, 0, Int32, four[:15]); !errors.Is(err, ErrNotCanonical) {
		t.Errorf("a dense row that ends inside an element: %v", err)
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	row := sparseRow(r, Float32, "far", "counts with a few beyond a byte", 100)
	rec := Row(row.encode(t, nil, 9))
	for bit := range len(rec) * 8 {
		rec[bit/8] ^= 1 << (bit % 8)
		if err := rec.Check(9, row.d, row.cols); !errors.Is(err, ErrDamaged) {
			t.Fatalf("bit %d flipped: %v", bit, err)
		}
		rec[bit/8] ^= 1 << (bit % 8)
	}
	for n := range len(rec) {
		if err := rec[:n].Check(9, row.d, row.cols); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

// seal makes the checksum right again.
func seal(r Row) Row {
	binary.LittleEndian.PutUint32(r[atCRC:], crc32.Checksum(r[4:], castagnoli))
	return r
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	count := sparseRow(r, Float32, "far", "counts with a few beyond a byte", 200)
	log := sparseRow(r, Float32, "as in cells", "a few dozen floats", 200)
	whole := denseRow(r, Float32, "counts", 200, 1)
	for _, tc := range []struct {
		name   string
		row    testRow
		number int64
		d      DType
		cols   int // 0: the row's
		damage func(r Row)
		want   string
	}{
		{"another row", count, 8, Float32, 0, nil, "it is row 7"},
		{"another type", count, 7, Int32, 0, nil, "its type is float32 and should be int32"},
		{"no type", count, 7, 0, 0, nil, "should be none"},
		{"a narrower matrix", count, 7, Float32, int(count.idx[199]), nil, "columns that do not lie within"},
		{"fewer columns than values", count, 7, Float32, 199, nil, "200 values in 199 columns"},
		{"another width of a dense row", whole, 7, Float32, 201, nil, "200 columns and should have 201"},
		{"more values than bytes", count, 7, Float32, 0, func(r Row) { r[atCount+3] = 1 }, "sections"},
		{"one value less, and another length", count, 7, Float32, 0, func(r Row) { r[atCount] -= 40 }, "sections"},
		{"an unknown form", count, 7, Float32, 0, func(r Row) { r[atForm] = 7 }, "sections"},
		{"an unknown layout", count, 7, Float32, 0, func(r Row) { r[atLayout] = 8 }, "layout 8"},
		{"an escape too many", log, 7, Float32, 0, func(r Row) { r[headerSize+bytes.IndexByte(r[headerSize:], 3+256-gapBias)] = escape }, "columns"},
		{"an exception of another column", count, 7, Float32, 0, func(r Row) { s := r.mustParse(); s.columns[0]++ }, "columns"},
		{"an exception at another place", count, 7, Float32, 0, func(r Row) { s := r.mustParse(); s.positions[0]++ }, "columns"},
		{"an exception beyond the row", count, 7, Float32, 0, func(r Row) { s := r.mustParse(); s.positions[3] = 1 }, "columns"},
		{"a code beyond the dictionary", log, 7, Float32, 0, func(r Row) { s := r.mustParse(); s.values[3] = byte(len(s.dictionary)/4 + 1) }, "dictionary"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := Row(tc.row.encode(t, nil, 7))
			if tc.damage != nil {
				tc.damage(rec)
				seal(rec)
			}
			cols := tc.cols
			if cols == 0 {
				cols = tc.row.cols
			}
			if err := rec.Check(tc.number, tc.d, cols); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestNoRecordBeginsThere(t *testing.T) {
	row := sparseRow(rand.New(rand.NewPCG(1, 1)), Float32, "close", "counts", 100)
	rec := row.encode(t, nil, 1)
	for name, b := range map[string][]byte{
		"nothing": nil, "zeros": make([]byte, 64), "half a header": rec[:20], "a record that is cut": rec[:len(rec)-1],
		"a length of nothing": append(append(bytes.Clone(rec[:4]), 0, 0, 0, 0), rec[8:]...),
	} {
		if n, ok := Length(b); ok {
			t.Errorf("%s: a record of %d bytes", name, n)
		}
	}
}
