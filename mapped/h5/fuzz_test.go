package h5

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each target takes what one parser is given and asserts what holds of any input: no panic (the fuzzer
// sees to that), errors of this package, memory within the budget. Metadata checksums are not verified
// here, for a fuzzer cannot guess them, and what stands behind them must be as safe as the rest.
//
// Inputs are long, so minimizing them is slow: run with -fuzzminimizetime 5x.
//
// The seeds under testdata/fuzz are cut out of the fixtures by
//
//	go test ./mapped/h5 -run TestSeeds -update

var update = flag.Bool("update", false, "write the fuzz seeds anew")

// bare is a file that is nothing but b, with addresses and lengths of eight bytes.
func bare(b []byte) *File {
	return &File{r: bytes.NewReader(b), size: int64(len(b)), name: "fuzz", offLen: 8, lenLen: 8, extAddr: undefAddr, trusting: true}
}

func mustBeTyped(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if wrong := typed(locate(err, "fuzz", "/")); wrong != "" {
		t.Errorf("an error %s: %v", wrong, err)
	}
}

func withinBudget(t *testing.T, fn func()) {
	t.Helper()
	before := allocated()
	fn()
	if used := allocated() - before; used > damageBytes {
		t.Errorf("%d bytes allocated", used)
	}
}

func FuzzFile(f *testing.F) {
	f.Add(fixture(f, "tiny_latest.h5"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 64<<10 {
			return
		}
		withinBudget(t, func() {
			file := &File{r: bytes.NewReader(b), size: int64(len(b)), name: "fuzz", trusting: true}
			if _, err := newFile(file); err != nil {
				mustBeTyped(t, err)
				return
			}
			for _, err := range read(file).errs {
				mustBeTyped(t, err)
			}
		})
	})
}

func FuzzHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		withinBudget(t, func() {
			file := bare(b)
			o, err := file.object(0, "/x")
			mustBeTyped(t, err)
			if d, ok := o.(*Dataset); ok {
				s := survey{found: map[string]string{}, errs: map[string]error{}}
				s.attrs(d)
				s.dataset(d)
				for _, err := range s.errs {
					mustBeTyped(t, err)
				}
			} else if g, ok := o.(*Group); ok {
				_, err := g.Names()
				mustBeTyped(t, err)
			}
		})
	})
}

func FuzzType(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		file := bare(b)
		c := file.cursor(b)
		typ, err := parseType(&c, 0)
		mustBeTyped(t, err)
		if err != nil {
			return
		}
		_ = typ.String()
		if typ.Size > 1<<16 {
			return
		}
		v := newValues(file, "/x", typ, space{dims: []int64{2}, n: 2}, make([]byte, 2*typ.Size))
		s := survey{found: map[string]string{}, errs: map[string]error{}}
		s.values("/x", v)
		for _, err := range s.errs {
			mustBeTyped(t, err)
		}
	})
}

func FuzzMessages(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		file := bare(b)
		num := &Type{Class: ClassInt, Size: 4}
		var err error
		switch kind {
		case msgDataspace:
			_, err = file.parseSpace(b)
		case msgFill, msgFillOld:
			_, err = parseFill(b, kind == msgFillOld, num)
		case msgLayout:
			_, err = file.parseLayout(b, num)
		case msgFilters:
			_, err = parsePipeline(b)
		case msgLink:
			err = file.parseLink(b, map[string]link{})
		case msgAttribute:
			var r rawAttr
			if r, err = file.splitAttr(b); err == nil {
				_, err = file.attr("/x", r)
			}
		}
		mustBeTyped(t, err)
	})
}

func FuzzGroup(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind uint8, a, b uint16, body []byte) {
		withinBudget(t, func() {
			file := bare(body)
			out := map[string]link{}
			if kind%2 == 0 {
				msg := binary.LittleEndian.AppendUint64(nil, uint64(a))
				mustBeTyped(t, file.symbolTable(binary.LittleEndian.AppendUint64(msg, uint64(b)), out))
				return
			}
			msg := binary.LittleEndian.AppendUint64([]byte{0, 0}, uint64(a))
			mustBeTyped(t, file.denseLinks(binary.LittleEndian.AppendUint64(msg, uint64(b)), out))
		})
	})
}

func FuzzChunkIndex(f *testing.F) {
	// kind of index; filtered or not; shape n, or n × m if m > 0; chunks c × e; where the index lies.
	f.Fuzz(func(t *testing.T, kind, filtered, n, m, c, e uint8, addr uint16, body []byte) {
		withinBudget(t, func() {
			d := indexed(kind, filtered, n, m, c, e)
			d.f, d.lay.addr = bare(body), uint64(addr)
			if err := d.settle(); err != nil {
				t.Fatal(err)
			}
			table, err := d.Chunks()
			mustBeTyped(t, err)
			if err != nil {
				return
			}
			for i := range table.Len() {
				if k := table.At(i); !k.Missing && (k.Offset < 0 || k.Bytes < 0 || k.Offset+k.Bytes > int64(len(body))) {
					t.Fatalf("chunk %d lies at %d + %d of %d", i, k.Offset, k.Bytes, len(body))
				}
			}
		})
	})
}

// indexed is a dataset of which only the chunk index matters.
func indexed(kind, filtered, n, m, c, e uint8) *Dataset {
	d := &Dataset{node: node{path: "/x"}, typ: &Type{Class: ClassInt, Size: 1}, at: -1}
	d.lay = layout{kind: layoutChunked, index: indexKind(kind % 6), dims: []int64{1 + int64(c)}}
	d.space.dims, d.space.n = []int64{int64(n)}, int64(n)
	if m > 0 {
		d.lay.dims = append(d.lay.dims, 1+int64(e))
		d.space.dims = append(d.space.dims, int64(m))
		d.space.n *= int64(m)
	}
	d.space.max = slices.Clone(d.space.dims)
	if d.lay.index == indexExtensible || d.lay.index == indexBTree2 {
		d.space.max[int(kind/6)%len(d.space.max)] = -1
	}
	if filtered%2 == 1 {
		d.pipe = pipeline{{Filter{ID: filterShuffle}, decoderOf(Filter{ID: filterShuffle})}}
	}
	return d
}

func FuzzGlobalHeap(f *testing.F) {
	f.Fuzz(func(t *testing.T, index uint16, body []byte) {
		h := globalHeap{f: bare(body)}
		_, err := h.get(0, uint32(index))
		mustBeTyped(t, err)
	})
}

// FuzzChunk decodes through one filter or two, of elements of four bytes. The mask's highest bits, which no filter here
// has, choose what compresses blocks of bits.
func FuzzChunk(f *testing.F) {
	f.Fuzz(func(t *testing.T, first, second uint16, mask uint32, size uint16, body []byte) {
		var p pipeline
		for _, id := range [2]uint16{first, second} {
			filter := Filter{ID: id, Params: []uint32{4, 0, 4, 0, uint32(mask >> 30)}}
			if d := decoderOf(filter); d.undo != nil {
				p = append(p, stage{filter, d})
			}
		}
		mustBeTyped(t, p.decode(make([]byte, size), body, mask, new(Scratch)))
	})
}

func TestSeeds(t *testing.T) {
	if !*update {
		for _, target := range []string{"FuzzHeader", "FuzzType", "FuzzMessages", "FuzzGroup", "FuzzChunkIndex", "FuzzGlobalHeap", "FuzzChunk"} {
			if list, err := os.ReadDir(filepath.Join("testdata/fuzz", target)); err != nil || len(list) < 3 {
				t.Errorf("%s has %d seeds (%v); make them with -update", target, len(list), err)
			}
		}
		return
	}
	seeds := seedWriter{t: t, seen: map[string]bool{}}
	for _, name := range []string{"forms_earliest.h5.gz", "forms_latest.h5.gz", "shared_messages_latest.h5"} {
		b := fixture(t, name)
		seeds.messages(openBytes(t, b, name))
	}
	seeds.structures()
}

// seedWriter cuts the inputs of parsers out of fixtures.
type seedWriter struct {
	t    *testing.T
	seen map[string]bool
}

func (w *seedWriter) write(target, name string, args ...any) {
	var b strings.Builder
	b.WriteString("go test fuzz v1\n")
	for _, a := range args {
		switch a := a.(type) {
		case []byte:
			fmt.Fprintf(&b, "[]byte(%q)\n", a)
		case uint8:
			fmt.Fprintf(&b, "byte('\\x%02x')\n", a)
		default:
			fmt.Fprintf(&b, "%T(%d)\n", a, a)
		}
	}
	dir := filepath.Join("testdata/fuzz", target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// messages writes one seed for each kind, version and class of message that a file holds.
func (w *seedWriter) messages(f *File) {
	var visit func(g *Group)
	visit = func(g *Group) {
		names, err := g.Names()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, name := range names {
			l := g.members[name]
			if l.soft != "" || l.odd != "" || len(names) > 100 {
				continue
			}
			h, err := f.header(l.addr, 0)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, m := range h.msgs {
				w.message(m)
			}
			if o, err := g.Object(name); err == nil {
				if sub, ok := o.(*Group); ok {
					visit(sub)
				}
			}
		}
	}
	visit(f.root)
}

func (w *seedWriter) message(m message) {
	if m.flags&flagShared != 0 || len(m.data) < 2 || len(m.data) > 400 {
		return
	}
	key := fmt.Sprintf("%02x_%02x", m.kind, m.data[0])
	if m.kind == msgLayout {
		key += fmt.Sprintf("_%02x", m.data[1])
	}
	if w.seen[key] {
		return
	}
	w.seen[key] = true
	switch m.kind {
	case msgDatatype:
		w.write("FuzzType", key, m.data)
	case msgDataspace, msgFill, msgLayout, msgFilters, msgLink, msgAttribute:
		w.write("FuzzMessages", key, uint8(m.kind), m.data)
	}
}

// structures writes seeds for the parsers that follow addresses: small files whole, with the address.
func (w *seedWriter) structures() {
	for _, name := range []string{"tiny_group_old.h5", "tiny_group_new.h5", "filtered_heap.h5"} {
		b := fixture(w.t, name)
		g, err := openBytes(w.t, b, name).Root().Group("g")
		if err != nil {
			w.t.Fatal(err)
		}
		if m, ok, _ := g.hdr.first(msgSymbols); ok {
			w.write("FuzzGroup", name, uint8(0), binary.LittleEndian.Uint16(m), binary.LittleEndian.Uint16(m[8:]), b)
		} else if m, ok, _ := g.hdr.first(msgLinkInfo); ok {
			w.write("FuzzGroup", name, uint8(1), binary.LittleEndian.Uint16(m[2:]), binary.LittleEndian.Uint16(m[10:]), b)
		}
	}
	b := fixture(w.t, "tiny_latest.h5")
	f := openBytes(w.t, b, "tiny_latest.h5")
	names, _ := f.Root().Names()
	for _, name := range names {
		addr := f.root.members[name].addr
		w.write("FuzzHeader", "new_"+name, b[addr:min(int(addr)+300, len(b))])
		d := dataset(w.t, f, name)
		if d.lay.kind != layoutChunked {
			continue
		}
		shape, chunk := append(slices.Clone(d.Shape()), 0), append(slices.Clone(d.ChunkShape()), 1)
		w.write("FuzzChunkIndex", name, uint8(d.lay.index), uint8(len(d.pipe)), uint8(shape[0]), uint8(shape[1]),
			uint8(chunk[0]-1), uint8(chunk[1]-1), uint16(d.lay.addr), b)
	}
	b = fixture(w.t, "forms_earliest.h5.gz")
	f = openBytes(w.t, b, "forms_earliest.h5")
	for _, path := range []string{"/layouts/compact", "/attributes/few", "/groups/member 01"} {
		dir, leaf := filepath.Split(path)
		g, err := f.Root().Group(dir)
		if err != nil || g.load() != nil {
			w.t.Fatal(err)
		}
		addr := int(g.members[leaf].addr)
		w.write("FuzzHeader", "old_"+strings.ReplaceAll(leaf, " ", "_"), b[addr:addr+512])
	}
	w.heaps(f, b)
	w.chunks(f, b)
}

func (w *seedWriter) heaps(f *File, b []byte) {
	for _, path := range []string{"/types/vlen_utf8", "/types/vlen_gzip", "/types/vlen_ints"} {
		v, err := dataset(w.t, f, path).Values()
		if err != nil {
			w.t.Fatal(err)
		}
		c := f.cursor(v.raw)
		for c.left() > 0 {
			if c.u32(); c.left() < 12 {
				break
			}
			addr, index := c.addr(), c.u32()
			if addr != 0 && addr != undefAddr {
				w.write("FuzzGlobalHeap", strings.ReplaceAll(path[1:], "/", "_"), uint16(index), b[addr:addr+1024])
				break
			}
		}
	}
}

func (w *seedWriter) chunks(f *File, b []byte) {
	for _, name := range []string{"gzip_runs", "lzf_runs", "lzf_odd", "fletcher_odd", "shuffle", "shuffle_gzip", "shuffle_lzf"} {
		w.chunk(f, b, "/filters/"+name, name)
	}
	const plugins = "plugins.h5.gz"
	b = fixture(w.t, plugins)
	f = openBytes(w.t, b, plugins)
	for _, name := range []string{"zstd", "lz4", "lz4_blocks", "bits", "bits_lz4", "bits_lz4_blocks", "bits_zstd",
		"blosc_blosclz_1", "blosc_lz4_2", "blosc_zlib_0", "blosc_zstd_1"} {
		w.chunk(f, b, "/"+name+"/few", name)
	}
}

func (w *seedWriter) chunk(f *File, b []byte, path, name string) {
	d := dataset(w.t, f, path)
	table, err := d.Chunks()
	if err != nil {
		w.t.Fatal(err)
	}
	var ids [2]uint16
	k := table.At(0)
	mask := k.Mask
	for i, filter := range d.Filters() {
		ids[i] = filter.ID
		if filter.ID == filterBitshuffle {
			mask |= param(filter.Params, bitshuffleCodec) << 30
		}
	}
	w.write("FuzzChunk", name, ids[0], ids[1], mask, uint16(d.ChunkBytes()), b[k.Offset:k.Offset+k.Bytes])
}
