package ipc

import (
	"math"
	"reflect"
	"testing"
)

func TestLayoutPutsBuffersBehindEachOther(t *testing.T) {
	s := Schema{
		{Name: "_store_idx", Kind: KindColumn, DType: "int64", Width: 1, Buffers: 1},
		{Name: "X", Kind: KindCSR, DType: "float64", Width: 100, Buffers: 3},
		{Name: "obsm_P", Kind: KindDense, DType: "float32", Width: 3, Buffers: 1},
		{Name: "mask:X", Kind: KindMask, DType: "bool", Width: 1, Buffers: 1, Of: "X"},
	}
	check(t, s.Validate())
	at, lens, size := s.Layout(10, []int{33})
	wantAt, wantLens := []int{0, 128, 192, 384, 704, 832}, []int{80, 44, 132, 264, 120, 10}
	if !reflect.DeepEqual(at, wantAt) || !reflect.DeepEqual(lens, wantLens) || size != 896 {
		t.Errorf("at %v, lens %v, size %d; want %v, %v, 896", at, lens, size, wantAt, wantLens)
	}
	if s.NumBuffers() != len(at) || s.NumVar() != 1 {
		t.Errorf("%d buffers, %d csr", s.NumBuffers(), s.NumVar())
	}
}

func TestALayoutThatNoMachineHasIsAsLargeAsCanBe(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    Field
		n    int
		caps []int
	}{
		{"rows × width overflow", Field{Kind: KindDense, DType: "int8", Width: 1 << 31}, 1 << 33, nil},
		{"bytes overflow", Field{Kind: KindDense, DType: "float64", Width: 1}, 1 << 61, nil},
		{"the last multiple of 64", Field{Kind: KindColumn, DType: "int8", Width: 1}, math.MaxInt, nil},
		{"a csr cap", Field{Kind: KindCSR, DType: "float64", Width: 1}, 1, []int{1 << 61}},
		{"rows + 1", Field{Kind: KindCSR, DType: "float64", Width: 1}, math.MaxInt, []int{1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, _, size := (Schema{tc.f}).Layout(tc.n, tc.caps); size != math.MaxInt {
				t.Errorf("size %d", size)
			}
		})
	}
}

func TestASchemaThatCanNotBeReadIsRefused(t *testing.T) {
	good := func() Schema {
		return Schema{
			{Name: "X", Kind: KindCSR, DType: "float32", Width: 5, Buffers: 3},
			{Name: "a", Kind: KindColumn, DType: "int8", Width: 1, Buffers: 1},
			{Name: "mask:a", Kind: KindMask, DType: "bool", Width: 1, Buffers: 1, Of: "a"},
		}
	}
	check(t, good().Validate())
	for _, tc := range []struct {
		name  string
		spoil func(s Schema)
		says  string
	}{
		{"no name", func(s Schema) { s[0].Name = "" }, "no name"},
		{"a kind nobody knows", func(s Schema) { s[0].Kind = "coo" }, "coo"},
		{"too few buffers", func(s Schema) { s[0].Buffers = 2 }, "2 buffers"},
		{"a dtype nobody knows", func(s Schema) { s[1].DType = "object" }, "object"},
		{"a wide column", func(s Schema) { s[1].Width = 2 }, "width 2"},
		{"a negative width", func(s Schema) { s[0].Width = -1 }, "width -1"},
		{"a width no index reaches", func(s Schema) { s[0].Width = 1 << 31 }, "width"},
		{"a name twice", func(s Schema) { s[1].Name, s[2].Of = "X", "X" }, "two fields"},
		{"a mask of nothing", func(s Schema) { s[2].Of = "b" }, `"b"`},
		{"a mask of ints", func(s Schema) { s[2].DType = "int8" }, "int8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := good()
			tc.spoil(s)
			wantError(t, s.Validate(), ErrProtocol, tc.says)
		})
	}
}

// FuzzLayout checks what every layout has to be: aligned, in order, without overlap, and just large enough.
func FuzzLayout(f *testing.F) {
	f.Add([]byte{0, 9, 3, 3, 8, 100}, uint16(128), uint16(1000))
	f.Add([]byte{1, 0, 1, 2, 4, 1}, uint16(0), uint16(0))
	kinds := []Kind{KindDense, KindColumn, KindMask, KindCSR}
	dtypes := []string{"bool", "int8", "uint8", "int16", "uint16", "float16", "int32", "uint32", "float32", "int64", "uint64", "float64"}
	f.Fuzz(func(t *testing.T, fields []byte, rows, stored uint16) {
		var s Schema
		var caps []int
		for ; len(fields) >= 3; fields = fields[3:] {
			k := kinds[int(fields[0])%len(kinds)]
			s = append(s, Field{Kind: k, DType: dtypes[int(fields[1])%len(dtypes)], Width: int(fields[2])})
			if k == KindCSR {
				caps = append(caps, int(stored)+len(caps))
			}
		}
		at, lens, size := s.Layout(int(rows), caps)
		if len(at) != s.NumBuffers() || len(lens) != len(at) {
			t.Fatalf("%d offsets, %d lengths, %d buffers", len(at), len(lens), s.NumBuffers())
		}
		end, total := 0, 0
		for i := range at {
			if at[i]%Align != 0 || at[i] < end || at[i]-end >= Align || lens[i] < 0 {
				t.Fatalf("buffer %d of %d bytes at %d; the one before ends at %d", i, lens[i], at[i], end)
			}
			end = at[i] + lens[i]
			total += lens[i]
		}
		if size%Align != 0 || size < end || size-end >= Align {
			t.Fatalf("size %d, the last buffer ends at %d", size, end)
		}
		if want := bytesOf(s, int(rows), caps); total != want {
			t.Fatalf("%d bytes in buffers, want %d", total, want)
		}
		ready := Ready{N: int(rows), Size: int64(size), At: at, Var: caps}
		if err := s.fits(&ready); err != nil {
			t.Fatalf("a frame of this layout is refused: %v", err)
		}
	})
}

// bytesOf is counted field by field, in another way than Layout does.
func bytesOf(s Schema, n int, caps []int) (total int) {
	for _, f := range s {
		size := DTypeSize(f.DType)
		switch f.Kind {
		case KindDense:
			total += n * f.Width * size
		case KindCSR:
			total += 4*(n+1) + caps[0]*(4+size)
			caps = caps[1:]
		default:
			total += n * size
		}
	}
	return total
}

func TestAFrameThatReachesBeyondItsBytesIsRefused(t *testing.T) {
	s := Schema{
		{Name: "X", Kind: KindCSR, DType: "float32", Width: 5, Buffers: 3},
		{Name: "a", Kind: KindColumn, DType: "int64", Width: 1, Buffers: 1},
	}
	good := func() *Ready {
		return &Ready{N: 10, Size: 64 + 64 + 64 + 128, At: Ints{0, 64, 128, 192}, Var: Ints{16}}
	}
	check(t, s.fits(good()))
	for _, tc := range []struct {
		name  string
		spoil func(m *Ready)
	}{
		{"fewer offsets", func(m *Ready) { m.At = m.At[:3] }},
		{"more offsets", func(m *Ready) { m.At = append(m.At, 0) }},
		{"no nnz", func(m *Ready) { m.Var = nil }},
		{"a negative offset", func(m *Ready) { m.At[1] = -64 }},
		{"an odd offset", func(m *Ready) { m.At[1] = 68 }},
		{"an offset behind the frame", func(m *Ready) { m.At[3] = 1 << 40 }},
		{"values that reach beyond", func(m *Ready) { m.Var[0] = 33; m.At[2] = 256 }},
		{"negative nnz", func(m *Ready) { m.Var[0] = -1 }},
		{"nnz beyond int32", func(m *Ready) { m.Var[0] = 1 << 31 }},
		{"rows that overflow", func(m *Ready) { m.N = math.MaxInt }},
		{"negative rows", func(m *Ready) { m.N = -1 }},
		{"a short frame", func(m *Ready) { m.Size = 256 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := good()
			tc.spoil(m)
			wantError(t, s.fits(m), ErrProtocol)
		})
	}
}
