package ipc

import (
	"fmt"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Record is the batch as an Arrow record: one column for each field, masks as nulls. It looks into the batch's memory, so it is
// valid until Release of the batch, whatever its own reference count; only booleans, validity and the tables of categories are
// copied. A batch with bfloat16 cannot be one.
//
//	dense   FixedSizeList<dtype>[width]
//	csr     List<Struct<column: int32, value: dtype>>
//	column  dtype; of codes: Dictionary<dtype, categories>, with null for code -1
func (b *Batch) Record() (arrow.Record, error) {
	var (
		fields  []arrow.Field
		columns []arrow.Array
	)
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i := range b.arena.schema {
		f := &b.arena.schema[i]
		if f.Kind == KindMask {
			continue
		}
		if arrowTypes[f.DType] == nil {
			return nil, &Error{
				Code: CodeUnsupported, Stage: "batch", Object: f.Name, Message: "Arrow has no type for " + f.DType,
				Hint: "start the stream with dtype float16 or float32",
			}
		}
		data, err := b.arrowData(f)
		if err != nil {
			return nil, err
		}
		columns = append(columns, array.MakeFromData(data))
		data.Release()
		fields = append(fields, arrow.Field{Name: f.Name, Type: data.DataType(), Nullable: data.NullN() > 0 || b.Mask(f.Name) != nil})
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(b.n)), nil
}

func (b *Batch) arrowData(f *Field) (*array.Data, error) {
	valid, nulls := packed(b.Mask(f.Name))
	switch f.Kind {
	case KindDense:
		m, err := b.Dense(f.Name)
		if err != nil {
			return nil, err
		}
		child := plainData(m.Array)
		defer child.Release()
		typ := arrow.FixedSizeListOf(int32(m.Cols), child.DataType())
		return array.NewData(typ, m.Rows, []*memory.Buffer{valid}, []arrow.ArrayData{child}, nulls, 0), nil
	case KindCSR:
		m, err := b.CSR(f.Name)
		if err != nil {
			return nil, err
		}
		return csrData(m, valid, nulls), nil
	default:
		c, err := b.Column(f.Name)
		if err != nil {
			return nil, err
		}
		if c.Categories != nil {
			return codedData(c)
		}
		d := plainData(c.Array)
		defer d.Release()
		bufs := []*memory.Buffer{valid, d.Buffers()[1]}
		return array.NewData(d.DataType(), d.Len(), bufs, nil, nulls, 0), nil
	}
}

// arrowTypes is Arrow's type for each dtype but bfloat16, for which it has none.
var arrowTypes = map[string]arrow.DataType{
	"bool": arrow.FixedWidthTypes.Boolean,
	"int8": arrow.PrimitiveTypes.Int8, "uint8": arrow.PrimitiveTypes.Uint8,
	"int16": arrow.PrimitiveTypes.Int16, "uint16": arrow.PrimitiveTypes.Uint16,
	"int32": arrow.PrimitiveTypes.Int32, "uint32": arrow.PrimitiveTypes.Uint32,
	"int64": arrow.PrimitiveTypes.Int64, "uint64": arrow.PrimitiveTypes.Uint64,
	"float16": arrow.FixedWidthTypes.Float16,
	"float32": arrow.PrimitiveTypes.Float32, "float64": arrow.PrimitiveTypes.Float64,
}

// plainData is a's numbers, without nulls.
func plainData(a Array) *array.Data {
	values := memory.NewBufferBytes(a.Bytes)
	if a.DType == "bool" {
		values, _ = packed(a.Bytes)
	}
	return array.NewData(arrowTypes[a.DType], a.Len(), []*memory.Buffer{nil, values}, nil, 0, 0)
}

func csrData(m CSR, valid *memory.Buffer, nulls int) *array.Data {
	values := plainData(m.Values)
	columns := plainData(Array{"int32", arrow.GetBytes(m.Indices)})
	defer values.Release()
	defer columns.Release()
	pair := array.NewData(arrow.StructOf(
		arrow.Field{Name: "column", Type: columns.DataType()}, arrow.Field{Name: "value", Type: values.DataType()},
	), len(m.Indices), []*memory.Buffer{nil}, []arrow.ArrayData{columns, values}, 0, 0)
	defer pair.Release()
	bufs := []*memory.Buffer{valid, memory.NewBufferBytes(arrow.GetBytes(m.Indptr))}
	return array.NewData(arrow.ListOf(pair.DataType()), m.Rows, bufs, []arrow.ArrayData{pair}, nulls, 0)
}

// codedData is a column of codes as a dictionary array.
func codedData(c Series) (*array.Data, error) {
	if c.DType == "bool" || c.DType[0] == 'f' {
		return nil, protocolErrorf("codes of %q are %s", c.Name, c.DType)
	}
	has := make([]byte, c.Len())
	for i := range has {
		if code := c.Int64(i); c.Has(i) && code >= 0 && code < int64(len(c.Categories)) {
			has[i] = 1
		}
	}
	valid, nulls := packed(has)
	table := categoryTable(c.Categories)
	defer table.Release()
	codes := plainData(c.Array)
	defer codes.Release()
	typ := &arrow.DictionaryType{IndexType: codes.DataType(), ValueType: table.DataType()}
	bufs := []*memory.Buffer{valid, codes.Buffers()[1]}
	return array.NewDataWithDictionary(typ, codes.Len(), bufs, nulls, 0, table.Data().(*array.Data)), nil
}

// categoryTable is int64, float64 or bool where all categories are, and text else.
func categoryTable(categories []any) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, categoryType(categories))
	defer b.Release()
	for _, c := range categories {
		switch b := b.(type) {
		case *array.Int64Builder:
			b.Append(c.(int64))
		case *array.Float64Builder:
			b.Append(c.(float64))
		case *array.BooleanBuilder:
			b.Append(c.(bool))
		case *array.StringBuilder:
			b.Append(categoryText(c))
		}
	}
	return b.NewArray()
}

func categoryType(categories []any) arrow.DataType {
	var typ arrow.DataType
	for _, c := range categories {
		var t arrow.DataType = arrow.BinaryTypes.String
		switch c.(type) {
		case int64:
			t = arrow.PrimitiveTypes.Int64
		case float64:
			t = arrow.PrimitiveTypes.Float64
		case bool:
			t = arrow.FixedWidthTypes.Boolean
		}
		if typ != nil && typ.ID() != t.ID() {
			return arrow.BinaryTypes.String
		}
		typ = t
	}
	if typ == nil {
		return arrow.BinaryTypes.String
	}
	return typ
}

func categoryText(c any) string {
	switch c := c.(type) {
	case string:
		return c
	case float64:
		return strconv.FormatFloat(c, 'g', -1, 64)
	}
	return fmt.Sprint(c)
}

// packed is bytes of 0 and 1 as Arrow's bits, and the number of zeros. Nil stays nil: all set.
func packed(bools []byte) (*memory.Buffer, int) {
	if bools == nil {
		return nil, 0
	}
	bits := make([]byte, bitutil.BytesForBits(int64(len(bools))))
	zeros := 0
	for i, v := range bools {
		if v == 0 {
			zeros++
		} else {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return memory.NewBufferBytes(bits), zeros
}
