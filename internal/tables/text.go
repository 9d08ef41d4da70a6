package tables

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// What is read of a text: enough to guess types from, whatever its length.
const (
	headBytes = 1 << 20
	headRows  = 1000
)

// readText takes the first row for the names of columns, and guesses types from those below, as pandas does by default.
func readText(r io.Reader, comma rune) (*Table, error) {
	head := &io.LimitedReader{R: r, N: headBytes}
	c := csv.NewReader(head)
	c.Comma, c.FieldsPerRecord, c.ReuseRecord = comma, -1, true
	row, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it is empty", ErrBadFile)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	t := &Table{Rows: -1}
	for _, name := range row {
		t.Columns = append(t.Columns, Column{Name: strings.Clone(strings.TrimPrefix(name, "\ufeff"))})
	}
	guesses := make([]guess, len(t.Columns))
	for n := 0; n < headRows; n++ {
		row, err := c.Read()
		if err != nil && head.N <= 0 || errors.Is(err, io.EOF) {
			break // the end of the file, or in the middle of a row at the end of its head
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
		}
		for i := range min(len(row), len(guesses)) {
			guesses[i].see(row[i])
		}
	}
	for i := range t.Columns {
		t.Columns[i].DType = guesses[i].dtype()
	}
	return t, nil
}

// guess is what the values of a column seen so far are not.
type guess struct {
	notInt, notFloat, notBool, notTime bool
	gaps, any                          bool
}

func (g *guess) see(v string) {
	switch v {
	case "", "NA", "NaN", "nan", "null", "NULL", "None", "N/A", "<NA>":
		g.gaps = true
		return
	}
	g.any = true
	if !g.notInt {
		_, err := strconv.ParseInt(v, 10, 64)
		g.notInt = err != nil
	}
	if !g.notFloat {
		_, err := strconv.ParseFloat(v, 64)
		g.notFloat = err != nil
	}
	g.notBool = g.notBool || !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false")
	if !g.notTime {
		g.notTime = !isTime(v)
	}
}

func isTime(v string) bool {
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if _, err := time.Parse(layout, v); err == nil {
			return true
		}
	}
	return false
}

func (g *guess) dtype() string {
	switch {
	case !g.any:
		return "object"
	case !g.notInt && !g.gaps:
		return "int"
	case !g.notFloat:
		return "float" // also whole numbers with gaps, which pandas has as floats
	case !g.notBool && !g.gaps:
		return "bool"
	case !g.notTime:
		return "datetime"
	}
	return "str"
}
