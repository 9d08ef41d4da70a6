package mapped

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"slices"
	"sync"
)

// nameList is a list of variable names. Stores with the same list share one.
type nameList struct {
	names []string
	hash  [sha256.Size]byte
}

// interner makes equal lists the same *nameList.
type interner struct {
	mu    sync.Mutex
	lists map[[sha256.Size]byte]*nameList
}

func (t *interner) list(names []string) *nameList {
	h := sha256.New()
	var size [8]byte
	for _, name := range names {
		binary.LittleEndian.PutUint64(size[:], uint64(len(name)))
		h.Write(size[:])
		h.Write([]byte(name))
	}
	l := &nameList{names: names}
	h.Sum(l.hash[:0])
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.lists[l.hash]; known != nil {
		return known
	}
	if t.lists == nil {
		t.lists = make(map[[sha256.Size]byte]*nameList)
	}
	t.lists[l.hash] = l
	return l
}

// duplicate gives a name that occurs twice.
func (l *nameList) duplicate() (string, bool) {
	seen := make(map[string]struct{}, len(l.names))
	for _, name := range l.names {
		if _, ok := seen[name]; ok {
			return name, true
		}
		seen[name] = struct{}{}
	}
	return "", false
}

// colMap takes the columns of a store to those of the join and back; -1 is none.
type colMap struct {
	to   []int32 // per column of the store
	from []int32 // per joined column
	kept int     // columns of the store that have a place in the join
	// monotone says that the store's order survives, so that ascending columns stay ascending.
	monotone bool
}

// varJoin is the outcome of joining the variables of stores.
type varJoin struct {
	// names are the joined variables; nil with JoinNone.
	names []string
	// width of a row; with JoinNone, of the widest store.
	width int
	// maps has an entry per store; nil is "as they are" or "store without the matrix".
	maps []*colMap
	// uneven is, with JoinNone, a store whose width is not that of store even; -1 if none.
	even, uneven int
}

// joinVars joins lists[i], the variables of store i (nil when it has none to
// join). object names store i in errors. With a panel, its names are the columns,
// and join has no say.
func joinVars(join Join, panel []string, lists []*nameList, object func(i int) string) (*varJoin, error) {
	if panel != nil {
		return joinPanel(panel, lists, object)
	}
	out := newVarJoin(len(lists))
	first, same := -1, true
	for i, l := range lists {
		if l == nil {
			continue
		}
		if first < 0 {
			first = i
		}
		out.width = max(out.width, len(l.names))
		same = same && l == lists[first]
		if out.uneven < 0 && len(l.names) != len(lists[first].names) {
			out.even, out.uneven = first, i
		}
	}
	if first < 0 || join == JoinNone {
		return out, nil
	}
	out.uneven = -1
	if same {
		out.names = lists[first].names
		return out, nil
	}
	if join == JoinInner {
		if out.names = shared(lists, first); len(out.names) == 0 {
			return nil, noneShared(lists, first, object)
		}
	} else {
		out.names = union(lists)
	}
	for i, l := range distinct(lists) {
		if name, ok := l.duplicate(); ok {
			return nil, fail(ErrInvalid, stageJoin, object(i),
				"make the names unique (adata.var_names_make_unique()) or use join=None",
				"the variable %q occurs more than once, so it cannot be joined by name", name)
		}
	}
	out.width = len(out.names)
	out.mapColumns(lists)
	return out, nil
}

func newVarJoin(stores int) *varJoin {
	return &varJoin{maps: make([]*colMap, stores), even: -1, uneven: -1}
}

// distinct yields each list at its first store.
func distinct(lists []*nameList) iter.Seq2[int, *nameList] {
	return func(yield func(int, *nameList) bool) {
		seen := make(map[*nameList]bool)
		for i, l := range lists {
			if l == nil || seen[l] {
				continue
			}
			seen[l] = true
			if !yield(i, l) {
				return
			}
		}
	}
}

// shared are the names of the first list that all others hold, once each.
func shared(lists []*nameList, first int) []string {
	number := 0
	held := make(map[string]int, len(lists[first].names)) // by how many lists so far, if by all
	for _, l := range distinct(lists) {
		for _, name := range l.names {
			if held[name] == number {
				held[name] = number + 1
			}
		}
		number++
	}
	var out []string
	for _, name := range lists[first].names {
		if held[name] == number {
			out = append(out, name)
			held[name] = -1
		}
	}
	return out
}

// union is every name once, sorted by code point; a single list beside empty ones stays as it is, as it
// does for pandas.
func union(lists []*nameList) []string {
	var only []string
	filled := 0
	seen := make(map[string]struct{})
	out := []string{}
	for _, l := range distinct(lists) {
		if len(l.names) > 0 {
			only = l.names
			filled++
		}
		for _, name := range l.names {
			if _, ok := seen[name]; !ok {
				seen[name] = struct{}{}
				out = append(out, name)
			}
		}
	}
	if filled == 1 {
		return only
	}
	slices.Sort(out)
	return out
}

// noneShared names the first store at which the intersection is empty.
func noneShared(lists []*nameList, first int, object func(int) string) error {
	have := make(map[string]bool)
	for _, name := range lists[first].names {
		have[name] = true
	}
	at := first
	for i := first + 1; i < len(lists) && len(have) > 0; i++ {
		if lists[i] == nil {
			continue
		}
		next := make(map[string]bool)
		for _, name := range lists[i].names {
			if have[name] {
				next[name] = true
			}
		}
		have, at = next, i
	}
	example := func(l *nameList) string {
		return quoteList(l.names[:min(2, len(l.names))], ", ")
	}
	return fail(ErrNoSharedVars, stageJoin, object(at),
		`use join="outer", or check that all files name variables alike`,
		"no variable of the stores before it is here (%d names such as %s; the first store has %d such as %s)",
		len(lists[at].names), example(lists[at]), len(lists[first].names), example(lists[first]))
}

func (j *varJoin) mapColumns(lists []*nameList) {
	at := make(map[string]int32, len(j.names))
	for i, name := range j.names {
		at[name] = int32(i)
	}
	known := make(map[*nameList]*colMap)
	for i, l := range lists {
		if l == nil {
			continue
		}
		m, ok := known[l]
		if !ok {
			m = newColMap(l.names, at)
			known[l] = m
		}
		j.maps[i] = m
	}
}

// newColMap is nil when the names are the joined ones in their order.
func newColMap(names []string, at map[string]int32) *colMap {
	m := &colMap{to: make([]int32, len(names)), from: make([]int32, len(at)), monotone: true}
	for j := range m.from {
		m.from[j] = -1
	}
	last, identity := int32(-1), len(names) == len(at)
	for i, name := range names {
		j, ok := at[name]
		if !ok {
			m.to[i] = -1
			identity = false
			continue
		}
		m.to[i], m.from[j] = j, int32(i)
		m.kept++
		m.monotone = m.monotone && j > last
		identity = identity && int(j) == i
		last = j
	}
	if identity {
		return nil
	}
	return m
}
