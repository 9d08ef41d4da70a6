package mapped

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// labelled is a file of n cells without genes whose obs has the column "key": a categorical of k
// labels as "codes", texts, or numbers.
func labelled(n, k int, as string) *memFile {
	f := &memFile{}
	f.top = newMemGroup(f, "")
	f.top.numbers("X", float32Type, nil, storage{}, int64(n), 0)
	obs, vars := f.top.group("obs"), f.top.group("var")
	obs.texts["_index"], vars.texts["_index"] = "id", "id"
	obs.numbers("id", int8Type, make([]byte, n), storage{run: int64(n)}, int64(n))
	vars.strings("id")
	numbers := make([]float64, n)
	for i := range numbers {
		numbers[i] = float64(i % k)
	}
	// All texts of a file are pieces of one block of memory, as those of the readers are.
	var block strings.Builder
	for i := range max(n, k) {
		fmt.Fprintf(&block, "label %08d", i%k)
	}
	texts := make([]string, max(n, k))
	for i := range texts {
		texts[i] = block.String()[14*i : 14*(i+1)]
	}
	switch as {
	case "codes":
		g := obs.group("key")
		g.texts["encoding-type"] = "categorical"
		g.numbers("codes", int32Type, toRaw(numbers, int32Type), storage{run: int64(n)}, int64(n))
		g.strings("categories", texts[:k]...)
	case "texts":
		obs.strings("key", texts[:n]...)
	default:
		obs.numbers("key", int64Type, toRaw(numbers, int64Type), storage{run: int64(n)}, int64(n))
	}
	return f
}

// heldBy is the memory that what open makes keeps alive, in bytes.
func heldBy(t *testing.T, open func() *Collection) int64 {
	t.Helper()
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // what the first one found to be finalised
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	before := heap()
	c := open()
	held := heap() - before
	runtime.KeepAlive(c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return held
}

func TestALabelColumnTakesTheWidthOfItsCodesACell(t *testing.T) {
	const cells = 200_000
	for _, tc := range []struct{ labels, width int }{{100, 1}, {30_000, 2}, {100_000, 4}} {
		for _, as := range []string{"codes", "texts", "numbers"} {
			t.Run(fmt.Sprintf("%d labels stored as %s", tc.labels, as), func(t *testing.T) {
				// Texts and tables of the file itself are there before.
				files := []*memFile{labelled(cells, tc.labels, as)}
				file := func(string) (container, error) { f := files[0]; files = files[1:]; return f, nil }
				held := heldBy(t, func() *Collection {
					c, err := openWith(context.Background(), []string{"a"}, Options{LayersKeys: []string{}, ObsKeys: []string{"key"}, Encode: []string{"key"}}, file)
					if err != nil {
						t.Fatal(err)
					}
					col := c.columns[0]
					col.Categories, col.Encoder, col.parts[0].column.table, col.parts[0].remap = nil, nil, nil, nil // per label, not per cell
					c.stores[0].env.file = &memFile{}                                                               // and what the file is in this test
					return c
				})
				if most := int64(cells*tc.width) * 11 / 10; held > most {
					t.Errorf("the column takes %d bytes, %.2f a cell; %d are its codes and 10 %%", held, float64(held)/cells, most)
				}
			})
		}
	}
}

func TestLabelsDoNotKeepTheTextsOfAFileAlive(t *testing.T) {
	const cells = 200_000
	for _, as := range []string{"codes", "texts"} {
		t.Run(as, func(t *testing.T) {
			held := heldBy(t, func() *Collection {
				f := labelled(cells, 50, as)
				file := func(string) (container, error) { return f, nil }
				c, err := openWith(context.Background(), []string{"a"}, Options{LayersKeys: []string{}, ObsKeys: []string{"key"}}, file)
				if err != nil {
					t.Fatal(err)
				}
				f, c.stores[0].env.file = nil, &memFile{}
				return c
			})
			if held > 2*cells {
				t.Errorf("the collection keeps %d bytes, of %d cells with codes of one byte", held, cells)
			}
		})
	}
}

func TestShortRowsTakeTwoBytesEachUntilOneIsLong(t *testing.T) {
	for _, tc := range []struct {
		name string
		long int64 // values of row 700 of 1000
		near bool
	}{{"short rows", 3, true}, {"as many as fit", 65_535 - 3*254, true}, {"one more", 65_536 - 3*254, false}} {
		t.Run(tc.name, func(t *testing.T) {
			f := &memFile{}
			f.top = newMemGroup(f, "")
			ptr := make([]float64, 1001)
			for i := range 1000 {
				ptr[i+1] = ptr[i] + 3
				if i == 700 {
					ptr[i+1] = ptr[i] + float64(tc.long)
				}
			}
			a := f.top.numbers("indptr", int64Type, toRaw(ptr, int64Type), storage{run: 1001}, 1001)
			x, counts, err := readRowIndex(&env{file: f, path: "file"}, a, 1000, int64(ptr[1000]), 1<<40)
			if err != nil {
				t.Fatal(err)
			}
			if (x.near != nil) != tc.near || (x.off != nil) == tc.near {
				t.Errorf("near has %d rows and off %d", len(x.near), len(x.off))
			}
			for i := range int64(1000) {
				if first, n := x.span(i); first != int64(ptr[i]) || first+n != int64(ptr[i+1]) {
					t.Fatalf("row %d has %d values from %d, want %v", i, n, first, ptr[i:i+2])
				}
			}
			if counts[0] != (nnzCount{max(tc.long, 3), map[bool]int64{true: 1000, false: 1}[tc.long == 3]}) {
				t.Errorf("the most values are %+v", counts[0])
			}
		})
	}
}
