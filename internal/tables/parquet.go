package tables

import (
	"encoding/binary"
	"fmt"
	"os"
)

// maxFooter bounds what is read of a Parquet file: its description, which counts columns and not rows, but for row groups.
const maxFooter = 256 << 20

// The numbers of Parquet's types (parquet.thrift).
const (
	parquetBoolean = 0
	parquetInt32   = 1
	parquetInt64   = 2
	parquetInt96   = 3
	parquetFloat   = 4
	parquetDouble  = 5

	convertedUTF8            = 0
	convertedDecimal         = 5
	convertedDate            = 6
	convertedTimeMillis      = 7
	convertedTimeMicros      = 8
	convertedTimestampMillis = 9
	convertedTimestampMicros = 10

	logicalString    = 1
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalUnknown   = 11 // of columns that hold nothing
)

// schemaElement is a node of the tree of columns, which Parquet stores in depth-first order.
type schemaElement struct {
	name      string
	kind      int64 // -1: a group
	children  int64
	converted int64 // -1: none
	logical   int16 // the field of the union that is set; 0: none
}

func readParquet(f *os.File, size int64) (*Table, error) {
	var tail [8]byte
	if size < 12 {
		return nil, fmt.Errorf("%w: %d bytes are no Parquet file", ErrBadFile, size)
	}
	if _, err := f.ReadAt(tail[:], size-8); err != nil {
		return nil, err
	}
	if string(tail[4:]) != "PAR1" {
		return nil, fmt.Errorf("%w: it does not end as Parquet files do", ErrBadFile)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n > size-12 || n > maxFooter {
		return nil, fmt.Errorf("%w: a description of %d bytes in a file of %d", ErrBadFile, n, size)
	}
	footer := make([]byte, n)
	if _, err := f.ReadAt(footer, size-8-n); err != nil {
		return nil, err
	}
	return parseFooter(footer)
}

// parseFooter reads the schema, the number of rows, and the note of pandas of a FileMetaData.
func parseFooter(b []byte) (*Table, error) {
	r := &compact{b: b}
	t := &Table{Rows: -1}
	var elements []schemaElement
	var categories, objects map[string]bool
	r.fields(func(id int16, kind byte) {
		switch {
		case id == 2 && kind == compactList:
			r.list(func(kind byte) { elements = append(elements, r.schemaElement(kind)) })
		case id == 3 && kind == compactI64:
			t.Rows = r.zigzag()
		case id == 5 && kind == compactList:
			r.list(func(kind byte) {
				switch key, value := r.keyValue(kind); key {
				case "pandas":
					categories = categorical(value)
				case "ARROW:schema":
					objects = noNumbers(value)
				}
			})
		default:
			r.skip(kind, 0)
		}
	})
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadFile, r.err)
	}
	if len(elements) == 0 || t.Rows < 0 {
		return nil, fmt.Errorf("%w: its description names no columns", ErrBadFile)
	}
	at := 1
	for range elements[0].children {
		if at >= len(elements) {
			return nil, fmt.Errorf("%w: its description ends before its columns do", ErrBadFile)
		}
		c := Column{elements[at].name, elements[at].dtype()}
		if categories[c.Name] {
			c.DType = "cat"
		} else if c.DType == "int" && objects[c.Name] {
			c.DType = "object"
		}
		t.Columns = append(t.Columns, c)
		for open := int64(1); open > 0; open-- { // over all below
			if at >= len(elements) {
				return nil, fmt.Errorf("%w: its description ends before its columns do", ErrBadFile)
			}
			open += elements[at].children
			at++
		}
	}
	return t, nil
}

func (r *compact) schemaElement(kind byte) schemaElement {
	e := schemaElement{kind: -1, converted: -1}
	if kind != compactStruct {
		r.fail("a list of columns that are no structs")
		return e
	}
	r.fields(func(id int16, kind byte) {
		switch {
		case id == 1 && kind == compactI32:
			e.kind = r.zigzag()
		case id == 4 && kind == compactBinary:
			e.name = string(r.bytes())
		case id == 5 && kind == compactI32:
			if e.children = r.zigzag(); e.children < 0 || e.children > int64(len(r.b)) {
				r.fail("a number of columns that can not be")
			}
		case id == 6 && kind == compactI32:
			e.converted = r.zigzag()
		case id == 10 && kind == compactStruct:
			r.fields(func(id int16, kind byte) {
				e.logical = id
				r.skip(kind, 0)
			})
		default:
			r.skip(kind, 0)
		}
	})
	return e
}

// keyValue reads a note of whoever wrote the file.
func (r *compact) keyValue(kind byte) (key string, value []byte) {
	if kind != compactStruct {
		r.fail("a list of notes that are no structs")
		return "", nil
	}
	r.fields(func(id int16, kind byte) {
		switch {
		case id == 1 && kind == compactBinary:
			key = string(r.bytes())
		case id == 2 && kind == compactBinary:
			value = r.bytes()
		default:
			r.skip(kind, 0)
		}
	})
	return key, value
}

func (e schemaElement) dtype() string {
	if e.children > 0 || e.kind < 0 {
		return "object"
	}
	switch e.logical {
	case logicalString:
		return "str"
	case logicalDate, logicalTimestamp:
		return "datetime"
	case logicalDecimal:
		return "float"
	case logicalTime, logicalUnknown:
		return "object"
	}
	switch e.converted {
	case convertedUTF8:
		return "str"
	case convertedDate, convertedTimestampMillis, convertedTimestampMicros:
		return "datetime"
	case convertedDecimal:
		return "float"
	case convertedTimeMillis, convertedTimeMicros:
		return "object"
	}
	switch e.kind {
	case parquetBoolean:
		return "bool"
	case parquetInt32, parquetInt64:
		return "int"
	case parquetInt96:
		return "datetime"
	case parquetFloat, parquetDouble:
		return "float"
	}
	return "object"
}
