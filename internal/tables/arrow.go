package tables

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
)

const arrowMagic = "ARROW1"

// arrowDTypes are ours for the types of Arrow's Schema.fbs, by their number in its union; the others are objects.
var arrowDTypes = map[byte]string{
	2: "int", 3: "float", 5: "str", 6: "bool", 7: "float", 8: "datetime", 10: "datetime", 20: "str", 24: "str",
}

// readArrow reads the footer of Arrow's file format, which Feather 2 is too
// (https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format).
func readArrow(f *os.File, size int64) (*Table, error) {
	var magic [len(arrowMagic)]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil || string(magic[:]) != arrowMagic {
		return nil, fmt.Errorf("%w: it does not begin as Arrow files do (Feather 1 is not read)", ErrBadFile)
	}
	var tail [4 + len(arrowMagic)]byte
	if size < int64(2*len(tail)) {
		return nil, fmt.Errorf("%w: %d bytes are no Arrow file", ErrBadFile, size)
	}
	end := size - int64(len(tail))
	if _, err := f.ReadAt(tail[:], end); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if string(tail[4:]) != arrowMagic || n > end || n > maxFooter {
		return nil, fmt.Errorf("%w: it does not end as Arrow files do", ErrBadFile)
	}
	footer := make([]byte, n)
	if _, err := f.ReadAt(footer, end-n); err != nil {
		return nil, err
	}
	return parseArrowFooter(footer)
}

// parseArrowFooter reads the columns of a Footer (File.fbs, Schema.fbs).
func parseArrowFooter(b []byte) (*Table, error) {
	r := &flat{b: b}
	t := &Table{Rows: -1, Columns: r.columns(r.table(r.field(r.table(0), 1)))}
	if r.err == nil && len(t.Columns) == 0 {
		r.fail("its footer names no columns")
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadFile, r.err)
	}
	return t, nil
}

// columns reads those of a Schema (Schema.fbs).
func (r *flat) columns(schema int64) []Column {
	fields, n := r.vector(r.field(schema, 1))
	var out []Column
	names := 0
	for i := int64(0); i < n && r.err == nil; i++ {
		field := r.table(fields + 4*i)
		name := r.text(r.field(field, 0))
		if names += len(name); names > len(r.b) {
			r.fail("names that lie in each other")
		}
		dtype := "object"
		if at := r.field(field, 2); at > 0 {
			if d, ok := arrowDTypes[r.u8(at)]; ok {
				dtype = d
			}
		}
		if r.field(field, 4) > 0 {
			dtype = "cat"
		}
		out = append(out, Column{name, dtype})
	}
	return out
}

// noNumbers are the columns that Arrow's note to a Parquet file calls objects: its schema as a message of the stream format, in base64.
// Parquet has durations as bare whole numbers.
func noNumbers(note []byte) map[string]bool {
	b, err := base64.StdEncoding.DecodeString(string(note))
	if err != nil {
		return nil // a note is no reason not to read the file
	}
	if bytes.HasPrefix(b, []byte("\xff\xff\xff\xff")) && len(b) > 8 { // since Arrow 0.15; then the length
		b = b[8:]
	}
	r := &flat{b: b}
	const isSchema = 1
	message := r.table(0)
	if at := r.field(message, 1); at == 0 || r.u8(at) != isSchema {
		return nil
	}
	found := make(map[string]bool)
	for _, c := range r.columns(r.table(r.field(message, 2))) {
		if c.DType == "object" {
			found[c.Name] = true
		}
	}
	if r.err != nil {
		return nil
	}
	return found
}
