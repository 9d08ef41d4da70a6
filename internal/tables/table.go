package tables

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrUnsupported is a file of a format that this package does not read.
var ErrUnsupported = errors.New("not a table of a known format")

// ErrBadFile is a file that is not what its name says, or is cut short.
var ErrBadFile = errors.New("bad file")

// Column is a column of a table. DType is "int", "float", "bool", "str", "cat", "datetime" or "object".
type Column struct {
	Name  string
	DType string
}

// Table is what a file says of its columns.
type Table struct {
	Columns []Column
	Rows    int64 // -1: the file does not say
}

// formats are the readers by suffix.
var formats = map[string]func(f *os.File, size int64) (*Table, error){
	".parquet": readParquet,
	".arrow":   readArrow,
	".feather": readArrow,
	".ipc":     readArrow,
	".csv":     func(f *os.File, _ int64) (*Table, error) { return readText(f, ',') },
	".tsv":     func(f *os.File, _ int64) (*Table, error) { return readText(f, '\t') },
}

// Known says whether files with the ending of this path are read.
func Known(path string) bool { return formats[strings.ToLower(filepath.Ext(path))] != nil }

// Read reads the columns of a file, whose ending says the format. It wraps ErrUnsupported, ErrBadFile, or an error of the
// file system.
func Read(path string) (*Table, error) {
	read := formats[strings.ToLower(filepath.Ext(path))]
	if read == nil {
		return nil, fmt.Errorf("%s: %w", path, ErrUnsupported)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: it is no regular file", path, ErrUnsupported)
	}
	t, err := read(f, fi.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// Where pandas keeps an index that has no name.
	t.Columns = slices.DeleteFunc(t.Columns, func(c Column) bool { return strings.HasPrefix(c.Name, "__index_level_") })
	return t, nil
}
