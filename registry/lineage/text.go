package lineage

import (
	"fmt"
	"io"
	"strings"

	"github.com/loaderd/loaderd/registry"
)

// Text writes the graph as two trees of lines: what the record was made from, and what was made from it. What stands further up
// already is named and not unfolded again.
func Text(w io.Writer, g *Graph) error {
	p := &printer{graph: g}
	for i := range g.Roots {
		p.line("", g.Nodes[i])
		for _, part := range []struct {
			title, none string
			back        bool
		}{{"made from", "made from nothing that is known", true}, {"used for", "used for nothing that is known", false}} {
			edges, left := g.Nodes[i].edges(part.back)
			if len(edges)+left == 0 {
				p.out.WriteString(part.none + "\n")
				continue
			}
			p.out.WriteString(part.title + "\n")
			p.done = map[int]bool{i: true}
			p.tree(i, part.back, "")
		}
		if i < g.Roots-1 {
			p.out.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

type printer struct {
	graph *Graph
	out   strings.Builder
	done  map[int]bool // nodes that are unfolded in this tree
}

func (n *Node) edges(back bool) ([]Edge, int) {
	if back {
		return n.From, n.LeftFrom
	}
	return n.Into, n.LeftInto
}

func (p *printer) tree(at int, back bool, indent string) {
	edges, left := p.graph.Nodes[at].edges(back)
	for i, e := range edges {
		branch, below := "├─ ", "│  "
		if i == len(edges)-1 && left == 0 {
			branch, below = "└─ ", "   "
		}
		n := p.graph.Nodes[e.To]
		p.out.WriteString(indent + branch)
		if e.Kind == Again {
			p.out.WriteString("again: ")
		}
		again := p.done[e.To]
		more, _ := n.edges(back)
		if again && len(more) > 0 {
			p.line(" (see above)", n)
			continue
		}
		p.line("", n)
		p.done[e.To] = true
		p.tree(e.To, back, indent+below)
	}
	if left > 0 {
		fmt.Fprintf(&p.out, "%s└─ … %d more\n", indent, left)
	}
}

func (p *printer) line(after string, n *Node) {
	fmt.Fprintf(&p.out, "%s %s  %s%s%s\n", n.Model, n.Record.UID(), oneLine(n.Title), n.note(", "), after)
}

// note is what else is told of a record: of a run when and whether it ended, of others the version and whether they are hidden.
func (n *Node) note(before string) string {
	var parts []string
	switch n.Model {
	case registry.ModelRun:
		if at := n.Record.Time("started_at"); !at.IsZero() {
			parts = append(parts, at.Format("2006-01-02 15:04"))
		}
		if s := n.Record.Text("status"); s != "finished" {
			parts = append(parts, s)
		}
	default:
		if v := n.Record.Text("version"); v != "" {
			parts = append(parts, "version "+v)
		}
		switch n.Record.Int("visibility") {
		case registry.Hidden:
			parts = append(parts, "hidden")
		case registry.Trash:
			parts = append(parts, "in the trash")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return before + strings.Join(parts, ", ")
}

// oneLine makes a text of a user's fit for one line of a terminal or a picture.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' ' // else it could steer the terminal, or turn the direction of what follows
		}
		return r
	}, s)
}
