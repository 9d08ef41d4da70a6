package ipc

import (
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/float16"
)

// Array is numbers in shared memory, little-endian and without gaps.
type Array struct {
	DType string // numpy's name
	Bytes []byte // valid until the batch is released
}

// Series is one value a row.
type Series struct {
	Array
	Name       string
	Categories []any // what the codes in Array stand for; nil when they are the values
	Mask       []byte
}

// Dense is a matrix, row by row.
type Dense struct {
	Array
	Name       string
	Rows, Cols int
	Mask       []byte
}

// CSR is a sparse matrix: row i has Values[Indptr[i]:Indptr[i+1]] in the columns Indices[Indptr[i]:Indptr[i+1]], which
// ascend.
type CSR struct {
	Name       string
	Rows, Cols int
	Indptr     []int32
	Indices    []int32
	Values     Array
	Mask       []byte
}

// Element is what an [Array] may hold. A bool is a uint8 of 0 or 1, a bfloat16 a uint16: the upper half of a float32.
type Element interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64 | float16.Num
}

// As is a's numbers, without a copy: valid until the batch is released. The error names a's dtype when it is not T.
func As[T Element](a Array) ([]T, error) {
	want := dtypeOf[T]()
	if a.DType != want && !(want == "uint8" && a.DType == "bool") && !(want == "uint16" && a.DType == "bfloat16") {
		return nil, &Error{
			Code: CodeInvalidArgument, Stage: "batch", Object: a.DType, Message: fmt.Sprintf("the values are %s, not %s", a.DType, want),
			Hint: "ask for them as " + a.DType + ", or start the stream with this dtype",
		}
	}
	return arrow.GetData[T](a.Bytes), nil
}

func dtypeOf[T Element]() string {
	switch any(*new(T)).(type) {
	case float16.Num:
		return "float16"
	default:
		return fmt.Sprintf("%T", *new(T)) // Go's names of the others are numpy's
	}
}

// Len is the number of elements.
func (a Array) Len() int { return len(a.Bytes) / max(1, DTypeSize(a.DType)) }

// Float64 is element i, rounded where float64 has not enough digits.
func (a Array) Float64(i int) float64 {
	switch a.DType {
	case "float16":
		return float64(arrow.GetData[float16.Num](a.Bytes)[i].Float32())
	case "bfloat16":
		return float64(math.Float32frombits(uint32(arrow.GetData[uint16](a.Bytes)[i]) << 16))
	case "float32":
		return float64(arrow.GetData[float32](a.Bytes)[i])
	case "float64":
		return arrow.GetData[float64](a.Bytes)[i]
	case "uint64":
		return float64(arrow.GetData[uint64](a.Bytes)[i])
	}
	return float64(a.Int64(i))
}

// Int64 is element i, without its fraction; a uint64 above the range wraps.
func (a Array) Int64(i int) int64 {
	switch a.DType {
	case "bool", "uint8":
		return int64(a.Bytes[i])
	case "int8":
		return int64(int8(a.Bytes[i]))
	case "int16":
		return int64(arrow.GetData[int16](a.Bytes)[i])
	case "uint16":
		return int64(arrow.GetData[uint16](a.Bytes)[i])
	case "int32":
		return int64(arrow.GetData[int32](a.Bytes)[i])
	case "uint32":
		return int64(arrow.GetData[uint32](a.Bytes)[i])
	case "int64":
		return arrow.GetData[int64](a.Bytes)[i]
	case "uint64":
		return int64(arrow.GetData[uint64](a.Bytes)[i])
	}
	return int64(a.Float64(i))
}

// Format is element i for people.
func (a Array) Format(i int) string {
	switch a.DType {
	case "bool":
		return strconv.FormatBool(a.Bytes[i] != 0)
	case "float16", "bfloat16", "float32":
		return strconv.FormatFloat(a.Float64(i), 'g', -1, 32)
	case "float64":
		return strconv.FormatFloat(a.Float64(i), 'g', -1, 64)
	case "uint64":
		return strconv.FormatUint(uint64(a.Int64(i)), 10)
	}
	return strconv.FormatInt(a.Int64(i), 10)
}

// Has reports whether row i has a value.
func (c Series) Has(i int) bool { return c.Mask == nil || c.Mask[i] != 0 }

// Value is row i's value: the category of a code; an int64, uint64, float64 or bool else; nil for a row without a value, and
// for code -1.
func (c Series) Value(i int) any {
	if !c.Has(i) {
		return nil
	}
	if c.Categories != nil {
		if code := c.Int64(i); code >= 0 && code < int64(len(c.Categories)) {
			return c.Categories[code]
		}
		return nil
	}
	switch c.DType {
	case "bool":
		return c.Bytes[i] != 0
	case "float16", "bfloat16", "float32", "float64":
		return c.Float64(i)
	case "uint64":
		return uint64(c.Int64(i))
	}
	return c.Int64(i)
}

// Column is the column of that name: of obs, or _idx, or _store_idx.
func (b *Batch) Column(name string) (Series, error) {
	f, bufs, _, err := b.find(name, KindColumn)
	if err != nil {
		return Series{}, err
	}
	return Series{Array: Array{f.DType, bufs[0]}, Name: name, Categories: f.Categories, Mask: b.Mask(name)}, nil
}

// Dense is the matrix of that name: a layer in a stream of format "dense", or an obsm.
func (b *Batch) Dense(name string) (Dense, error) {
	f, bufs, _, err := b.find(name, KindDense)
	if err != nil {
		return Dense{}, err
	}
	return Dense{Array: Array{f.DType, bufs[0]}, Name: name, Rows: b.n, Cols: f.Width, Mask: b.Mask(name)}, nil
}

// CSR is the sparse matrix of that name: a layer in a stream of format "csr".
func (b *Batch) CSR(name string) (CSR, error) {
	f, bufs, nnz, err := b.find(name, KindCSR)
	if err != nil {
		return CSR{}, err
	}
	m := CSR{
		Name: name, Rows: b.n, Cols: f.Width, Indptr: arrow.GetData[int32](bufs[0]), Indices: arrow.GetData[int32](bufs[1]),
		Values: Array{f.DType, bufs[2]}, Mask: b.Mask(name),
	}
	if m.Indptr[0] != 0 || int(m.Indptr[b.n]) != nnz || nnz > math.MaxInt32 {
		return CSR{}, protocolErrorf("indptr of %q runs from %d to %d, with %d values", name, m.Indptr[0], m.Indptr[b.n], nnz)
	}
	return m, nil
}

// Mask says for each row whether the field of that name has a value there, 1 or 0; nil when every row of the
// collection has one. For "_idx", 0 marks a row that was repeated so that all ranks have equally many.
func (b *Batch) Mask(name string) []byte {
	at := 0
	for i := range b.arena.schema {
		f := &b.arena.schema[i]
		if f.Kind == KindMask && f.Of == name && !b.released.Load() {
			return b.frame[b.at[at] : b.at[at]+b.n : b.at[at]+b.n]
		}
		at += f.Kind.Buffers()
	}
	return nil
}
