package lineage

import (
	"cmp"
	"slices"
)

// spot is a place in the picture: of a node, or of an edge on its way over a layer.
type spot struct {
	node  int // -1: of an edge
	layer int
	place int // in its layer, from above
	from  []*spot
	into  []*spot
	y     float64 // of the middle
	high  float64
}

// layout places the nodes of a graph in layers: what comes before lies further left.
type layout struct {
	graph  *Graph
	spots  []*spot // of the nodes, by number
	layers [][]*spot
}

// Measures of the picture, in pixels.
const (
	rowGap     = 14.0
	edgeHigh   = 6.0
	sweeps     = 12
	straighten = 8
)

func newLayout(g *Graph, high func(*Node) float64) *layout {
	l := &layout{graph: g}
	for i, n := range g.Nodes {
		l.spots = append(l.spots, &spot{node: i, high: high(n)})
	}
	l.assign()
	l.connect()
	for range sweeps {
		l.sweep(true)
		l.sweep(false)
	}
	l.stack()
	for range straighten {
		l.pull(true)
		l.pull(false)
	}
	return l
}

// assign gives each node the layer after the last of those that lead to it. Edges that would close a circle do not count; which
// these are depends on the order of the nodes alone.
func (l *layout) assign() {
	const (
		fresh = iota
		open
		done
	)
	state := make([]int, len(l.spots))
	var order []int // every node after all that it leads to
	var visit func(i int)
	visit = func(i int) {
		state[i] = open
		for _, e := range l.graph.Nodes[i].Into {
			if state[e.To] == fresh {
				visit(e.To)
			}
		}
		state[i] = done
		order = append(order, i)
	}
	for i := range l.spots {
		if state[i] == fresh {
			visit(i)
		}
	}
	slices.Reverse(order)
	rank := make([]int, len(order))
	for r, i := range order {
		rank[i] = r
	}
	for _, i := range order {
		for _, e := range l.graph.Nodes[i].Into {
			if rank[e.To] > rank[i] {
				l.spots[e.To].layer = max(l.spots[e.To].layer, l.spots[i].layer+1)
			}
		}
	}
	// What nothing leads to moves next to what it leads to.
	for _, i := range slices.Backward(order) {
		nearest := -1
		for _, e := range l.graph.Nodes[i].Into {
			if rank[e.To] > rank[i] && (nearest < 0 || l.spots[e.To].layer < nearest) {
				nearest = l.spots[e.To].layer
			}
		}
		if nearest > 0 && len(l.graph.Nodes[i].From) == 0 {
			l.spots[i].layer = nearest - 1
		}
	}
}

// connect fills the layers, and gives edges over several of them a spot in each.
func (l *layout) connect() {
	for _, s := range l.spots {
		l.put(s)
	}
	for i, n := range l.graph.Nodes {
		for _, e := range n.Into {
			from, to := l.spots[i], l.spots[e.To]
			if to.layer <= from.layer { // back, in a circle: it is drawn, and moves nothing
				continue
			}
			for from.layer+1 < to.layer {
				s := &spot{node: -1, layer: from.layer + 1, high: edgeHigh}
				l.put(s)
				join(from, s)
				from = s
			}
			join(from, to)
		}
	}
}

func (l *layout) put(s *spot) {
	for len(l.layers) <= s.layer {
		l.layers = append(l.layers, nil)
	}
	s.place = len(l.layers[s.layer])
	l.layers[s.layer] = append(l.layers[s.layer], s)
}

func join(from, to *spot) {
	from.into = append(from.into, to)
	to.from = append(to.from, from)
}

// sweep orders each layer by the middle of the places of its neighbours, from left to right or back.
func (l *layout) sweep(right bool) {
	for i := range l.layers {
		layer := l.layers[i]
		if !right {
			layer = l.layers[len(l.layers)-1-i]
		}
		middle := make(map[*spot]float64, len(layer))
		for _, s := range layer {
			near := s.from
			if !right {
				near = s.into
			}
			middle[s] = float64(s.place)
			if len(near) > 0 {
				sum := 0
				for _, n := range near {
					sum += n.place
				}
				middle[s] = float64(sum) / float64(len(near))
			}
		}
		slices.SortStableFunc(layer, func(a, b *spot) int { return cmp.Compare(middle[a], middle[b]) })
		for p, s := range layer {
			s.place = p
		}
	}
}

// stack puts the spots of each layer below each other, and the layers' middles at one height.
func (l *layout) stack() {
	for _, layer := range l.layers {
		y := 0.0
		for _, s := range layer {
			s.y = y + s.high/2
			y += s.high + rowGap
		}
		for _, s := range layer {
			s.y -= (y - rowGap) / 2
		}
	}
}

// pull moves spots towards their neighbours, as far as those above and below leave room.
func (l *layout) pull(right bool) {
	for i := range l.layers {
		layer := l.layers[i]
		if !right {
			layer = l.layers[len(l.layers)-1-i]
		}
		want := make([]float64, len(layer))
		for j, s := range layer {
			near := s.from
			if !right {
				near = s.into
			}
			want[j] = s.y
			if len(near) > 0 {
				sum := 0.0
				for _, n := range near {
					sum += n.y
				}
				want[j] = sum / float64(len(near))
			}
		}
		settle(layer, want)
	}
}

// block is spots that touch, and move as one.
type block struct {
	from, to int     // spots of the layer
	sum      float64 // of where their first spot would be, if each had its wish
	n        float64
}

// settle gives each spot the height it wants, and those that would lie upon each other the nearest that keeps them apart, in
// their order (pool adjacent violators).
func settle(layer []*spot, want []float64) {
	offset := make([]float64, len(layer)) // of a spot below the first, where all touch
	for j := 1; j < len(layer); j++ {
		offset[j] = offset[j-1] + (layer[j-1].high+layer[j].high)/2 + rowGap
	}
	var blocks []block
	for j := range layer {
		b := block{j, j + 1, want[j] - offset[j], 1}
		for len(blocks) > 0 {
			above := blocks[len(blocks)-1]
			if above.sum/above.n <= b.sum/b.n {
				break
			}
			b = block{above.from, b.to, above.sum + b.sum, above.n + b.n}
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	for _, b := range blocks {
		for j := b.from; j < b.to; j++ {
			layer[j].y = b.sum/b.n + offset[j]
		}
	}
}
