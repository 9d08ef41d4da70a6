package lineage

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/loaderd/loaderd/registry"
)

// Measures of the picture, in pixels. Texts are of fixed width, so that boxes fit without knowing the font.
const (
	letter    = 7.0 // width of one at 11.5 px
	lineHigh  = 16.0
	padding   = 8.0
	layerGap  = 56.0
	laneHigh  = 10.0
	margin    = 16.0
	mostTitle = 34 // letters
)

// colours of the boxes, by model.
var colours = map[registry.Model]struct{ fill, line string }{
	registry.ModelArtifact:   {"#e8f1fb", "#3b78b5"},
	registry.ModelCollection: {"#eaf6ec", "#3f8f55"},
	registry.ModelRun:        {"#fdf3e3", "#b97a1c"},
}

// box is a node in the picture.
type box struct {
	x, width float64
	lines    []string
}

// SVG writes the graph as a picture that stands for itself: no script, no font, nothing from elsewhere.
func SVG(w io.Writer, g *Graph) error {
	l := newLayout(g, func(n *Node) float64 { return 2*padding + lineHigh*float64(len(n.lines())) })
	boxes, width := place(g, l)
	top, bottom := 0.0, 0.0
	for _, layer := range l.layers {
		for _, s := range layer {
			top, bottom = min(top, s.y-s.high/2), max(bottom, s.y+s.high/2)
		}
	}
	lanes := l.back() * laneHigh // above all boxes
	for _, layer := range l.layers {
		for _, s := range layer {
			s.y += margin + lanes - top
		}
	}
	high := bottom - top + lanes + 2*margin
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11.5">`+"\n",
		width, high, width, high)
	out.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#667"/></marker></defs>` + "\n")
	out.WriteString(`<rect width="100%" height="100%" fill="#ffffff"/>` + "\n")
	lane := margin
	for i, n := range g.Nodes {
		for _, e := range n.Into {
			var way string
			if l.spots[e.To].layer > l.spots[i].layer {
				way = l.through(boxes, i, e)
			} else {
				way = l.above(boxes, i, e, lane)
				lane += laneHigh
			}
			fmt.Fprintf(&out, `<path d="%s" fill="none" stroke="#667" stroke-width="1.2"%s marker-end="url(#tip)"/>`+"\n", way, e.Kind.style())
		}
	}
	for i, n := range g.Nodes {
		writeBox(&out, boxes[i], l.spots[i], n, i < g.Roots)
	}
	out.WriteString("</svg>\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// lines are what a box says.
func (n *Node) lines() []string {
	lines := []string{shortened(n.Title)}
	if note := n.note(""); note != "" {
		lines = append(lines, note)
	}
	lines = append(lines, string(n.Model)+" "+n.Record.UID())
	if n.LeftFrom > 0 {
		lines = append(lines, fmt.Sprintf("from %d more", n.LeftFrom))
	}
	if n.LeftInto > 0 {
		lines = append(lines, fmt.Sprintf("into %d more", n.LeftInto))
	}
	return lines
}

// shortened keeps the beginning and the end of a long text: of keys, the end says more.
func shortened(s string) string {
	r := []rune(oneLine(s))
	if len(r) <= mostTitle {
		return string(r)
	}
	const begin = 12
	return string(r[:begin]) + "…" + string(r[len(r)-(mostTitle-begin-1):])
}

// wide is the width of a text in letters: those of East Asia take two.
func wide(s string) float64 {
	n := 0.0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r >= 0x1100 && (unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300):
			n += 2
		default:
			n++
		}
	}
	return n
}

// place gives boxes their width, and each layer room for its widest.
func place(g *Graph, l *layout) ([]box, float64) {
	boxes := make([]box, len(g.Nodes))
	x := margin
	for _, layer := range l.layers {
		widest := 0.0
		for _, s := range layer {
			if s.node < 0 {
				continue
			}
			b := &boxes[s.node]
			b.x, b.lines = x, g.Nodes[s.node].lines()
			for _, line := range b.lines {
				b.width = max(b.width, 2*padding+letter*wide(line))
			}
			widest = max(widest, b.width)
		}
		for _, s := range layer {
			if s.node >= 0 {
				boxes[s.node].width = widest // so that edges begin and end in line
			}
		}
		x += widest + layerGap
	}
	return boxes, x - layerGap + margin
}

func writeBox(w io.Writer, b box, s *spot, n *Node, root bool) {
	c, width := colours[n.Model], 1.2
	if root {
		width = 3
	}
	round := 4.0
	if n.Model == registry.ModelRun {
		round = s.high / 2
	}
	dash := ""
	if n.Record.Int("visibility") != registry.Visible {
		dash = ` stroke-dasharray="4 3"`
	}
	y := s.y - s.high/2
	fmt.Fprintf(w, `<g><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f" fill="%s" stroke="%s" stroke-width="%.1f"%s/>`,
		escape(oneLine(n.Title)), b.x, y, b.width, s.high, min(round, 14), c.fill, c.line, width, dash)
	for i, line := range b.lines {
		colour := "#556"
		if i == 0 {
			colour = "#112"
		}
		fmt.Fprintf(w, `<text x="%.1f" y="%.1f" fill="%s">%s</text>`, b.x+padding, y+padding+lineHigh*float64(i)+lineHigh*0.72, colour, escape(line))
	}
	io.WriteString(w, "</g>\n")
}

// style is how lines of a kind are drawn.
func (k Kind) style() string {
	switch k {
	case Member:
		return ` stroke-dasharray="5 3"`
	case Again:
		return ` stroke-dasharray="1.5 3"`
	}
	return ""
}

// back counts the edges that do not lead to the right: those of circles.
func (l *layout) back() float64 {
	n := 0.0
	for i, node := range l.graph.Nodes {
		for _, e := range node.Into {
			if l.spots[e.To].layer <= l.spots[i].layer {
				n++
			}
		}
	}
	return n
}

// through is a curve from one box to another through the spots in between.
func (l *layout) through(boxes []box, from int, e Edge) string {
	var w strings.Builder
	at, to := l.spots[from], l.spots[e.To]
	x, y := boxes[from].x+boxes[from].width, at.y
	fmt.Fprintf(&w, "M%.1f %.1f", x, y)
	for _, s := range way(at, to) {
		nx := l.left(boxes, s.layer)
		fmt.Fprintf(&w, "C%.1f %.1f %.1f %.1f %.1f %.1f", x+layerGap/2, y, nx-layerGap/2, s.y, nx, s.y)
		x, y = nx, s.y
		if s != to { // straight past the boxes of its layer
			x = l.right(boxes, s.layer)
			fmt.Fprintf(&w, "L%.1f %.1f", x, y)
		}
	}
	return w.String()
}

// above is a curve back from one box to another, over all others.
func (l *layout) above(boxes []box, from int, e Edge, lane float64) string {
	x, y := boxes[from].x+boxes[from].width, l.spots[from].y
	tx, ty := boxes[e.To].x, l.spots[e.To].y
	return fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fL%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f",
		x, y, x+margin, y, x+margin, lane, x, lane, tx, lane, tx-margin, lane, tx-margin, ty, tx, ty)
}

// way is the spots from one node to another: those in between, and the last.
func way(from, to *spot) []*spot {
	for _, s := range from.into {
		way := []*spot{s}
		for last := s; last.node < 0; {
			last = last.into[0]
			way = append(way, last)
		}
		if way[len(way)-1] == to {
			return way
		}
	}
	return []*spot{to}
}

// left and right are where the boxes of a layer begin and end. Every layer has one.
func (l *layout) left(boxes []box, layer int) float64 { return l.boxOf(boxes, layer).x }

func (l *layout) right(boxes []box, layer int) float64 {
	b := l.boxOf(boxes, layer)
	return b.x + b.width
}

func (l *layout) boxOf(boxes []box, layer int) box {
	for _, s := range l.layers[layer] {
		if s.node >= 0 {
			return boxes[s.node]
		}
	}
	return box{}
}

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// escape makes text fit for XML, which has no place for what is not a character.
func escape(s string) string {
	return escapes.Replace(strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || r == 0xfffe || r == 0xffff {
			return '?'
		}
		return r
	}, s))
}
