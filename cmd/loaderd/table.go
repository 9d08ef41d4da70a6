package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// table is lines of cells under titles, aligned by what a terminal shows of them.
type table struct {
	titles []string
	right  []bool // columns of numbers
	rows   [][]string
}

// newTable makes a table; a title that begins with ">" is that of a column of numbers.
func newTable(titles ...string) *table {
	t := &table{titles: make([]string, len(titles)), right: make([]bool, len(titles))}
	for i, title := range titles {
		t.titles[i], t.right[i] = strings.TrimPrefix(title, ">"), strings.HasPrefix(title, ">")
	}
	return t
}

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = oneLine(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// narrowest is how far a column is cut where the terminal is too narrow for all.
const narrowest = 12

// print writes the table. On a terminal the widest columns are cut until a line fits.
func (t *table) print(out *os.File) error {
	widths := make([]int, len(t.titles))
	for _, row := range append([][]string{t.titles}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], cells(cell))
		}
	}
	if size, err := unix.IoctlGetWinsize(int(out.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
		fit(widths, int(size.Col))
	}
	var w strings.Builder
	t.line(&w, t.titles, widths)
	for _, row := range t.rows {
		t.line(&w, row, widths)
	}
	_, err := io.WriteString(out, w.String())
	return err
}

// gap is between two columns.
const gap = "  "

// fit narrows the widest columns until all of them have room.
func fit(widths []int, room int) {
	for {
		sum, widest := len(gap)*(len(widths)-1), 0
		for i, w := range widths {
			sum += w
			if w > widths[widest] {
				widest = i
			}
		}
		if sum <= room || widths[widest] <= narrowest {
			return
		}
		widths[widest] = max(narrowest, widths[widest]-(sum-room))
	}
}

func (t *table) line(w *strings.Builder, row []string, widths []int) {
	var line strings.Builder
	for i, cell := range row {
		cell = cut(cell, widths[i])
		pad := strings.Repeat(" ", widths[i]-cells(cell))
		if i > 0 {
			line.WriteString(gap)
		}
		if t.right[i] {
			cell, pad = pad, cell
		}
		line.WriteString(cell + pad)
	}
	w.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// cut shortens a text to a width.
func cut(s string, width int) string {
	if cells(s) <= width {
		return s
	}
	n := 0
	for i, r := range s {
		if n += wide(r); n > width-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// cells is how many places a terminal gives a text.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += wide(r)
	}
	return n
}

func wide(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
		return 2
	}
	return 1
}

// oneLine makes a text of the registry's fit for a line of a terminal, which it could steer else.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

// fields prints names and values, one a line.
func fields(out io.Writer, pairs [][2]string) error {
	widest := 0
	for _, p := range pairs {
		widest = max(widest, cells(p[0]))
	}
	var w strings.Builder
	for _, p := range pairs {
		fmt.Fprintf(&w, "%s%s  %s\n", p[0], strings.Repeat(" ", widest-cells(p[0])), oneLine(p[1]))
	}
	_, err := io.WriteString(out, w.String())
	return err
}
