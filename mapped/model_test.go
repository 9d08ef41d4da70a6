package mapped

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// A plain model of a collection: every matrix as rows of (variable, value) in
// stored order.
type modelStore struct {
	vars     []string
	dense    bool
	or       bool // booleans: repeated values are or-ed
	byColumn bool // stored as CSC
	rows     [][]modelEntry
	file     *memFile
}

type modelEntry struct {
	col int
	val float64
}

var (
	allTypes   = []dtype{boolType, int8Type, int16Type, int32Type, int64Type, uint8Type, uint16Type, uint32Type, uint64Type, float16Type, float32Type, float64Type}
	indexTypes = []dtype{int8Type, int16Type, int32Type, int64Type, uint8Type, uint16Type, uint32Type, uint64Type}
)

// toRaw stores small whole numbers as d, by casts that convert_test.go checks.
func toRaw(vals []float64, d dtype) []byte {
	src := alignedBytes(len(vals) * 8)
	copy(view[float64](src), vals)
	out := alignedBytes(len(vals) * d.size())
	casterFor(d, float64Type)(out, src, len(vals))
	return out
}

// randomStorage of a vector or matrix.
func randomStorage(r *rand.Rand, dims ...int64) storage {
	s := storage{bigEndian: r.IntN(4) == 0}
	switch r.IntN(3) {
	case 0:
		s.run = 1 + r.Int64N(40)
	case 1:
		for _, d := range dims {
			s.chunks = append(s.chunks, 1+r.Int64N(d+2))
		}
	default:
		s.bigEndian = false // read whole, which is native
	}
	return s
}

func randomStore(r *rand.Rand, universe []string, path string) *modelStore {
	m := &modelStore{dense: r.IntN(3) == 0, file: &memFile{}}
	m.byColumn = !m.dense && r.IntN(2) == 0
	m.vars = slices.Clone(universe)
	if r.IntN(3) > 0 {
		r.Shuffle(len(m.vars), func(i, j int) { m.vars[i], m.vars[j] = m.vars[j], m.vars[i] })
	}
	m.vars = m.vars[:2+r.IntN(len(m.vars)-1)]
	d := pick(r, allTypes...)
	m.or = d == boolType
	n, width := r.IntN(12), len(m.vars)
	unsorted, repeats := r.IntN(2) == 0, r.IntN(3) == 0
	for range n {
		var row []modelEntry
		for c := range width {
			v := float64(r.IntN(20))
			if m.or {
				v = float64(r.IntN(2))
			}
			if m.dense || r.IntN(2) == 0 {
				row = append(row, modelEntry{c, v})
				if !m.dense && repeats && r.IntN(3) == 0 {
					row = append(row, modelEntry{c, v})
				}
			}
		}
		if unsorted && !m.dense {
			r.Shuffle(len(row), func(i, j int) { row[i], row[j] = row[j], row[i] })
		}
		m.rows = append(m.rows, row)
	}
	m.write(r, d)
	return m
}

// write puts the store into its memFile as AnnData would.
func (m *modelStore) write(r *rand.Rand, d dtype) {
	f := m.file
	f.top = newMemGroup(f, "")
	n, width := int64(len(m.rows)), int64(len(m.vars))
	for _, frame := range []struct {
		name  string
		index []string
	}{{"obs", make([]string, n)}, {"var", m.vars}} {
		g := f.top.group(frame.name)
		g.texts["_index"] = "id"
		g.strings("id", frame.index...)
		if frame.name == "var" {
			g.strings("key", m.keys()...)
		}
	}
	var vals, idx []float64
	ptr := []float64{0}
	for _, row := range m.rows {
		for _, e := range row {
			vals, idx = append(vals, e.val), append(idx, float64(e.col))
		}
		ptr = append(ptr, float64(len(vals)))
	}
	if m.dense {
		f.top.numbers("X", d, toRaw(vals, d), randomStorage(r, n, width), n, width)
		return
	}
	x := f.top.group("X")
	x.texts["encoding-type"], x.ints["shape"] = "csr_matrix", []int64{n, width}
	if m.byColumn {
		x.texts["encoding-type"] = "csc_matrix"
		vals, idx, ptr = m.columns()
		n = width
	}
	id, pd, nnz := pick(r, indexTypes...), pick(r, int32Type, int64Type), int64(len(vals))
	x.numbers("data", d, toRaw(vals, d), randomStorage(r, nnz), nnz)
	x.numbers("indices", id, toRaw(idx, id), randomStorage(r, nnz), nnz)
	x.numbers("indptr", pd, toRaw(ptr, pd), storage{run: 3}, n+1)
}

// keys are other names of the variables, for var_key, in another order of the code points.
func (m *modelStore) keys() []string {
	out := make([]string, len(m.vars))
	for i, name := range m.vars {
		out[i] = keyOf(name)
	}
	return out
}

func keyOf(name string) string { return fmt.Sprintf("%03d", 999-int([]rune(name)[0])) + name }

// columns are data, indices and indptr of the store by columns.
func (m *modelStore) columns() (vals, idx, ptr []float64) {
	ptr = []float64{0}
	for col := range m.vars {
		for row, entries := range m.rows {
			for _, e := range entries {
				if e.col == col {
					vals, idx = append(vals, e.val), append(idx, float64(row))
				}
			}
		}
		ptr = append(ptr, float64(len(vals)))
	}
	return vals, idx, ptr
}

// expect gives the joined names and, per virtual row, joined column → value;
// columns that CSR would list are present even when 0.
func expect(stores []*modelStore, join Join, panel []string) (names []string, rows []map[int]float64) {
	equal := true
	for _, s := range stores {
		equal = equal && slices.Equal(s.vars, stores[0].vars)
	}
	named := join != JoinNone
	switch {
	case panel != nil:
		names, named = panel, true
	case equal || join == JoinNone:
		names = stores[0].vars
	case join == JoinInner:
		for _, v := range stores[0].vars {
			if !slices.ContainsFunc(stores, func(s *modelStore) bool { return !slices.Contains(s.vars, v) }) {
				names = append(names, v)
			}
		}
	default:
		for _, s := range stores {
			names = append(names, s.vars...)
		}
		sort.Strings(names)
		names = slices.Compact(names)
	}
	for _, s := range stores {
		for _, row := range s.rows {
			out := map[int]float64{}
			for _, e := range row {
				at := e.col
				if named {
					at = slices.Index(names, s.vars[e.col])
				}
				switch {
				case at < 0 || s.dense && e.val == 0:
				case s.or:
					out[at] = max(out[at], e.val)
				default:
					out[at] += e.val
				}
			}
			rows = append(rows, out)
		}
	}
	return names, rows
}

func openModel(stores []*modelStore, o Options) (*Collection, error) {
	paths, files := []string{}, map[string]container{}
	for i, s := range stores {
		path := fmt.Sprintf("store%d", i)
		paths, files[path] = append(paths, path), s.file
	}
	return openWith(context.Background(), paths, o, func(path string) (container, error) { return files[path], nil })
}

func TestBatchesEqualAPlainModelForRandomCollections(t *testing.T) {
	universe := strings.Split("cb ca d e ba a g f É h i j k", " ")
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var stores []*modelStore
		for i := range 1 + r.IntN(4) {
			stores = append(stores, randomStore(r, universe, fmt.Sprint(i)))
		}
		join := Join(r.IntN(3))
		o := Options{Join: join, CacheBytes: int64(1 + r.IntN(400)), VarNames: randomPanel(r, universe)}
		names, rows := expect(byKey(r, stores, &o), join, o.VarNames)
		c, err := openModel(stores, o)
		if o.VarNames != nil && covered(stores, o) == 0 {
			wantError(t, err, ErrNoSharedVars, "var_names")
			continue
		}
		if o.VarNames == nil && join == JoinInner && len(names) == 0 {
			wantError(t, err, ErrNoSharedVars, "outer")
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if c.named() && !slices.Equal(c.Var(), names) || c.NObs() != int64(len(rows)) {
			t.Fatalf("seed %d: %v rows and variables %v, want %d and %v", seed, c.NObs(), c.Var(), len(rows), names)
		}
		for _, format := range []Format{Dense, CSR} {
			o := EncoderOptions{Format: format, MayPad: true}
			if r.IntN(2) == 0 {
				o.DType = pick(r, append(slices.Clone(allTypes), bfloat16Type)...).String()
			}
			e, err := c.NewEncoder(o)
			if c.vars.uneven >= 0 && format == Dense {
				wantError(t, err, ErrInvalid, "csr", "columns")
				continue
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if len(rows) > 0 {
				checkRandomBatch(t, r, e, rows, fmt.Sprintf("seed %d, %v join, %v %s", seed, join, format, o.DType))
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// randomPanel is a panel in two of three cases: names of the universe and others.
func randomPanel(r *rand.Rand, universe []string) []string {
	if r.IntN(3) == 0 {
		return nil
	}
	panel := append(slices.Clone(universe), "other", "more")
	r.Shuffle(len(panel), func(i, j int) { panel[i], panel[j] = panel[j], panel[i] })
	return panel[:1+r.IntN(len(panel))]
}

// byKey chooses, in one of three cases, to join on the column key: it gives what the model is then, and
// renames the panel of o.
func byKey(r *rand.Rand, stores []*modelStore, o *Options) []*modelStore {
	if r.IntN(3) > 0 {
		return stores
	}
	o.VarKey = "key"
	for i, name := range o.VarNames {
		o.VarNames[i] = keyOf(name)
	}
	var out []*modelStore
	for _, s := range stores {
		renamed := *s
		renamed.vars = s.keys()
		out = append(out, &renamed)
	}
	return out
}

// covered counts the names of the panel that stores have.
func covered(stores []*modelStore, o Options) (n int) {
	for _, s := range stores {
		names := s.vars
		if o.VarKey != "" {
			names = s.keys()
		}
		for _, name := range names {
			if slices.Contains(o.VarNames, name) {
				n++
			}
		}
	}
	return n
}

func checkRandomBatch(t *testing.T, r *rand.Rand, e *Encoder, rows []map[int]float64, what string) {
	t.Helper()
	want := make([]int64, 1+r.IntN(20))
	for i := range want {
		want[i] = r.Int64N(int64(len(rows)))
	}
	pad := r.IntN(2)
	got, err := encode(e, want, pad, 1+r.IntN(4))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	x := find(t, got, "X")
	if x.Kind == KindCSR {
		if err := checkCSR(x, len(want)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i, row := range want {
		dense := make([]float64, x.Width)
		if x.Kind == KindDense {
			copy(dense, x.values[i*x.Width:])
		} else {
			for k := x.indptr[i]; k < x.indptr[i+1]; k++ {
				dense[x.indices[k]] = x.values[k]
			}
			if n := int(x.indptr[i+1] - x.indptr[i]); n != len(rows[row]) {
				t.Fatalf("%s: row %d has %d values, want %d", what, row, n, len(rows[row]))
			}
		}
		model := make([]float64, x.Width)
		for c, v := range rows[row] {
			model[c] = v
			if x.DType == "bool" {
				model[c] = float64(truth(v != 0))
			}
		}
		if err := same(dense, model); err != nil {
			t.Fatalf("%s: row %d: %v\n got %v\nwant %v", what, row, err, dense, model)
		}
		if got := find(t, got, "_idx").values[i]; got != float64(row) {
			t.Fatalf("%s: _idx is %v, want %d", what, got, row)
		}
		if has := find(t, got, "mask:_idx").values[i]; has != float64(truth(i < len(want)-pad)) {
			t.Fatalf("%s: mask of _idx at %d of %d with %d padding is %v", what, i, len(want), pad, has)
		}
	}
}
