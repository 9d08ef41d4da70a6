package tables

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plain are the columns of the tests' frame, as pandas wrote it.
func plain(categories string) []Column {
	return []Column{
		{"cell_type", categories}, {"n_counts", "int"}, {"score", "float"}, {"ok", "bool"}, {"name", "str"}, {"when", "datetime"}, {"small", "int"},
	}
}

func TestTheColumnsOfAFileAreThoseThatPandasWrote(t *testing.T) {
	nested := []Column{{"a", "object"}, {"s", "object"}, {"d", "float"}, {"b", "object"}, {"t", "object"}, {"z", "float"}}
	empty := []Column{{"n", "int"}, {"nothing", "object"}, {"took", "object"}, {"f", "float"}}
	for _, tc := range []struct {
		file string
		want []Column
		rows int64
	}{
		{"plain.parquet", plain("cat"), 3},
		{"indexed.parquet", plain("cat"), 3},
		{"nested.parquet", nested, 2},
		{"plain.feather", plain("cat"), -1},
		{"nested.arrow", nested, -1},
		{"timedelta.parquet", empty, 2},
		{"timedelta.feather", empty, -1},
		{"duration.parquet", empty, 2}, // as pyarrow writes it without pandas
		{"plain.csv", plain("str"), -1},
		{"indexed.tsv", append([]Column{{"", "str"}}, plain("str")...), -1},
	} {
		t.Run(tc.file, func(t *testing.T) {
			got, err := Read(filepath.Join("testdata", tc.file))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Columns, tc.want) || got.Rows != tc.rows {
				t.Errorf("got %+v, want %v", got, tc.want)
			}
		})
	}
}

func TestTheTypesOfATextAreGuessed(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"whole numbers", "x\n1\n-2\n", "int"},
		{"whole numbers with gaps", "x,y\n1,a\n,b\n", "float"},
		{"numbers", "x\n1\n2.5e3\n", "float"},
		{"numbers and words", "x\n1\ntwo\n", "str"},
		{"truth", "x\nTrue\nfalse\n", "bool"},
		{"days", "x\n2026-01-31\n2026-02-01\n", "datetime"},
		{"nothing", "x,y\n,1\n", "object"},
		{"a head alone", "x\n", "object"},
		{"a quoted line", "x\n\"a\nb\"\n", "str"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readText(strings.NewReader(tc.text), ',')
			if err != nil || got.Columns[0] != (Column{"x", tc.want}) {
				t.Errorf("got %v, %v; want %s", got, err, tc.want)
			}
		})
	}
}

func TestOnlyTheHeadOfATextIsRead(t *testing.T) {
	line := strings.Repeat("1,", 5000) + "1\n"
	r := strings.NewReader("x" + strings.Repeat(",y", 5000) + "\n" + strings.Repeat(line, 1000))
	got, err := readText(r, ',')
	if err != nil || len(got.Columns) != 5001 || got.Columns[0].DType != "int" {
		t.Fatal(err)
	}
	if read := r.Size() - int64(r.Len()); read > headBytes+1<<16 {
		t.Errorf("read %d bytes", read)
	}
}

func TestAFileThatIsNoTableIsAnError(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile("testdata/plain.parquet")
	if err != nil {
		t.Fatal(err)
	}
	feather, err := os.ReadFile("testdata/plain.feather")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		content []byte
		want    error
	}{
		{"x.h5ad", nil, ErrUnsupported},
		{"empty.parquet", nil, ErrBadFile},
		{"empty.csv", nil, ErrBadFile},
		{"empty.feather", nil, ErrBadFile},
		{"cut.parquet", whole[:len(whole)-1], ErrBadFile},
		{"tail.parquet", whole[len(whole)-100:], ErrBadFile},
		{"zeros.parquet", append(bytes.Repeat([]byte{0}, 100), 50, 0, 0, 0, 'P', 'A', 'R', '1'), ErrBadFile},
		{"text.parquet", []byte("this is not a table at all"), ErrBadFile},
		{"cut.feather", feather[:len(feather)-20], ErrBadFile},
		{"missing.csv", nil, os.ErrNotExist},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(dir, tc.name)
			if tc.want != os.ErrNotExist {
				if err := os.WriteFile(path, tc.content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := Read(path); !errors.Is(err, tc.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	if _, err := Read(dir); err == nil {
		t.Error("a folder was read")
	}
}

// Whatever the bytes are, there is an answer, and it costs memory in proportion to them.
func FuzzFooter(f *testing.F) {
	for _, name := range []string{"plain.parquet", "nested.parquet", "duration.parquet"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		n := int(b[len(b)-8]) | int(b[len(b)-7])<<8
		f.Add(b[len(b)-8-n : len(b)-8])
	}
	f.Add(bytes.Repeat([]byte{0x19, 0x1c}, 200))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseFooter(b)
		if err == nil && (len(got.Columns) > len(b) || got.Rows < 0) {
			t.Errorf("%d columns of %d bytes, %d rows", len(got.Columns), len(b), got.Rows)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"), true)
	f.Add([]byte("\xef\xbb\xbfa\tb\n\"1\n2\"\t\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, commas bool) {
		comma := '\t'
		if commas {
			comma = ','
		}
		got, err := readText(bytes.NewReader(b), comma)
		if err == nil && len(got.Columns) == 0 {
			t.Error("a table of no columns")
		}
	})
}

func FuzzArrowFooter(f *testing.F) {
	for _, name := range []string{"plain.feather", "nested.arrow"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		end := len(b) - 10
		n := int(b[end]) | int(b[end+1])<<8
		f.Add(b[end-n : end])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseArrowFooter(b)
		if err == nil && (len(got.Columns) == 0 || len(got.Columns) > len(b)) {
			t.Errorf("%d columns of %d bytes", len(got.Columns), len(b))
		}
	})
}
